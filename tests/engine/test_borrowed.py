"""Tokenizers from outside: cut as inside, and whatever else a file holds is one sentence."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from tokenizers import Regex, Tokenizer, models, pre_tokenizers

from engine.errors import NotOffered
from engine.models import catalog
from engine.models.runtime import open_bundle
from engine.settings import settings
from engine.tokenizers import external_tokenizers, reader_pool
from engine.tokenizers.tokens import tokenize
from tests.engine.hub_stand_in import hub

ROOT = Path(__file__).resolve().parents[2]
FILE = catalog.SHIPPED / "tales-bert" / "tokenizer.json"


@pytest.fixture(autouse=True)
def aside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("ATLAS_MODELS", str(tmp_path / "models"))
    settings.cache_clear()
    yield
    reader_pool.close()
    settings.cache_clear()


def test_a_borrowed_tokenizer_cuts_as_the_model_of_its_file() -> None:
    name = external_tokenizers.keep(FILE.read_bytes(), "my own tokenizer.json")
    assert name.startswith("file:my-own-tokenizer-")
    assert external_tokenizers.facts(name) == external_tokenizers.Facts("WordPiece", 6144)
    texts = ["The cat sat.", "naïve 🙂", ""]
    bundle = open_bundle(FILE.parent)
    for ours, text in zip(external_tokenizers.cut(name, texts), texts, strict=True):
        theirs = tokenize(bundle, text)
        np.testing.assert_array_equal(ours.ids, theirs.ids)
        np.testing.assert_array_equal(ours.spans, theirs.spans)
        assert (ours.pieces, ours.data) == (theirs.pieces, theirs.data)


HOSTILE = {
    "no JSON": (b"hello", "no JSON"),
    "no text": (b"\xff\xfe\x00", "no JSON"),
    "a list": (b"[1, 2]", "no “model”"),
    "too deep": (b"[" * 100_000, "no JSON"),
    "an unknown model": (b'{"model": {"type": "X"}}', "cannot be read"),
    "too large": (b" " * 50_000_000, "50 MB"),
}


@pytest.mark.parametrize(("data", "told"), HOSTILE.values(), ids=HOSTILE)
def test_a_file_that_is_no_tokenizer_is_one_sentence_and_is_not_kept(
    data: bytes, told: str
) -> None:
    with pytest.raises(NotOffered, match=told):
        external_tokenizers.keep(data, "x.json")
    assert not list(external_tokenizers.kept("").parent.glob("*.json"))


def test_a_tokenizer_that_never_ends_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    endless = Tokenizer(models.BPE())
    endless.pre_tokenizer = pre_tokenizers.Split(Regex("(?:a+)+b|(?:x|aa|a)*c"), "isolated")
    name = external_tokenizers.keep(endless.to_str().encode(), "endless.json")
    monkeypatch.setattr(reader_pool, "SECONDS", 1.0)
    with pytest.raises(NotOffered, match="was stopped"):
        external_tokenizers.cut(name, ["a" * 3000])
    monkeypatch.setattr(reader_pool, "SECONDS", 30.0)
    assert len(external_tokenizers.cut(name, ["b"])) == 1  # a new process


def test_only_the_newest_files_are_kept() -> None:
    folder = external_tokenizers.kept("").parent
    folder.mkdir(parents=True)
    for number in range(external_tokenizers.KEPT + 5):
        (folder / f"{number}.json").write_text("{}")
    external_tokenizers.tidy()
    assert len(list(folder.iterdir())) == external_tokenizers.KEPT


def fetch(source: str) -> list[dict[str, object]]:
    done = subprocess.run(
        [sys.executable, "-m", "engine.export.sources.fetch_tokenizer", "--", source],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_only_the_tokenizer_is_fetched_from_the_hub(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bare = tmp_path / "bare"
    bare.mkdir()
    (bare / "config.json").write_text("{}")
    monkeypatch.delenv("HF_HUB_OFFLINE")
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hub"))
    with hub({"maker/model": FILE.parent, "maker/bare": bare}) as address:
        monkeypatch.setenv("HF_ENDPOINT", address)
        assert fetch("maker/model")[-1]["result"] == "hub:maker/model"
        assert "has no tokenizer.json" in str(fetch("maker/bare")[-1]["error"])
        assert "no model called" in str(fetch("maker/other")[-1]["error"])
    assert external_tokenizers.known("hub:maker/model")
    assert external_tokenizers.facts("hub:maker/model").algorithm == "WordPiece"
    fetched = {path.name for path in (tmp_path / "hub").rglob("*") if path.is_file()}
    assert "weights.bin" not in fetched


def test_offline_the_hub_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hub"))
    told = fetch("maker/model")[-1]["error"]
    assert "cannot be reached" in str(told)
