"""The vocabulary: every id once, kinds, search by text, bytes and id."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from engine.tokenizers import vocabulary as words
from engine.tokenizers.reader import Reader
from engine.tokenizers.vocabulary import Vocabulary, find, vocabulary
from tests.engine.test_cutting import tokenizer_named


@pytest.fixture(scope="module")
def read(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Vocabulary]:
    found: dict[str, Vocabulary] = {}
    for name in ("byte bpe", "wordpiece", "unigram with byte fallback"):
        path = Path(tmp_path_factory.mktemp("vocabulary")) / "tokenizer.json"
        tokenizer = tokenizer_named(name)
        tokenizer.save(str(path))
        found[name] = vocabulary(Reader(path), tokenizer.get_vocab_size() + 2)
    return found


def test_ids_beyond_the_tokenizer_are_listed_too(read: dict[str, Vocabulary]) -> None:
    whole = read["byte bpe"]
    assert len(whole) == tokenizer_named("byte bpe").get_vocab_size() + 2
    assert whole.kinds[-1] == words.SPECIAL


def test_kinds_tell_how_a_piece_is_used(read: dict[str, Vocabulary]) -> None:
    def kind(name: str, stored: str) -> str:
        return words.KINDS[read[name].kinds[read[name].stored.index(stored)]]

    assert kind("byte bpe", "Ġthe") == "begins a word"
    assert kind("byte bpe", "a") == "inside a word"
    assert kind("byte bpe", "7") == "number"
    assert kind("byte bpe", ",") == "punctuation"
    assert kind("byte bpe", "<|endoftext|>") == "special"
    assert kind("byte bpe", "Ã") == "bytes"
    assert kind("wordpiece", "##a") == "inside a word"
    assert kind("wordpiece", "a") == "begins a word"
    assert kind("unigram with byte fallback", "<0xE2>") == "bytes"
    assert kind("unigram with byte fallback", "▁ab") == "begins a word"


def test_search_finds_texts_ids_and_bytes(read: dict[str, Vocabulary]) -> None:
    whole = read["byte bpe"]
    assert find(whole, "").tolist() == list(range(len(whole)))
    assert {whole.texts[i].strip() for i in find(whole, " THE")} >= {"the"}
    assert find(whole, "17")[0] == 17
    place = whole.stored.index("Ã")
    assert place in find(whole, "c3")
    assert place in find(whole, "0xC3")
    assert find(whole, "no such piece").size == 0


def test_order_is_by_id_length_or_score(read: dict[str, Vocabulary]) -> None:
    whole = read["byte bpe"]
    sizes = whole.sizes[find(whole, "", order="length", falling=True)]
    assert (np.diff(sizes) <= 0).all()
    best = find(whole, "", order="score", falling=True)[0]
    merges = tokenizer_named("byte bpe").to_str()
    assert whole.scores[best] == 0 and whole.stored[best] in merges
    assert find(whole, "", falling=True)[0] == len(whole) - 1


def test_a_word_as_typed_finds_the_piece_that_begins_a_word(read: dict[str, Vocabulary]) -> None:
    whole = read["byte bpe"]
    assert whole.stored[words.exact(whole, "the") or 0] == "Ġthe"
    assert (
        words.exact(whole, "17") == 17 or whole.texts[words.exact(whole, "17") or 0].strip() == "17"
    )
    assert words.exact(whole, "no such word") is None
    assert words.exact(whole, "  ") is None


def test_the_end_of_a_word_is_no_part_of_what_a_token_writes() -> None:
    reader = Reader(Path(__file__).parent / "data" / "tk-clip.json")
    whole = vocabulary(reader, 297)
    place = whole.stored.index("the</w>")
    assert whole.texts[place] == "the" and words.written(whole.texts[place]).hex() == "746865"
