"""Large arrays as files that fronts and replicas share: whole, bounded, never under one's feet."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.api import Engine, Reading, local
from engine.cluster import arrays, link
from engine.cluster.arrays import Lost, keep, mapped
from engine.cluster.packing import pack
from engine.settings import settings
from engine.store import size, store
from tests.cluster.asked import GPT, same, writable
from tests.engines import ROOT

MEGABYTES = 8  # that all files of a test take


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder of files of a test."""
    monkeypatch.setenv("ATLAS_MODELS", str(tmp_path / "models"))
    monkeypatch.setenv("ATLAS_SHARED_MB", str(MEGABYTES))
    settings.cache_clear()
    yield arrays.root()
    monkeypatch.undo()
    settings.cache_clear()


def made(seed: int, megabytes: float = 1.5) -> np.ndarray:
    numbers = np.random.default_rng(seed).standard_normal(int(megabytes * 10**6) // 4)
    return numbers.astype(np.float32).reshape(-1, 25)


def used(place: Any, at: int) -> None:
    """Say when a file was used, in seconds; when it was changed stays."""
    path = arrays._path(place[0])
    os.utime(path, ns=(at * 10**9, path.stat().st_mtime_ns))


@pytest.mark.parametrize("dtype", ["float32", "float16", "int64", "uint8", "bool"])
def test_an_array_comes_back_to_the_bit_and_locked(dtype: str, folder: Path) -> None:
    array = np.abs(made(1, 3) * 10).astype(dtype)
    place = keep(array)
    assert place is not None
    found = mapped(*place)
    assert same(found, array) and not writable(found) and type(found) is np.ndarray
    with pytest.raises(ValueError, match="cannot set WRITEABLE"):
        found.setflags(write=True)
    assert same(np.load(folder / f"{place[0]}.npy"), array), "a plain .npy file"


def test_what_is_mapped_counts_as_memory_of_who_holds_it(folder: Path) -> None:
    place = keep(made(1))
    assert place is not None
    assert size({"a": mapped(*place)[5:]}) > 1_500_000


def test_equal_arrays_are_one_file(folder: Path) -> None:
    first, other = keep(made(1)), keep(made(1).reshape(25, -1))
    (path, _) = arrays._files()[0]
    inode = path.stat().st_ino
    assert first is not None and other is not None and first[0] != other[0]
    found = [place for _ in range(4) if (place := keep(made(1)))]
    assert found == [first] * 4 and len(arrays._files()) == 2
    assert inode in [about.st_ino for _, about in arrays._files()]


def test_many_who_keep_one_array_at_once_leave_one_whole_file(folder: Path) -> None:
    go, found = threading.Barrier(8), list[Any]()

    def run() -> None:
        go.wait()
        found.append(keep(made(3)))

    threads = [threading.Thread(target=run) for _ in range(8)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert len(found) == 8 and len(set(found)) == 1 and len(os.listdir(folder)) == 1
    assert same(mapped(*found[0]), made(3))


def halved(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:5000])


def changed(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[-7] ^= 1
    path.write_bytes(data)


def another(path: Path) -> None:
    with path.open("wb") as file:
        np.save(file, made(2))


def emptied(path: Path) -> None:
    path.write_bytes(b"")


@pytest.mark.parametrize("breaks", [halved, changed, another, emptied, Path.unlink])
@pytest.mark.parametrize("known", [True, False])
def test_a_file_that_is_not_what_its_name_says_is_made_anew(
    breaks: Any, known: bool, folder: Path
) -> None:
    place = keep(made(1))
    assert place is not None
    path = folder / f"{place[0]}.npy"
    if known:
        mapped(*place)
    arrays._known.clear()
    breaks(path)
    with pytest.raises(Lost):
        mapped(*place)
    assert not path.exists()
    assert keep(made(1)) == place and same(mapped(*place), made(1))
    breaks(path)
    assert keep(made(1)) == place and same(mapped(*place), made(1))  # who keeps it looks, too


@pytest.mark.parametrize("name", ["", "..", "../models/x", "a/b", "a.b"])
def test_a_name_leads_nowhere_else(name: str, folder: Path) -> None:
    with pytest.raises(Lost):
        mapped(name, "<f4", (1,))


def test_what_was_used_longest_ago_goes_first(folder: Path) -> None:
    places = [keep(made(seed)) for seed in range(5)]
    assert all(places) and arrays.total() <= MEGABYTES * 10**6
    for at, place in enumerate(places):
        used(place, 1000 + at)
    mapped(*places[0])  # type: ignore[misc]  # so that the second is now the oldest
    assert keep(made(9))
    there = {path.stem for path, _ in arrays._files()}
    assert places[0] and places[1] and places[0][0] in there and places[1][0] not in there
    assert len(there) == 5 and arrays.total() <= MEGABYTES * 10**6


def test_what_is_mapped_is_not_removed_and_what_has_no_room_is_sent(folder: Path) -> None:
    places = [keep(made(seed)) for seed in range(5)]
    held = [mapped(*place) for place in places if place]
    assert len(held) == 5 and keep(made(9)) is None, "there is no room"
    sent = pack({"a": made(9)}, files=True)
    assert sum(len(bytes(one)) for one in sent.buffers) >= 1_500_000
    assert same(sent.value(), {"a": made(9)})
    assert all(same(one, made(seed)) for seed, one in enumerate(held))
    held.clear()
    assert keep(made(9)) and arrays.total() <= MEGABYTES * 10**6


HOLD = """
import sys
from engine.cluster.arrays import mapped
found = mapped(sys.argv[1], sys.argv[2], tuple(map(int, sys.argv[3].split(","))))
print("mapped", flush=True)
sys.stdin.readline()
print(float(found.sum()), flush=True)
"""


def test_what_another_process_has_mapped_stays_as_long_as_it_lives(folder: Path) -> None:
    place = keep(made(1))
    assert place is not None
    name, dtype, shape = place
    argv = [sys.executable, "-c", HOLD, name, dtype, ",".join(map(str, shape))]
    with subprocess.Popen(
        argv, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout and other.stdin and other.stdout.readline() == "mapped\n"
        assert not arrays.make_room(MEGABYTES * 10**6)
        assert (folder / f"{name}.npy").exists()
        other.stdin.write("\n")
        other.stdin.flush()
        assert float(other.stdout.readline()) == float(made(1).sum())
    assert arrays.make_room(MEGABYTES * 10**6) and not (folder / f"{name}.npy").exists()


def test_without_a_folder_or_a_bound_bytes_are_sent(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not arrays.fits(made(1, 0.5)) and not arrays.fits(made(1, MEGABYTES + 1))
    assert not arrays.fits(np.asfortranarray(made(1))) and arrays.fits(made(1))
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.write_text("in the way")
    assert keep(made(1)) is None
    assert same(pack(made(1), files=True).value(), made(1))
    monkeypatch.setenv("ATLAS_SHARED_MB", "0")
    settings.cache_clear()
    assert not arrays.fits(made(1))


def test_what_was_left_half_made_goes_when_it_is_old(folder: Path) -> None:
    assert keep(made(1))
    for name, age in (("old", 2 * arrays.FRESH), ("new", 0.0)):
        path = folder / f".{name}"
        path.write_bytes(b"half")
        os.utime(path, (path.stat().st_atime, path.stat().st_mtime - age))
    assert arrays.make_room(1)
    assert sorted(path.name[:4] for path in folder.iterdir() if path.suffix != ".npy") == [".new"]


def test_values_travel_by_name(folder: Path) -> None:
    holes = made(4, 6).reshape(-1, 50)[:, ::2]
    value = {"a": made(1), "b": (holes, np.asfortranarray(made(2))), "c": np.arange(5)}
    sent = pack(value, files=True)
    assert len(arrays._files()) == 2
    assert same(sent.value(), value) and not writable(sent.value())
    sizes = [len(bytes(one)) for one in sent.buffers]  # column after column, and what is small
    assert sorted(sizes) == [np.arange(5).nbytes, made(2).nbytes]
    for path, _ in arrays._files():
        path.unlink()
    with pytest.raises(Lost):
        sent.value()
    assert same(pack(value).value(), value) and not arrays._files(), "on one node nothing is kept"


# --- In a cluster ---

LONG = Reading(GPT, "The king and the fox went home and sat down to eat. " * 12)


def files() -> set[Path]:
    return {path for path, _ in arrays._files()}


def test_a_front_elsewhere_is_given_files_and_makes_broken_ones_anew(
    remote: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = tuple(range(100))
    right = local().logits(LONG, at)
    store().clear()
    assert same(remote.logits(LONG, at), right) and not files(), "on its node nothing is kept"
    monkeypatch.setattr(link, "node", lambda: "elsewhere")
    store().clear()
    found = remote.logits(LONG, at)
    (path,) = files()
    assert same(found, right) and not writable(found)
    assert path.stat().st_size > arrays.LARGE
    for breaks in (halved, changed, Path.unlink):
        del found
        store().clear()
        arrays._known.clear()
        path.unlink()
        assert same(remote.logits(LONG, at), right) and files() == {path}
        store().clear()
        breaks(path)
        found = remote.logits(LONG, at)
        assert same(found, right), "what is broken is asked for once more"


@pytest.mark.parametrize("name", ["overview", "layer", "hidden", "vocabulary_map", "crowd_map"])
def test_values_are_equal_to_the_bit_from_files_too(
    name: str, remote: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(link, "node", lambda: "elsewhere")
    args: dict[str, tuple[Any, ...]] = {
        "overview": (LONG, "decoder"),
        "layer": (LONG, "decoder", 1),
        "hidden": (LONG,),
        "vocabulary_map": (GPT, False),
        "crowd_map": ((LONG, Reading(GPT, "A dog ran home")), True),
    }
    store().clear()
    right = getattr(local(), name)(*args[name])
    assert same(getattr(remote, name)(*args[name]), right)
