"""An unknown word is the text's own, a special token is not: one answer for whoever asks."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

from engine.attention.heads import punctuation
from engine.attention.maps import MapOptions, labels, prepared
from engine.attention.transforms import words
from engine.decoding.translation import prefix_ids
from engine.models.catalog import SHIPPED
from engine.tokenizers.reader import Reader
from engine.tokenizers.roles import roles
from engine.tokenizers.tokens import detokenize, from_ids, read
from engine.values import Attention, Tokens

DATA = Path(__file__).parent / "data"


def shipped(name: str) -> Reader:
    return Reader(SHIPPED / name / "tokenizer.json")


def word_level(folder: Path) -> Reader:
    """One token a word, an unknown one for all others; marks as BART has them."""
    vocabulary = {"<s>": 0, "</s>": 1, "<unk>": 2, "the": 3, "cat": 4}
    found = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    found.normalizer = normalizers.Lowercase()
    found.pre_tokenizer = pre_tokenizers.Whitespace()
    found.add_special_tokens(["<s>", "</s>", "<unk>"])
    found.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 1)]
    )
    found.save(str(folder / "tokenizer.json"))
    return Reader(folder / "tokenizer.json", here=True)


def kinds(tokens: Tokens) -> str:
    """One letter a token: Special, Unknown, or its own piece."""
    pairs = zip(tokens.special, tokens.unknown, strict=True)
    assert not (tokens.special & tokens.unknown).any()
    return "".join("S" if special else "U" if unknown else "." for special, unknown in pairs)


def test_bert(tmp_path: Path) -> None:
    assert kinds(read(shipped("tales-bert"), "I saw 🙂 today")) == "S..U.S"
    assert kinds(read(shipped("tales-bert"), "你好世界" * 3)) == "S" + "U" * 12 + "S"


def test_unigram() -> None:
    assert kinds(read(shipped("fr-en"), "je 猫 dors")) == "..U...S"


def test_word_level(tmp_path: Path) -> None:
    reader = word_level(tmp_path)
    tokens = read(reader, "The dog, the cat")
    assert kinds(tokens) == "S.UU..S"
    assert [tokens.data[i] for i in np.flatnonzero(tokens.unknown)] == [b"dog", b","]


def test_an_unknown_token_that_is_an_end_mark_too() -> None:
    reader = Reader(DATA / "tk-clip.json", here=True)
    tokens = read(reader, "the Q <|endoftext|>")
    assert [tokens.pieces[i] for i in (2, 3, 4)] == ["<|endoftext|>"] * 3
    assert kinds(tokens) == "S.USS"
    bundle: Any = SimpleNamespace(reader=lambda side: reader)
    assert kinds(from_ids(bundle, tokens.ids.tolist())) == "S.SSS"


def test_a_typed_name_is_the_mark_that_it_names() -> None:
    reader = shipped("tales-bert")
    assert kinds(read(reader, "a [MASK] b")) == "S.S.S"
    assert kinds(read(reader, "a [UNK] b")) == "S.U.S"
    assert kinds(read(reader, "a [MASK] b", names=False))[2] != "S"


@pytest.mark.parametrize("name", ["tales-bert", "fr-en"])
def test_hiding_special_tokens_keeps_an_unknown_word(name: str) -> None:
    tokens = read(shipped(name), "I saw 🙂 today")
    n = len(tokens)
    even = np.full((1, n, n), 1 / n, dtype=np.float32)
    found = prepared(
        Attention(even, None, None, None, None, None, 1.0),
        0,
        kind="encoder",
        queries=tokens,
        keys=tokens,
        options=MapOptions(hidden="special"),
    )
    marks = int(tokens.special.sum())
    assert f"({marks} column" in found.notes[0]
    assert np.isnan(found.weights).all(axis=0).tolist() == tokens.special.tolist()
    smiley = int(np.flatnonzero(tokens.unknown)[0])
    assert np.nanmin(found.weights[:, smiley]) > 0
    assert labels(tokens)[smiley] == "🙂"


def test_measures_and_words_take_an_unknown_word_for_text() -> None:
    tokens = read(shipped("tales-bert"), "I 猫 ran.")
    assert punctuation(tokens).tolist() == [True, False, False, False, True, True]
    clip = read(Reader(DATA / "tk-clip.json", here=True), "sat")
    assert len(set(words(clip)[clip.own].tolist())) == 1


def test_a_beginning_keeps_unknown_words_and_the_text_shows_them() -> None:
    reader = shipped("fr-en")
    bundle: Any = SimpleNamespace(
        reader=lambda side: reader, card=SimpleNamespace(pairs=False, vocabulary=6144)
    )
    ids = prefix_ids(bundle, "Mr 李 is")
    assert reader.unknown in ids
    assert 0 not in ids
    assert detokenize(bundle, (*ids, 0)) == "Mr <unk> is"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("tales-gpt", {0: "end mark"}),
        (
            "tales-bert",
            {0: "padding", 1: "unknown word", 2: "start mark", 3: "separator", 4: "mask"},
        ),
        ("fr-en", {0: "end mark", 1: "unknown word", 2: "start mark"}),
    ],
)
def test_every_special_token_has_a_role(name: str, expected: dict[int, str]) -> None:
    from engine.models.bundle import read_card

    assert roles(read_card(SHIPPED / name), shipped(name)) == expected


@pytest.fixture
def suffixed(tmp_path: Path) -> Callable[..., Reader]:
    def make(**model: Any) -> Reader:
        vocabulary = {piece: i for i, piece in enumerate(model.pop("pieces"))}
        plan = json.loads(Tokenizer(models.BPE()).to_str())
        plan["model"] |= {"vocab": vocabulary, **model}
        plan["pre_tokenizer"] = {"type": "Whitespace"}
        (tmp_path / "tokenizer.json").write_text(json.dumps(plan))
        return Reader(tmp_path / "tokenizer.json", here=True)

    return make


def test_the_mark_of_a_word_end_is_no_part_of_its_bytes(suffixed: Callable[..., Reader]) -> None:
    clip = read(Reader(DATA / "tk-clip.json", here=True), "the")
    assert [data.hex(" ") for data in clip.data] == ["", "74 68 65", ""]
    # OpenAI-GPT's way, without byte letters.
    pieces = ["t", "h", "e</w>", "th", "the</w>", ".</w>"]
    merges = [["t", "h"], ["th", "e</w>"]]
    openai = read(suffixed(pieces=pieces, merges=merges, end_of_word_suffix="</w>"), "the .")
    assert openai.pieces == ("the</w>", ".</w>") and openai.data == (b"the", b".")


def test_the_mark_of_a_continued_word_is_no_part_of_its_bytes(
    suffixed: Callable[..., Reader],
) -> None:
    pieces, merges = ["t", "@@h", "@@e", "@@he"], [["@@h", "@@e"]]
    reader = suffixed(pieces=pieces, merges=merges, continuing_subword_prefix="@@")
    tokens = read(reader, "the")
    assert tokens.pieces == ("t", "@@he") and tokens.data == (b"t", b"he")
