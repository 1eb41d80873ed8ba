"""Classes in their file: who may do what, what is counted, and what is forgotten when."""

from __future__ import annotations

import csv
import io
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from engine import policy
from engine.api import local
from engine.errors import Busy, ClassClosed, ClassesUnavailable, NoClass, NotAllowed
from engine.hosting.rates import Rates
from engine.learn import grading
from engine.learn.asking import Asked
from engine.learn.classes import answers, codes, file, rooms, tally
from engine.learn.classes.answers import Given, hand_in
from engine.learn.classes.rooms import Classes, Seat
from engine.learn.reader import shipped
from engine.links import store
from engine.links.state import SharedState
from engine.links.store import Links
from engine.settings import settings

ROOT = Path(__file__).resolve().parents[2]
HOUR = 3600


@pytest.fixture
def classes(tmp_path: Path) -> Classes:
    return Classes(Links(tmp_path / "kept" / "links.sqlite"))


@pytest.fixture(autouse=True)
def limits(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """`limits(class_pupils=2)`: settings of this test; nobody has tried anything yet."""

    def chosen(**values: object) -> None:
        for name, value in values.items():
            monkeypatch.setenv(f"ATLAS_{name.upper()}", str(value))
        settings.cache_clear()

    monkeypatch.setattr(policy, "_codes", Rates())
    monkeypatch.setattr(policy, "_classes", Rates(lambda: time.monotonic() / 1440))
    settings.cache_clear()
    yield chosen
    settings.cache_clear()


@pytest.fixture
def hours(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """`hours(3)`: it is three hours later, by the server's clock."""
    now = [time.time()]
    monkeypatch.setattr(file.time, "time", lambda: now[0])

    def later(count: float) -> None:
        now[0] += count * HOUR

    return later


def opened(classes: Classes, lesson: str = "3.1", step: int = 1) -> tuple[str, str]:
    return classes.open(lesson, step, address="school")


def joined(classes: Classes, code: str, viewer: str = "pupil", **more: str) -> Seat:
    return classes.join(code, viewer=viewer, address="school", **more)


def say(classes: Classes, seat: Seat, given: str, *, correct: bool = False, step: int = 1) -> None:
    hand_in(classes, seat.code, seat.key, "3.1", step, given, correct=correct, own=True)


def seen(classes: Classes, code: str, key: str) -> rooms.Room:
    room = classes.watch(code, key)
    assert room is not None
    return room


# ---------------------------------------------------------------------- a lesson together


def test_a_class_is_opened_joined_led_and_ended(classes: Classes) -> None:
    code, key = opened(classes)
    first, second = (
        joined(classes, text, text) for text in (code.lower(), f" {code[:3]}-{code[3:]}")
    )
    assert (first.number, second.number) == (1, 2) and first.key != second.key
    say(classes, first, "monkey")
    say(classes, second, "banana", correct=True)
    room = seen(classes, code, first.key)
    assert (room.lesson, room.step, room.locked, room.shown, room.pupils) == (
        "3.1",
        1,
        False,
        False,
        2,
    )
    classes.lock(code, key, True)
    classes.reveal(code, key)
    after = seen(classes, code, first.key)
    assert after.locked and after.shown and after.change > room.change
    classes.move(code, key, "3.1", 2)
    moved = seen(classes, code, second.key)
    assert (moved.step, moved.shown, moved.locked) == (2, False, True)
    classes.move(code, key, "3.1", 1)
    assert seen(classes, code, key).shown  # what was shown stays so
    assert [
        (one.number, one.given, one.correct) for one in answers.answers(classes, code, key)
    ] == [
        (1, "monkey", False),
        (2, "banana", True),
    ]
    classes.end(code, key)
    assert classes.watch(code, first.key) is None and classes.role(code, key) is None


def test_an_answer_may_be_changed_until_it_is_revealed(classes: Classes) -> None:
    code, key = opened(classes)
    seat = joined(classes, code)
    change = seen(classes, code, key).change
    for given in ("monkey", "banana"):
        say(classes, seat, given)
    assert [one.given for one in answers.answers(classes, code, key)] == ["banana"]
    assert answers.own_answer(classes, code, seat.key, "3.1", 1) == "banana"
    assert seen(classes, code, key).change == change  # nobody's screen has to follow an answer
    classes.reveal(code, key)
    with pytest.raises(ClassClosed, match="revealed"):
        say(classes, seat, "hungry")
    assert [one.given for one in answers.answers(classes, code, key)] == ["banana"]


def test_an_answer_to_another_step_than_the_classs_is_not_counted(classes: Classes) -> None:
    code, key = opened(classes)
    seat = joined(classes, code)
    with pytest.raises(ClassClosed, match="another step"):
        say(classes, seat, "banana", step=2)
    with pytest.raises(ClassClosed, match="another step"):
        hand_in(classes, code, seat.key, "9.9", 1, "x", correct=True, own=True)
    assert answers.answers(classes, code, key) == ()


def test_who_joins_late_is_where_the_class_is_and_may_answer(classes: Classes) -> None:
    code, key = opened(classes)
    classes.move(code, key, "3.1", 3)
    classes.lock(code, key, True)
    late = joined(classes, code)
    room = seen(classes, code, late.key)
    assert (room.step, room.locked, room.pupils) == (3, True, 1)
    say(classes, late, "banana", step=3)
    assert len(answers.answers_to(classes, code, key, "3.1", 3)) == 1
    assert answers.answers_to(classes, code, key, "3.1", 1) == ()


def test_who_leaves_counts_no_more_and_their_answers_stay(classes: Classes) -> None:
    code, key = opened(classes)
    seat = joined(classes, code)
    say(classes, seat, "banana")
    classes.leave(code, seat.key)
    assert seen(classes, code, key).pupils == 0 and len(answers.answers(classes, code, key)) == 1
    assert joined(classes, code, "again").number == 2


# ---------------------------------------------------------------------- keys and codes


def test_without_the_teachers_key_nothing_is_led_or_read(classes: Classes) -> None:
    code, key = opened(classes)
    other, others_key = opened(classes)
    seat = joined(classes, code)
    for wrong in (
        seat.key,
        others_key,
        "",
        "x" * 32,
        key[:-1],
        "'; DROP TABLE class_rooms",
        "ä" * 32,
    ):
        for act in (
            lambda k: classes.move(code, k, "3.1", 2),
            lambda k: classes.lock(code, k, True),
            lambda k: classes.reveal(code, k),
            lambda k: classes.end(code, k),
            lambda k: answers.answers(classes, code, k),
        ):
            with pytest.raises(NoClass):
                act(wrong)
    room = seen(classes, code, seat.key)
    assert (room.step, room.locked, room.shown) == (1, False, False)
    assert classes.watch(code, others_key) is None  # nor may a stranger look on
    with pytest.raises(NoClass):
        hand_in(classes, code, key, "3.1", 1, "x", correct=True, own=True)  # a teacher is no pupil
    assert classes.role(other, others_key) == "teacher" and classes.role(code, seat.key) == "pupil"


def test_the_file_holds_no_key(classes: Classes) -> None:
    code, key = opened(classes)
    seat = joined(classes, code)
    held = b"".join(path.read_bytes() for path in classes.file.path.parent.iterdir())
    assert code.encode() in held
    assert key.encode() not in held and seat.key.encode() not in held


def test_two_teachers_never_have_one_code(
    classes: Classes, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = iter(["K7Q2MP", "K7Q2MP", "K7Q2MP", "ABCDEF"])
    monkeypatch.setattr(codes, "new_code", lambda: next(drawn))
    (one, first), (two, second) = opened(classes), opened(classes)
    assert (one, two) == ("K7Q2MP", "ABCDEF") and first != second
    with pytest.raises(NoClass):
        classes.move(one, second, "3.1", 2)
    monkeypatch.setattr(codes, "new_code", lambda: "ABCDEF")
    with pytest.raises(ClassClosed, match="Try again"):
        opened(classes)


@pytest.mark.parametrize(
    "text", ["", "K7Q2M", "K7Q2MPX", "K7Q2M0", "' OR 1=1", "\0" * 6, "K" * 10**5]
)
def test_what_is_no_code_is_said(classes: Classes, text: str) -> None:
    opened(classes)
    with pytest.raises(NoClass, match="six signs"):
        joined(classes, text)


def test_codes_are_drawn_from_all_signs() -> None:
    drawn = [codes.new_code() for _ in range(2000)]
    # A sign that never came in 12,000 has odds of 31 * (30/31)^12000, about 10^-169.
    assert set("".join(drawn)) == set(codes.SIGNS) and len(set(drawn)) > 1990
    assert all(codes.read_code(one) == one for one in drawn)


def test_a_thousand_wrong_codes_find_no_class(
    classes: Classes, limits: Callable[..., None]
) -> None:
    limits(viewer_codes=10, address_codes=60)
    code, _ = opened(classes)
    looked = 0
    for number in range(1000):
        with pytest.raises((NoClass, Busy)) as refused:
            joined(classes, codes.new_code(), f"viewer {number // 5}")
        looked += refused.type is NoClass
    assert 60 <= looked <= 75  # a minute's worth, and what came back while the test ran
    with pytest.raises(Busy, match=r"again in \d+ seconds"):
        joined(classes, code, "somebody else of that network")  # nor does the right one help
    assert classes.join(code, viewer="v", address="another network").number == 1


def test_one_visitor_has_fewer_tries_than_a_school(classes: Classes, limits) -> None:
    limits(viewer_codes=3, address_codes=60)
    code, _ = opened(classes)
    for _ in range(3):
        with pytest.raises(NoClass):
            joined(classes, "AAAAAA", "guesser")
    with pytest.raises(Busy):
        joined(classes, code, "guesser")
    assert joined(classes, code, "classmate").number == 1


def test_a_hundred_pupils_of_one_network_join_at_once(classes: Classes) -> None:
    code, _ = opened(classes)
    seats = [joined(classes, code, f"viewer {n}") for n in range(100)]
    assert [one.number for one in seats] == list(range(1, 101))
    assert len({one.key for one in seats}) == 100


# ---------------------------------------------------------------------- bounds


def test_a_class_and_a_host_have_bounds(classes: Classes, limits: Callable[..., None]) -> None:
    limits(class_pupils=2, classes_count=2)
    code, _ = opened(classes)
    for name in ("a", "b"):
        last = joined(classes, code, name)
    with pytest.raises(ClassClosed, match="2 pupils"):
        joined(classes, code, "c")
    classes.leave(code, last.key)
    assert joined(classes, code, "c").number == 3
    opened(classes)
    with pytest.raises(ClassClosed, match="2 classes are open"):
        opened(classes)


def test_joining_and_leaving_for_ever_ends(classes: Classes, limits: Callable[..., None]) -> None:
    limits(class_pupils=2)
    code, _ = opened(classes)
    with pytest.raises(ClassClosed):
        for _ in range(20):
            classes.leave(code, joined(classes, code).key)


def test_an_address_opens_so_many_classes_a_day(classes: Classes, limits, monkeypatch) -> None:
    limits(classes_daily=2)
    now = [0.0]
    monkeypatch.setattr(policy, "_classes", Rates(lambda: now[0] / 1440))
    for _ in range(2):
        opened(classes)
    with pytest.raises(Busy, match="2 classes in a day.*in 720 minutes"):
        opened(classes)
    classes.open("3.1", 1, address="elsewhere")
    now[0] += 12 * HOUR
    opened(classes)


def test_a_host_may_have_no_classes(classes: Classes, limits: Callable[..., None]) -> None:
    limits(classes="no")
    with pytest.raises(NotAllowed, match="ATLAS_CLASSES"):
        opened(classes)
    assert not classes.file.path.exists()


@pytest.mark.parametrize(("lesson", "step"), [("", 1), ("x" * 61, 1), ("3.1", 0), ("3.1", 10**9)])
def test_a_step_that_cannot_be_is_a_mistake_of_ours(
    classes: Classes, lesson: str, step: int
) -> None:
    code, key = opened(classes)
    with pytest.raises(ValueError):
        classes.move(code, key, lesson, step)


def test_long_and_marked_texts_are_kept_short_and_as_they_are(classes: Classes) -> None:
    code, key = opened(classes)
    seat = joined(classes, code, nickname="<img src=x onerror=alert(1)>" + "x" * 10_000)
    say(classes, seat, "<script>alert(1)</script>" + "y" * 10_000)
    (one,) = answers.answers(classes, code, key)
    assert one.nickname == "<img src=x onerror=alert" and len(one.given) == answers.LONGEST
    # A mark that turns the text around it, and one that ends a line, are in no name.
    assert codes.nickname("Bo\u202eb\n\x00\u200bx") == "Bob x"


def test_nicknames_are_left_out_where_the_host_wants_none(classes: Classes, limits) -> None:
    limits(mode="public")
    code, key = opened(classes)
    say(classes, joined(classes, code, nickname="Ada"), "banana")
    assert [one.nickname for one in answers.answers(classes, code, key)] == [""]


def test_answers_of_a_class_have_a_bound(classes: Classes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answers, "MOST", 2)
    code, _ = opened(classes)
    a, b, c = (joined(classes, code, name) for name in "abc")
    for seat in (a, b):
        say(classes, seat, "x")
    with pytest.raises(ClassClosed, match="2 answers"):
        say(classes, c, "x")
    say(classes, a, "y")  # one that is changed is no further one


# ---------------------------------------------------------------------- time


def rows(classes: Classes) -> int:
    with sqlite3.connect(classes.file.path) as found:
        counts = [found.execute(f"SELECT count(*) FROM {one}").fetchone()[0] for one in file.TABLES]
    found.close()
    return sum(counts)


def test_a_class_is_forgotten_after_24_hours(
    classes: Classes, hours: Callable[[float], None]
) -> None:
    code, key = opened(classes)
    seat = joined(classes, code, nickname="Ada")
    say(classes, seat, "banana")
    classes.reveal(code, key)
    hours(23.9)
    assert 0 < seen(classes, code, seat.key).left <= 400
    hours(0.2)
    classes._fresh.clear()
    assert classes.watch(code, seat.key) is None and classes.role(code, key) is None
    with pytest.raises(NoClass):
        say(classes, seat, "monkey")  # forgotten while one is in it
    with pytest.raises(NoClass):
        answers.answers(classes, code, key)
    with pytest.raises(NoClass, match=code):
        joined(classes, code, "late")


def test_it_is_taken_out_of_the_file_also_where_nobody_comes(
    classes: Classes, hours: Callable[[float], None]
) -> None:
    classes.forget()
    assert not classes.file.path.exists()  # looking makes no file
    code, key = opened(classes)
    seat = joined(classes, code, nickname="Grace Hopper")
    say(classes, seat, "a very particular answer")
    classes.reveal(code, key)
    assert rows(classes) == 4
    hours(24)
    classes.forget()
    assert rows(classes) == 0
    with sqlite3.connect(classes.file.path) as found:
        found.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    found.close()
    held = b"".join(path.read_bytes() for path in classes.file.path.parent.iterdir())
    assert b"Grace" not in held and b"particular" not in held and code.encode() not in held


def test_a_clock_that_is_put_back_lets_no_class_live_on(
    classes: Classes, hours: Callable[[float], None]
) -> None:
    code, key = opened(classes)
    hours(20)
    classes.lock(code, key, True)
    hours(-1000)
    classes.lock(code, key, False)
    hours(3.9)
    classes._fresh.clear()
    assert seen(classes, code, key)
    hours(0.2)
    classes._fresh.clear()
    assert classes.watch(code, key) is None


# ---------------------------------------------------------------------- the file


def test_a_file_that_somebody_holds_is_said_to_be_busy(
    classes: Classes, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, key = opened(classes)
    monkeypatch.setattr(store, "WAITS", 0.2)
    with sqlite3.connect(classes.file.path) as other:
        other.isolation_level = None
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(ClassesUnavailable, match="store of classes is busy"):
            classes.move(code, key, "3.1", 2)
        assert seen(classes, code, key).step == 1  # looking goes on
        other.execute("ROLLBACK")
    other.close()
    classes.move(code, key, "3.1", 2)


def test_a_damaged_file_is_made_anew_and_the_class_is_gone_in_words(classes: Classes) -> None:
    kept = SharedState("Attention", "the sea", "m")
    name = classes.file.put(kept)
    code, key = opened(classes)
    seat = joined(classes, code)
    with sqlite3.connect(classes.file.path) as found:
        found.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    found.close()
    raw = bytearray(classes.file.path.read_bytes())
    raw[:100] = b"\xa5" * 100
    classes.file.path.write_bytes(raw)
    with pytest.raises(NoClass, match="no such class"):
        say(classes, seat, "banana")
    assert classes.file.was_rebuilt()
    code, key = opened(classes)
    assert seen(classes, code, key).pupils == 0
    assert classes.file.put(kept) == name


def test_a_store_that_cannot_be_opened_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    closed = Classes(Links(tmp_path / "file" / "links.sqlite"))
    with pytest.raises(ClassesUnavailable, match="cannot be opened or written"):
        opened(closed)


def test_every_sentence_of_the_file_has_one_for_classes(classes: Classes) -> None:
    said = {
        value for name, value in vars(store).items() if name.isupper() and store.LONG in str(value)
    }
    named = {store.LONG, store.FULL, store.PARTLY}  # of links alone
    assert set(file.SAID) == said - named


PUPILS = """
import sys
from pathlib import Path
from engine.learn.classes.answers import hand_in
from engine.learn.classes.rooms import Classes
from engine.links.store import Links
classes, code, own = Classes(Links(Path(sys.argv[1]))), sys.argv[2], sys.argv[3]
for number in range(int(sys.argv[4])):
    seat = classes.join(code, viewer=f"{own} {number}", address=own)
    hand_in(classes, code, seat.key, "3.1", 1, own, correct=True, own=True)
    print(seat.number, flush=True)
sys.stdin.readline()
for _ in range(200):
    room = classes.watch(code, seat.key)
    if room.step == 4:
        print("moved")
        break
    __import__("time").sleep(0.05)
"""


def test_two_processes_serve_one_class(classes: Classes) -> None:
    code, key = opened(classes)
    given = [str(classes.file.path), code]
    both = [
        subprocess.Popen(
            [sys.executable, "-c", PUPILS, *given, own, "20"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for own in ("first", "second")
    ]
    numbers = []
    for process in both:
        assert process.stdout is not None
        numbers += [int(process.stdout.readline()) for _ in range(20)]
    assert sorted(numbers) == list(range(1, 41))
    found = answers.answers(classes, code, key)
    assert len(found) == 40 and sum(one.given == "first" for one in found) == 20
    classes.move(code, key, "3.1", 4)
    said = [process.communicate("go\n", timeout=60)[0].strip() for process in both]
    assert said == ["moved", "moved"]


def test_many_who_follow_read_the_file_once(
    classes: Classes, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, key = opened(classes)
    seats = [joined(classes, code, f"v{n}") for n in range(20)]
    for seat in seats:
        seen(classes, code, seat.key)
    reads = []
    true = rooms._room
    monkeypatch.setattr(rooms, "_room", lambda *given: reads.append(1) or true(*given))
    monkeypatch.setattr(rooms, "FRESH", 1000)
    classes._fresh = rooms.TTLCache(10, 1000)
    for seat in 5 * seats:
        seen(classes, code, seat.key)
    assert len(reads) == 1
    classes.move(code, key, "3.1", 2)
    assert seen(classes, code, seats[0].key).step == 2  # what this process did, it sees at once


# ---------------------------------------------------------------------- what was answered


def given(text: str, *, correct: bool = False, own: bool = True, name: str = "") -> Given:
    return Given(1, name, "3.1", 1, text, correct, own, 65)


def posed(lesson: str, number: int) -> grading.Posed:
    step = shipped()[lesson].steps[number - 1]
    return grading.pose(step, Asked(local(), step.model, step.sentence))


def test_choices_stand_as_they_are_offered_also_those_that_nobody_chose() -> None:
    asked = posed("3.1", 1)
    right = asked.choices[asked.right].text
    other = next(one.text for one in asked.choices if one.text != right)
    found = tally.tally(
        asked,
        [
            given(right, correct=True),
            given(right, correct=True),
            given(other),
            given("x", own=False),
        ],
    )
    assert [bar.name for bar in found.bars] == [one.text for one in asked.choices]
    assert {bar.name: (bar.count, bar.right) for bar in found.bars if bar.count} == {
        right: (2, True),
        other: (1, False),
    }
    assert (found.answered, found.right, found.elsewhere) == (4, 2, 1)


@pytest.fixture
def of_form() -> Callable[[str], grading.Posed]:
    """A question of a form, wherever the course has one."""

    def found(form: str) -> grading.Posed:
        return next(
            posed(lesson.id, number)
            for lesson in shipped().values()
            for number, step in enumerate(lesson.steps, 1)
            if step.question is not None and step.question.form == form
        )

    return found


def test_words_are_one_bar_however_they_are_written(of_form) -> None:
    said = ["Time", "time", " time.", "sea", *(f"word{n}" for n in range(20))]
    found = tally.tally(of_form("word"), [given(one) for one in said])
    assert [(bar.name, bar.count) for bar in found.bars[:1]] == [("Time", 3)]
    assert len(found.bars) == tally.MOST and found.bars[-1].name == tally.OTHERS
    assert sum(bar.count for bar in found.bars) == len(said)


def test_few_numbers_are_a_bar_each_and_many_are_put_into_bins(of_form) -> None:
    said = ("12", "12.0", "1,200", "40 %", "none")
    few = tally.tally(of_form("number"), [given(one) for one in said])
    assert [(bar.name, bar.count) for bar in few.bars] == [("12", 2), ("40", 1), ("1,200", 1)]
    hundred = [given(str(n), correct=n == 33) for n in range(100)]
    many = tally.tally(of_form("estimate"), [*hundred, given("1000000"), given("-7")])
    assert [(bar.name, bar.count, bar.right) for bar in many.bars] == [
        ("less than 0", 1, False),
        ("0 to 20", 20, False),
        ("20 to 40", 20, True),
        ("40 to 60", 20, False),
        ("60 to 80", 20, False),
        ("80 to 100", 20, False),
        ("100 or more", 1, False),
    ]


WILD = ([0.1 * n for n in range(30)], [10.0**n for n in range(12)], [-5.0, *range(20), 1e300])


@pytest.mark.parametrize("values", [range(9), *WILD, [1.0 + n * 1e-9 for n in range(20)]])
def test_every_number_is_in_one_bin(of_form, values) -> None:
    found = tally.tally(of_form("number"), [given(f"{value:f}") for value in values])
    assert sum(bar.count for bar in found.bars) == len(values)
    assert len(found.bars) <= tally.MOST + 3
    assert len({bar.name for bar in found.bars}) == len(found.bars)


def test_the_csv_is_whole_and_no_cell_is_a_formula() -> None:
    said = [
        given('=HYPERLINK("x")', name="@Ada"),
        given("-3"),
        given('a,"b"\r\nc', name="<b>"),
        given("+1+1"),
    ]
    lines = list(csv.reader(io.StringIO(tally.as_csv(said))))
    assert tuple(lines[0]) == tally.HEAD and len(lines) == 5
    assert lines[1][1] == "'@Ada" and lines[1][4] == '\'=HYPERLINK("x")'
    assert [line[4] for line in lines[2:]] == ["-3", 'a,"b" c', "'+1+1"]
    assert lines[3][1] == "<b>" and lines[2][7] == "1"
