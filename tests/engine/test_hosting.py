"""Who comes in, how often one may ask, and that what is refused is counted."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import Busy
from engine.hosting import figures
from engine.hosting.admission import AWAY, Gate
from engine.hosting.rates import Rates, counted, network


class Clock:
    """A time that only the test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def yes() -> bool:
    return True


def no() -> bool:
    return False


def gate(places: int = 2, queue: int = 10, **more) -> tuple[Gate, Clock]:
    clock = Clock()
    return Gate(places, queue, clock=clock, **more), clock


def numbers(found: Gate, *viewers: str, here: Callable[[], bool] = yes) -> list[int]:
    return [found.ask(viewer, here=here).number for viewer in viewers]


def test_who_comes_when_it_is_full_waits_in_order() -> None:
    found, _ = gate(2)
    assert numbers(found, "a", "b", "c", "d") == [0, 0, 1, 2]
    assert numbers(found, "d", "c", "b", "a") == [2, 1, 0, 0]
    assert found.ask("d", here=yes).waiting == 2 and found.counts() == (2, 2)


def test_a_free_place_is_for_who_waits_longest() -> None:
    found, clock = gate(1)
    numbers(found, "a", here=no)
    assert numbers(found, "b", "c") == [1, 2]
    clock.now += AWAY + 2
    assert numbers(found, "c", "b") == [1, 0]
    assert numbers(found, "a") == [2]  # who left is a newcomer


def test_who_closed_the_page_is_gone_after_a_while_and_not_before() -> None:
    found, clock = gate(1)
    numbers(found, "a", here=no)
    assert numbers(found, "b") == [1]
    clock.now += AWAY - 1
    assert numbers(found, "b") == [1]
    clock.now += 3
    assert numbers(found, "b") == [0]


def test_who_left_the_queue_holds_up_nobody() -> None:
    found, clock = gate(1)
    numbers(found, "a")
    numbers(found, "b", here=no)
    assert numbers(found, "c") == [2]
    clock.now += AWAY + 2
    assert numbers(found, "c") == [1]


def test_who_does_nothing_gives_the_place_up_only_where_others_wait() -> None:
    found, clock = gate(1, idle=60.0)
    numbers(found, "a")
    clock.now += 600
    assert numbers(found, "a") == [0]
    clock.now += 61
    assert found.ask("b", here=yes).number == 1
    clock.now += 2
    assert found.ask("b", here=yes).number == 0
    assert found.ask("a", here=yes).number == 1


def test_a_page_that_asks_by_itself_does_not_keep_a_place() -> None:
    found, clock = gate(1, idle=60.0)
    numbers(found, "a", "b")
    for _ in range(70):
        clock.now += 1
        found.ask("a", here=yes, active=False)
    assert numbers(found, "b") == [0]


def test_a_full_queue_sends_newcomers_away_and_says_so() -> None:
    found, _ = gate(1, queue=1)
    before = figures.value("atlas_refusals_total", reason="queue")
    assert numbers(found, "a", "b") == [0, 1]
    with pytest.raises(Busy, match="full"):
        found.ask("c", here=yes)
    assert figures.value("atlas_refusals_total", reason="queue") == before + 1
    assert numbers(found, "b", "a") == [1, 0]


def test_one_address_has_so_many_visitors_and_no_more() -> None:
    found, _ = gate(10, of_address=2)
    for viewer in ("a", "b"):
        found.ask(viewer, address="10.0.0.1", here=yes)
    with pytest.raises(Busy, match="2 visitors of your network"):
        found.ask("c", address="10.0.0.1", here=yes)
    assert found.ask("c", address="10.0.0.2", here=yes).inside
    assert found.ask("a", address="10.0.0.1", here=yes).inside


def test_without_a_limit_everybody_is_inside() -> None:
    found, _ = gate(0, queue=0)
    assert numbers(found, *map(str, range(300))) == [0] * 300


def test_many_who_wait_ask_more_seldom() -> None:
    found, _ = gate(1, queue=1000)
    places = [found.ask(str(n), here=yes) for n in range(600)]
    # Asking costs a page's run: however many wait, some twenty runs a second in all.
    assert places[1].patience < 3 and 599 / places[-1].patience < 25


def test_threads_never_let_in_one_too_many() -> None:
    found, _ = gate(7, queue=1000)
    inside: list[str] = []

    def come(number: int) -> None:
        if found.ask(str(number), here=yes).inside:
            inside.append(str(number))

    threads = [threading.Thread(target=come, args=(n,)) for n in range(60)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(inside) == 7 and found.counts() == (7, 53)


def test_a_minutes_worth_may_be_asked_at_once_and_no_more() -> None:
    clock = Clock()
    rates = Rates(clock)
    assert [rates.take("a", 3) for _ in range(3)] == [0.0] * 3
    assert rates.take("a", 3) == pytest.approx(20.0)
    assert rates.take("b", 3) == 0.0
    clock.now += 20
    assert rates.take("a", 3) == 0.0 and rates.take("a", 3) > 0


@given(st.lists(st.floats(0, 30), max_size=60), st.integers(1, 50))
def test_nobody_has_more_than_the_rate_whatever_they_try(pauses: list[float], most: int) -> None:
    clock = Clock()
    rates = Rates(clock)
    begun, granted = clock.now, 0
    for pause in pauses:
        clock.now += pause
        granted += rates.take("a", most) == 0.0
    assert granted <= most + (clock.now - begun) * most / 60 + 1e-6


def test_names_that_are_remembered_are_bounded() -> None:
    rates = Rates(Clock(), kept=10)
    for number in range(1000):
        rates.take(str(number), 5)
    assert len(rates._left) == 10


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("10.0.0.7", "10.0.0.7"),
        ("::ffff:10.0.0.7", "10.0.0.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("2001:db8:1:2::ff", "2001:db8:1:2::"),
        ("fe80::1%eth0", "fe80::"),
        ("no address" * 50, ("no address" * 50)[:60]),
    ],
)
def test_neighbours_with_many_addresses_count_as_one(address: str, name: str) -> None:
    assert network(address) == name == counted(address)


@pytest.mark.parametrize("nobody", [None, ""])
def test_a_visitor_without_an_address_sits_at_this_computer(nobody: str | None) -> None:
    assert counted(nobody) == counted("127.0.0.1") == counted("::ffff:127.0.0.1")


def test_a_counter_knows_what_each_thread_has_counted_by_itself() -> None:
    counter = figures.OwnCounter("own_of_a_test", "A test's", registry=None)
    counter.inc()
    counter.inc(2)
    seen: list[float] = []

    def other() -> None:
        seen.append(counter.own)
        counter.inc(5)
        seen.append(counter.own)

    thread = threading.Thread(target=other)
    thread.start()
    thread.join(60)
    assert seen == [0, 5] and counter.own == 3
    assert counter.collect()[0].samples[0].value == 8
