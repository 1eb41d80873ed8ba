"""The file of short links: shared by processes, bounded, forgetful, and hard to break."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.errors import BadLink, LinksUnavailable
from engine.links import __main__ as program
from engine.links import files, repair, state, store
from engine.links.state import SharedState, link_id
from engine.links.store import DAY, Links
from engine.settings import settings

ROOT = Path(__file__).resolve().parents[2]


def shared(text: str = "the sea", **controls: str) -> SharedState:
    return SharedState("Attention", text, "m", controls={k: (v,) for k, v in controls.items()})


@pytest.fixture
def links(tmp_path: Path) -> Links:
    return Links(tmp_path / "kept" / "links.sqlite")


@pytest.fixture
def days(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """`days(3)`: it is three days later."""
    now = [time.time()]
    monkeypatch.setattr(store.time, "time", lambda: now[0])

    def later(count: int) -> None:
        now[0] += count * DAY

    return later


def live(days: Callable[[int], None], links: Links, count: int) -> None:
    """Let days go by in which the store is used."""
    for _ in range(0, count, 10):
        days(10)
        links.put(shared("of the day"))


def test_a_link_gives_back_its_state_and_equal_states_are_one(links: Links):
    name = links.put(shared(layer="2"))
    found = links.get(name)
    assert name == link_id(shared(layer="2")) and found and found.state == shared(layer="2")
    assert links.put(shared(layer="2")) == name and links.totals()[0] == 1


def test_only_a_new_link_is_counted(links: Links):
    asked: list[str] = []
    for text in ("a", "a", "b"):
        links.put(shared(text), new=lambda text=text: asked.append(text))
    assert asked == ["a", "b"]


def test_who_may_not_make_one_stores_nothing(links: Links):
    def refuse() -> None:
        raise LinksUnavailable("no")

    with pytest.raises(LinksUnavailable, match="no"):
        links.put(shared(), new=refuse)
    assert links.totals() == (0, 0)


def test_what_would_not_come_back_is_refused_and_named(links: Links):
    for controls in ({"turn1": ("x" * 4001,)}, {"Layer": ("1",)}, {"also": ("m",) * 65}):
        (key,) = controls
        with pytest.raises(BadLink, match=f"cannot carry {key}: .*4,000 characters.*long address"):
            links.put(SharedState("Attention", "the sea", "m", controls=controls))
    assert links.totals() == (0, 0)
    whole = SharedState("Attention", "the sea", "m", controls={"turn1": ("x" * 4000,)})
    found = links.get(links.put(whole))
    assert found and found.state == whole and not found.left_out


@pytest.mark.parametrize(
    "name",
    [
        "",
        "aaaaaaaaaa",
        "../../etc",
        "AAAAAAAAAA",
        "a" * 10_000,
        "' OR 1=1 --",
        "aaaaaaaaa\0",
        "%2e",
    ],
)
def test_an_id_that_does_not_exist_is_nothing(links: Links, name: str):
    links.put(shared())
    assert links.get(name) is None


def test_looking_makes_no_file(links: Links):
    assert links.get("aaaaaaaaaa") is None and links.totals() == (0, 0) and not list(links.rows())
    assert not links.path.parent.exists()


def test_states_whose_ids_begin_alike_get_longer_ones(
    links: Links, monkeypatch: pytest.MonkeyPatch
):
    true = state.digest
    monkeypatch.setattr(state, "digest", lambda raw: "a" * 10 + true(raw))
    names = [links.put(shared(text)) for text in "abc"]
    assert names[0] == "a" * 10 and names[1][:10] == "a" * 10 and len(set(names)) == 3
    for name, text in zip(names, "abc", strict=True):
        found = links.get(name)
        assert found and found.state.text == text
    assert [links.put(shared(text)) for text in "abc"] == names


def test_a_row_that_was_changed_is_not_believed(links: Links):
    name = links.put(shared("a"))
    with sqlite3.connect(links.path) as other:
        other.execute("UPDATE links SET state = ?", (state.canonical(shared("b")),))
    assert links.get(name) is None


def test_a_link_of_a_later_version_says_so(links: Links):
    raw = state.canonical(shared()).replace(b'"version":1', b'"version":2')
    name = state.digest(raw)[:10]
    links.put(shared("other"))
    with sqlite3.connect(links.path) as other:
        other.execute("INSERT INTO links VALUES (?, ?, 0)", (name, raw))
    with pytest.raises(BadLink, match="newer"):
        links.get(name)


# ---------------------------------------------------------------------- bounds and age


def test_a_full_store_refuses_the_new_and_keeps_the_old(tmp_path: Path):
    links = Links(tmp_path / "links.sqlite", count=3)
    names = [links.put(shared(text)) for text in "abc"]
    with pytest.raises(LinksUnavailable, match=r"full \(3 links"):
        links.put(shared("d"))
    assert all(links.get(name) for name in names) and links.put(shared("a")) == names[0]


def test_a_link_that_finds_no_room_costs_nobody_one_of_theirs(tmp_path: Path):
    links, asked = Links(tmp_path / "links.sqlite", count=1), []
    links.put(shared("a"), new=lambda: asked.append("a"))
    with pytest.raises(LinksUnavailable, match="full"):
        links.put(shared("b"), new=lambda: asked.append("b"))
    assert asked == ["a"]


def test_its_size_is_bounded(tmp_path: Path):
    links = Links(tmp_path / "links.sqlite", megabytes=1)
    with pytest.raises(LinksUnavailable, match="full"):
        for number in range(40):
            links.put(shared(f"{number:03}" + "x" * 40_000))
    count, size = links.totals()
    assert count == 24 and size < 1e6


def test_what_nobody_opened_for_two_years_is_forgotten(links: Links, days: Callable[[int], None]):
    old, opened = links.put(shared("old")), links.put(shared("opened"))
    live(days, links, 720)
    assert links.get(opened)
    live(days, links, 20)
    assert links.get(old) is None and links.get(opened)
    live(days, links, 700)
    assert links.get(opened)
    live(days, links, 740)
    assert links.get(opened) is None and links.totals()[0] == 1


def test_who_opens_a_link_on_its_last_day_keeps_it(links: Links, days: Callable[[int], None]):
    names = [links.put(shared(text)) for text in "abc"]
    live(days, links, 720)
    days(20)  # too old since ten days, yet nobody has used the store meanwhile
    assert links.get(names[0])
    asked: list[str] = []
    assert links.put(shared("a"), new=lambda: asked.append("a")) == names[0] and not asked
    assert links.get(names[0]) and not links.get(names[1]) and not links.get(names[2])


def test_making_a_link_again_on_its_last_day_keeps_it(links: Links, days: Callable[[int], None]):
    name = links.put(shared("a"))
    live(days, links, 720)
    days(20)
    asked: list[str] = []
    assert links.put(shared("a"), new=lambda: asked.append("a")) == name and not asked


def test_a_clock_that_jumps_forgets_nothing_at_once(links: Links, days: Callable[[int], None]):
    name = links.put(shared("old"))
    days(5000)
    links.put(shared("new"))
    days(-5000)
    links.put(shared("newer"))
    assert links.get(name) and links.totals()[0] == 3


# ---------------------------------------------------------------------- several processes

WRITER = """
import sys
from pathlib import Path
from engine.links.state import SharedState
from engine.links.store import Links
links, own = Links(Path(sys.argv[1])), sys.argv[2]
for number in range(int(sys.argv[3])):
    print(links.put(SharedState("Attention", f"everybody's {number}", "m")), flush=True)
    print(links.put(SharedState("Attention", f"{own} {number}", "m")), flush=True)
"""


def writer(links: Links, own: str, count: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, str(links.path), own, str(count)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )


def test_processes_share_a_file(links: Links):
    writers = [writer(links, f"process {n}", 25) for n in range(3)]
    said = [one.communicate(timeout=120)[0].split() for one in writers]
    assert [one.returncode for one in writers] == [0, 0, 0]
    assert [len(one) for one in said] == [50, 50, 50]
    assert links.totals()[0] == 25 + 3 * 25
    assert all(links.get(name) for names in said for name in names)


def test_a_link_that_was_given_out_is_there_after_a_kill(links: Links):
    process = writer(links, "killed", 100_000)
    assert process.stdout is not None
    said = [process.stdout.readline().strip() for _ in range(20)]
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    assert all(links.get(name) for name in said)
    assert links.put(shared("afterwards"))
    with sqlite3.connect(links.path) as file:
        assert file.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_a_file_that_somebody_holds_is_said_to_be_busy(
    links: Links, monkeypatch: pytest.MonkeyPatch
):
    name = links.put(shared())
    monkeypatch.setattr(store, "WAITS", 0.2)
    with sqlite3.connect(links.path) as other:
        other.isolation_level = None
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(LinksUnavailable, match="busy"):
            links.put(shared("new"))
        assert links.get(name)  # reading goes on
        other.execute("ROLLBACK")
    assert links.put(shared("new"))


# ---------------------------------------------------------------------- a file that is broken


def damage(path: Path, begin: float, end: float) -> None:
    """Write over a part of a file, given in shares of its length."""
    with sqlite3.connect(path) as file:
        file.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    file.close()
    raw = bytearray(path.read_bytes())
    low, high = int(len(raw) * begin), int(len(raw) * end)
    raw[low:high] = b"\xa5" * (high - low)
    path.write_bytes(raw)


@pytest.mark.parametrize(
    ("begin", "end", "some"),
    [(0.0, 0.001, False), (0.3, 0.5, True), (0.0, 1.0, False), (0.9, 1.0, True)],
)
def test_a_damaged_file_is_set_aside_and_made_anew(
    links: Links, begin: float, end: float, some: bool
):
    names = {links.put(shared(f"{n} " + "x" * 3000)): f"{n} " + "x" * 3000 for n in range(60)}
    damage(links.path, begin, end)
    assert links.put(shared("afterwards"))
    found = {name: links.get(name) for name in names}
    rest = [name for name, one in found.items() if one]
    # Nothing false is given out, and what could still be read is here.
    assert all(found[name].state.text == names[name] for name in rest)  # type: ignore[union-attr]
    assert bool(rest) is some
    with sqlite3.connect(links.path) as file:
        assert file.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    if len(rest) < 60:
        assert links.was_rebuilt() and len(list(links.path.parent.glob("*.damaged-*"))) >= 1


def test_a_damaged_day_does_not_move_the_calendar(links: Links, days: Callable[[int], None]):
    names = [links.put(shared(f"{n} " + "x" * 3000)) for n in range(60)]
    with sqlite3.connect(links.path) as file:
        # An id says nothing of the day: these rows are whole, and their days are not.
        file.execute("UPDATE links SET opened = 1 << 40 WHERE id = ?", (names[0],))
        file.execute("UPDATE links SET opened = -1 << 40 WHERE id = ?", (names[1],))
    file.close()
    damage(links.path, 0.3, 0.5)
    before = {name for name, _, _ in links.rows()}
    assert set(names[:2]) <= before and links.was_rebuilt()
    assert all(0 <= age <= 730 for _, _, age in links.rows())
    days(10)
    links.put(shared("ten days later"))
    assert before - {names[1]} <= {name for name, _, _ in links.rows()}


@pytest.mark.parametrize(
    ("opened", "last"),
    [([], 0), ([7], 7), ([3, 5, 10**9], 5), ([0, 730], 730), ([0, 1, 731, 732, 733], 733)],
)
def test_the_last_day_is_that_of_the_days_which_hold_the_most_links(opened, last):
    assert repair.last_day(opened, 730) == last


def test_processes_that_meet_a_damaged_file_make_it_anew_once(links: Links):
    for number in range(50):
        links.put(shared(f"{number} " + "x" * 3000))
    damage(links.path, 0, 0.001)
    writers = [writer(links, f"process {n}", 10) for n in range(3)]
    said = [one.communicate(timeout=120)[0].split() for one in writers]
    assert [len(one) for one in said] == [20, 20, 20]
    assert all(links.get(name) for names in said for name in names)
    assert len(list(links.path.parent.glob("*.damaged-[0-9]*"))) == 1


def test_a_full_disk_is_a_sentence(links: Links, monkeypatch: pytest.MonkeyPatch):
    name = links.put(shared())
    opened = Links._open

    def small(self: Links, path: Path) -> sqlite3.Connection:
        database = opened(self, path)
        pages = database.execute("PRAGMA page_count").fetchone()[0]
        database.execute(f"PRAGMA max_page_count = {pages}")
        return database

    with monkeypatch.context() as patch:
        patch.setattr(Links, "_open", small)
        with pytest.raises(LinksUnavailable, match="disk is full"):
            links.put(shared("x" * 60_000))
        assert links.get(name)
    assert links.put(shared("x" * 60_000)) and links.totals()[0] == 2


def test_a_place_that_is_no_file_is_a_sentence(tmp_path: Path):
    (tmp_path / "links.sqlite").mkdir()
    with pytest.raises(LinksUnavailable, match="cannot be opened"):
        Links(tmp_path / "links.sqlite").put(shared())
    (tmp_path / "file").write_text("")
    with pytest.raises(LinksUnavailable, match="cannot be opened"):
        Links(tmp_path / "file" / "links.sqlite").put(shared())


def test_a_store_of_a_later_version_is_left_alone(links: Links):
    links.put(shared())
    with sqlite3.connect(links.path) as file:
        file.execute("PRAGMA user_version = 2")
    file.close()
    with pytest.raises(LinksUnavailable, match="newer"):
        links.put(shared("b"))
    with sqlite3.connect(links.path) as file:
        assert file.execute("SELECT count(*) FROM links").fetchone() == (1,)


# ---------------------------------------------------------------------- one file out, one file in


def test_links_move_to_another_store_by_one_file(links: Links, tmp_path: Path):
    names = [links.put(shared(f"“{n}”\n\u2028", layer=str(n))) for n in range(700)]
    assert files.export(links, tmp_path / "out.jsonl") == 700
    other = Links(tmp_path / "other.sqlite")
    other.put(shared("its own"))
    assert files.take_in(other, tmp_path / "out.jsonl") == (700, 0, 0)
    assert files.take_in(other, tmp_path / "out.jsonl") == (0, 700, 0)
    assert other.totals()[0] == 701
    assert [other.get(name) for name in names] == [links.get(name) for name in names]


def test_age_goes_with_a_link(links: Links, tmp_path: Path, days: Callable[[int], None]):
    name = links.put(shared("old"))
    live(days, links, 700)
    files.export(links, tmp_path / "out.jsonl")
    other = Links(tmp_path / "other.sqlite")
    files.take_in(other, tmp_path / "out.jsonl")
    live(days, other, 40)
    assert other.get(name) is None


def test_forged_lines_are_refused_and_counted(links: Links, tmp_path: Path):
    raw = state.canonical(shared("true")).decode()
    lines: list[object] = [
        {"kind": files.KIND, "format": 1},
        {"id": link_id(shared("true")), "age": 3, "state": raw},
        {"id": "aaaaaaaaaa", "age": 3, "state": raw},
        {"id": link_id(shared("true")), "age": "x", "state": raw},
        {"id": 3, "age": 0, "state": raw},
        {"id": state.digest(b"{}")[:10], "age": 0, "state": "{}"},
        "nonsense",
        None,
    ]
    file = tmp_path / "in.jsonl"
    file.write_text("\n".join(json.dumps(line) for line in lines) + "\n{broken\n" + "x" * 10**6)
    new, known, refused = files.take_in(links, file)
    assert (new, known) == (1, 0) and refused >= 7 and links.totals()[0] == 1


@pytest.mark.parametrize("text", ["", "nonsense", '{"kind": "other"}', "[" * 10_000])
def test_a_file_of_another_kind_is_refused(links: Links, tmp_path: Path, text: str):
    (tmp_path / "in").write_text(text)
    with pytest.raises(BadLink, match="not a file of short links"):
        files.take_in(links, tmp_path / "in")


def test_the_program_exports_imports_and_lists(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    def of(path: Path) -> Links:
        monkeypatch.setenv("ATLAS_LINKS", str(path))
        settings.cache_clear()
        store.links.cache_clear()
        return store.links()

    file = tmp_path / "all.jsonl"
    try:
        name = of(tmp_path / "one.sqlite").put(shared("secret"))
        assert program.main(["export", str(file)]) == 0
        of(tmp_path / "two.sqlite")
        assert program.main(["import", str(file)]) == 0 and program.main(["list"]) == 0
        out = capsys.readouterr().out
        assert "1 links are new" in out and f"{name}  Attention" in out and "secret" not in out
        assert program.main(["import", str(tmp_path / "none")]) == 1
        assert "none" in capsys.readouterr().err
    finally:
        settings.cache_clear()
        store.links.cache_clear()
