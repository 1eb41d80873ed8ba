"""What the tests keep between runs: found again, made anew when anything changed, bounded."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.engine import checkpoints, kept
from tests.engine.checkpoints import Bundles
from tests.engine.kept import Kept


class Maker:
    """Writes a folder of one file, and counts how often it was asked to."""

    def __init__(self, size: int = 3) -> None:
        self.size, self.times = size, 0

    def __call__(self, folder: Path) -> None:
        self.times += 1
        folder.mkdir(parents=True)
        (folder / "file").write_bytes(b"x" * self.size)


def test_a_second_run_copies_what_the_first_made(tmp_path: Path) -> None:
    make = Maker()
    for run in ("first", "second"):
        Kept(tmp_path / "cache").into(tmp_path / run, "key", make)
        (tmp_path / run / "file").write_bytes(b"changed by a test")
    Kept(tmp_path / "cache").into(tmp_path / "third", "key", make)
    assert make.times == 1 and (tmp_path / "third" / "file").read_bytes() == b"xxx"
    Kept(tmp_path / "cache").into(tmp_path / "other", "another key", make)
    assert make.times == 2


@pytest.mark.parametrize("harm", ["changed", "lost"])
def test_what_was_damaged_is_made_anew(tmp_path: Path, harm: str) -> None:
    make, stock = Maker(), Kept(tmp_path / "cache")
    stock.into(tmp_path / "first", "key", make)
    file = tmp_path / "cache" / "key" / "files" / "file"
    file.write_bytes(b"xxy") if harm == "changed" else file.unlink()
    stock.into(tmp_path / "second", "key", make)
    assert make.times == 2 and (tmp_path / "second" / "file").read_bytes() == b"xxx"
    stock.into(tmp_path / "third", "key", make)
    assert make.times == 2


def test_what_fails_is_not_kept(tmp_path: Path) -> None:
    def fail(folder: Path) -> None:
        Maker()(folder)
        raise RuntimeError

    with pytest.raises(RuntimeError):
        Kept(tmp_path / "cache").into(tmp_path / "first", "key", fail)
    assert not (tmp_path / "cache").exists()


def test_a_folder_that_cannot_be_written_stops_no_test(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    make = Maker()
    Kept(tmp_path / "file" / "cache").into(tmp_path / "first", "key", make)
    assert make.times == 1 and (tmp_path / "first" / "file").read_bytes() == b"xxx"


def test_what_was_used_longest_ago_goes_first(tmp_path: Path) -> None:
    root = tmp_path / "cache"
    stock = Kept(root, most=3600)
    for age, name in enumerate(("new", "old", "oldest")):
        stock.into(tmp_path / name, name, Maker(1000))
        then = time.time() - 2 * kept.FRESH - age
        os.utime(root / name, (then, then))
    stock.into(tmp_path / "once more", "oldest", Maker())  # used again: no longer the oldest
    stock.into(tmp_path / "next", "next", Maker(1000))
    assert {path.name for path in root.iterdir()} == {"new", "oldest", "next", "lock"}
    Kept(root, most=1).into(tmp_path / "large", "large", Maker(1000))
    # What a run has just used stays whatever its size: another may be about to copy it.
    assert {path.name for path in root.iterdir()} == {"oldest", "next", "large", "lock"}


def test_nothing_is_kept_where_nothing_shall_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ATLAS_TEST_CACHE", "no")
    assert kept.folder() is None
    make = Maker()
    for run in ("first", "second"):
        Kept(None).into(tmp_path / run, "key", make)
    assert make.times == 2
    monkeypatch.setenv("ATLAS_TEST_CACHE", str(tmp_path))
    assert kept.folder() == tmp_path


def test_the_exporter_is_all_that_it_imports_and_nothing_of_the_app() -> None:
    found = {path.relative_to(kept.ROOT).as_posix() for path in kept.sources(EXPORTER)}
    assert {"engine/export/bundling.py", "engine/export/families.py"} <= found
    assert {"engine/models/bundle.py", "engine/export/weights/int8.py"} <= found
    assert not any("pages/" in name or "tests/" in name or "decoding" in name for name in found)
    written = {path.relative_to(kept.ROOT).as_posix() for path in EXPORT.rglob("*.py")}
    assert set(kept.STOPPING) <= found  # each is imported indeed
    asked_elsewhere = {
        "engine/export/__main__.py",
        "engine/export/sources/fetch_tokenizer.py",
        "engine/export/sources/search.py",
    }
    assert written - asked_elsewhere <= found


EXPORTER = "engine.export.bundling"
EXPORT = kept.ROOT / "engine" / "export"


def test_a_change_of_a_source_deep_inside_changes_the_digest(tmp_path: Path) -> None:
    shutil.copytree(kept.ROOT / "engine", tmp_path / "engine")
    before = kept.of_files(tmp_path, kept.sources(EXPORTER, tmp_path))
    (tmp_path / "engine" / "attention" / "maps.py").write_text("")  # none of the exporter's
    assert kept.of_files(tmp_path, kept.sources(EXPORTER, tmp_path)) == before
    inner = tmp_path / "engine" / "export" / "graphs" / "past.py"
    inner.write_text(inner.read_text() + "\n# changed\n")
    assert kept.of_files(tmp_path, kept.sources(EXPORTER, tmp_path)) != before


def test_a_bundle_is_exported_anew_when_its_checkpoint_or_an_option_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    exported: list[tuple[str, ...]] = []

    def export(source: Path, out: Path, *options: str) -> None:
        exported.append(options)
        Maker()(out)

    monkeypatch.setattr(checkpoints, "export", export)
    source = tmp_path / "source"
    Maker()(source)

    def run(number: int, *options: str) -> None:
        Bundles(tmp_path / str(number), Kept(tmp_path / "cache")).of(source, "name", *options)

    run(1)
    run(2)
    assert exported == [()]
    run(3, "--store", "int8")
    (source / "file").write_bytes(b"other weights")
    run(4)
    assert exported == [(), ("--store", "int8"), ()]
    monkeypatch.setattr(kept, "exporter", lambda: "another exporter")
    run(5)
    assert len(exported) == 4


def test_two_processes_at_once_leave_one_whole_folder(tmp_path: Path) -> None:
    code = (
        "import sys, time, pathlib\n"
        "from tests.engine.kept import Kept\n"
        "def make(folder):\n"
        "    folder.mkdir()\n"
        "    for n in range(40): (folder / str(n)).write_text(str(n)); time.sleep(0.002)\n"
        "Kept(pathlib.Path(sys.argv[1])).into(pathlib.Path(sys.argv[2]), 'key', make)\n"
    )
    cache = tmp_path / "cache"
    runs = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(cache), str(tmp_path / f"run{n}")], cwd=kept.ROOT
        )
        for n in range(3)
    ]
    assert [run.wait(60) for run in runs] == [0, 0, 0]
    assert sorted(path.name for path in cache.iterdir()) == ["key", "lock"]
    for n in range(3):
        assert len(list((tmp_path / f"run{n}").iterdir())) == 40
    assert len(list((cache / "key" / "files").iterdir())) == 40
