"""Texts read by tokenizers that did not come with the app, and long texts by any."""

from __future__ import annotations

import json
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from tokenizers import Regex, Tokenizer, models, pre_tokenizers

from engine.api import local
from engine.errors import Busy, NotOffered
from engine.models import catalog
from engine.models.runtime import Bundle
from engine.settings import settings
from engine.tokenizers import reader_pool
from engine.tokenizers.causes import most_split_by
from engine.tokenizers.reader import Reader
from engine.tokenizers.tokenization_steps import cutter
from engine.tokenizers.tokens import read

LONG = "The little fox ran over the hill to see the king. " * 20_000


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    yield
    reader_pool.close()
    settings.cache_clear()


def outside(folder: Path, name: str = "tales-gpt") -> Reader:
    """A shipped tokenizer's file as if it came from elsewhere."""
    folder.mkdir(exist_ok=True)
    shutil.copy(catalog.SHIPPED / name / "tokenizer.json", folder)
    return Reader(folder / "tokenizer.json", here=False)


def endless(folder: Path) -> Reader:
    """A tokenizer whose pattern computes for ever on a row of a's."""
    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.Split(Regex("(?:a+)+b|(?:x|aa|a)*c"), "isolated")
    made.save(str(folder / "tokenizer.json"))
    return Reader(folder / "tokenizer.json", here=False)


def longest_pause(work: Callable[[], object]) -> tuple[float, float]:
    """How long some work took, and the longest that another thread stood still meanwhile."""
    ended, worst = threading.Event(), [0.0]

    def tick() -> None:
        last = time.perf_counter()
        while not ended.is_set():
            time.sleep(0.002)
            now = time.perf_counter()
            worst[0], last = max(worst[0], now - last), now

    other = threading.Thread(target=tick)
    other.start()
    begun = time.perf_counter()
    work()
    took = time.perf_counter() - begun
    ended.set()
    other.join()
    return took, worst[0]


@pytest.mark.parametrize("shipped", [True, False], ids=["shipped", "from elsewhere"])
def test_another_thread_goes_on_while_a_million_characters_are_encoded(
    shipped: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ATLAS_MAX_CHARS", str(len(LONG)))
    settings.cache_clear()
    path = catalog.SHIPPED / "tales-gpt" / "tokenizer.json"
    reader = Reader(path) if shipped else outside(tmp_path)
    assert reader.here == shipped
    took, pause = longest_pause(
        lambda: reader.encode(LONG, None, ends=True, names=True) if shipped else read(reader, LONG)
    )
    assert pause < took / 2, f"stood still for {pause:.2f} of {took:.2f} s"


TEXTS = ["", "The cat sat.", "naïve 🙂 é", "x <|endoftext|> y [MASK] z", "a\ud800b"]


@pytest.mark.parametrize("name", ["tales-gpt", "tales-bert", "fr-en"])
@pytest.mark.parametrize("ends", [True, False])
@pytest.mark.parametrize("names", [True, False])
def test_a_text_is_read_apart_as_it_is_read_here(
    name: str, ends: bool, names: bool, tmp_path: Path
) -> None:
    here = Reader(catalog.SHIPPED / name / "tokenizer.json")
    apart = outside(tmp_path, name)
    for text in TEXTS:
        for second in (None, "Why?"):
            ours = read(apart, text, second=second, ends=ends, names=names)
            theirs = read(here, text, second=second, ends=ends, names=names)
            assert (ours.text, ours.pieces, ours.data) == (theirs.text, theirs.pieces, theirs.data)
            for part in ("ids", "spans", "special", "unknown", "segments", "left_out"):
                np.testing.assert_array_equal(getattr(ours, part), getattr(theirs, part))
        if "\ud800" not in text:
            assert cutter(apart).stages(text) == cutter(here).stages(text)
            whole = read(here, text)
            ours, theirs = (
                most_split_by(one, whole, lambda one=one: cutter(one)) for one in (apart, here)
            )
            assert ours == theirs


def test_a_normalizer_that_makes_much_of_nothing_is_never_run_in_the_app(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader_pool, "START_SECONDS", 4.0)
    plan = json.loads((catalog.SHIPPED / "tales-bert" / "tokenizer.json").read_text())
    double = {"type": "Replace", "pattern": {"String": "a"}, "content": "aa"}
    steps = [{"type": "Prepend", "prepend": "a"}, *[double] * 45]
    plan["normalizer"] = {"type": "Sequence", "normalizers": steps}
    # The library puts the names of such tokens through the normalizer when it opens the file.
    plan["added_tokens"].append(
        plan["added_tokens"][0] | {"id": 6144, "content": "b", "normalized": True}
    )
    (tmp_path / "tokenizer.json").write_text(json.dumps(plan))
    began = time.perf_counter()
    reader = Reader(tmp_path / "tokenizer.json", here=False)
    assert reader.opening == (2,) and reader.closing == (3,) and reader.unknown == 1
    assert time.perf_counter() - began < 20
    with pytest.raises(NotOffered, match="stopped|cannot"):
        read(reader, "b")


def test_shipped_bundles_are_read_here_and_all_others_apart(tmp_path: Path) -> None:
    shutil.copytree(catalog.SHIPPED / "tales-bert", tmp_path / "tales-bert")
    assert Bundle(catalog.SHIPPED / "tales-bert").reader("encoder").here
    assert not Bundle(tmp_path / "tales-bert").reader("encoder").here


@pytest.mark.parametrize("way", ["read", "stages"])
def test_a_bundles_tokenizer_that_never_ends_is_stopped_and_the_app_goes_on(
    way: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader_pool, "SECONDS", 1.0)
    hostile = endless(tmp_path)
    ask = read if way == "read" else lambda reader, text: cutter(reader).stages(text)

    def refused() -> None:
        with pytest.raises(NotOffered, match="was stopped"):
            ask(hostile, "a" * 3000)

    took, pause = longest_pause(refused)
    assert pause < took / 2
    assert read(hostile, "b").text == "b"  # a new process


def test_processes_are_bounded_and_the_one_unused_longest_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ATLAS_READERS", "2")
    settings.cache_clear()
    readers = [outside(tmp_path / str(number)) for number in range(3)]
    children = []
    for reader in readers:
        read(reader, "a")
        children.append(next(reversed(reader_pool._pool.values())).child)
    assert [child.alive for child in children] == [False, True, True]
    assert read(readers[0], "a").text == "a"


def test_a_process_at_work_is_not_ended_for_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ATLAS_READERS", "1")
    monkeypatch.setattr(reader_pool, "WAIT_SECONDS", 0.3)
    settings.cache_clear()
    first, second = outside(tmp_path / "a"), outside(tmp_path / "b")
    with reader_pool._taken(first.path):
        with pytest.raises(Busy, match="other tokenizers are at work"):
            read(second, "a")
    assert read(second, "a").text == "a"


def test_a_file_that_was_made_anew_is_read_anew(tmp_path: Path) -> None:
    reader = outside(tmp_path)
    before = read(reader, "The cat")
    again = outside(tmp_path, "tales-bert")
    assert read(again, "The cat").pieces != before.pieces


def test_a_process_that_was_begun_ahead_is_the_one_that_is_asked(tmp_path: Path) -> None:
    reader = outside(tmp_path)
    reader_pool.begin(reader.path)
    (begun,) = reader_pool._pool.values()
    assert read(reader, "The cat sat.").pieces[0] == "The"
    assert list(reader_pool._pool.values()) == [begun]


def test_none_is_begun_ahead_where_all_are_at_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ATLAS_READERS", "1")
    settings.cache_clear()
    busy, other = outside(tmp_path / "a"), outside(tmp_path / "b")
    with reader_pool._taken(busy.path):
        reader_pool.begin(other.path)  # does not wait for its turn
        assert [path for path, *_ in reader_pool._pool] == [busy.path]
    reader_pool.begin(tmp_path / "gone" / "tokenizer.json")  # whoever reads by it will be told


def test_a_model_that_is_opened_begins_to_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ATLAS_MODELS", str(tmp_path))
    settings.cache_clear()
    mine = tmp_path / "mine"
    shutil.copytree(catalog.SHIPPED / "tales-gpt", mine)
    card = json.loads((mine / "card.json").read_text())
    (mine / "card.json").write_text(json.dumps(card | {"name": "mine"}))
    local().open("mine")
    assert mine / "tokenizer.json" in [path for path, *_ in reader_pool._pool]
    local().open("tales-gpt")  # it came along: the app reads its texts itself
    assert [path.parent for path, *_ in reader_pool._pool] == [mine]
