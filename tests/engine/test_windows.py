"""What longer windows of n-grams need: contexts counted another way, times as they were fitted."""

from __future__ import annotations

import numpy as np
import pytest

from engine.errors import NotOffered
from engine.predecessors import counting
from engine.predecessors.windows import LOOKED_UP, TURNS, Windows, known, windows

TEXT = np.random.default_rng(0).integers(0, 12, 600)


def table(worth: float = -1e9):
    return counting.count(counting.stream([TEXT], end=0), vocabulary=12, window=3, worth=worth)


def test_kept_contexts_are_those_of_the_text_and_never_more_than_it_has() -> None:
    whole = np.concatenate([[0], TEXT, [0]]).tolist()
    found = windows(table(), 1000)
    assert found.seen == 601 and found.longest == 3
    for n in (1, 2, 3):
        met = [tuple(whole[k : k + n]) for k in range(1 if n == 1 else 0, len(whole) - n + 1)]
        twice = {one for one in met if met.count(one) >= counting.SEEN}
        kept = found.contexts(n)
        assert kept is not None and found.possible(n) == 12**n
        assert kept == (12 if n == 1 else len(twice))
        assert kept <= found.met(n) == min(12**n, 601)
    assert found.contexts(4) is None and found.contexts(0) is None
    assert found.met(8) == 601


def test_bytes_of_a_whole_table_are_those_of_an_n_gram_times_all_that_there_could_be() -> None:
    found = Windows(10, 500, np.array([10, 30, 60]), 200, np.ones(3))
    assert found.whole(1) == 200 and found.whole(3) == 10**4 * 2.0


def test_time_is_measured_as_far_as_the_table_goes_and_then_predicted() -> None:
    found = Windows(10, 500, np.array([10, 30, 60, 60, 60]), 200, np.array([1.0, 3, 7, 13, 21]))
    assert [found.time(n) for n in range(5)] == [1, 3, 7, 13, 21]
    assert found.time(5) == pytest.approx(31) and found.time(8) == pytest.approx(73)
    short = Windows(10, 500, np.array([10, 30]), 200, np.array([1.0, 3.0]))
    assert short.time(4) == pytest.approx(9)


def test_the_fastest_of_the_turns_counts() -> None:
    now, asked = [0.0], [0]

    def clock() -> float:
        # Every second look is the end of a distribution: slow but in the last turn.
        asked[0] += 1
        last = asked[0] > 2 * (TURNS - 1) * LOOKED_UP * 4
        now[0] += 0.0 if asked[0] % 2 else 1.0 if last else 5.0
        return now[0]

    np.testing.assert_allclose(windows(table(), 1, clock=clock).seconds, np.ones(4))


def test_contexts_that_are_looked_up_are_in_the_table() -> None:
    counted = table()
    rows = known(counted, 20)
    assert rows.shape == (20, 3)
    for width in (1, 2, 3):
        assert (counted.entries(rows[:, :width]) >= 0).all()
    pruned = table(worth=1e9)  # nothing but single tokens is left
    assert known(pruned, 5).shape == (5, 1)
    assert windows(pruned, 10).seconds.shape == (4,)


def test_without_a_table_it_says_what_to_run(no_predecessors: None) -> None:
    from engine.api import local

    with pytest.raises(NotOffered, match="python -m engine.training.tales_ngrams"):
        local().windows("tales-gpt")
