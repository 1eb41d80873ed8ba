"""Why a word was split: each reason on each algorithm that has it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers

from engine.models.catalog import SHIPPED
from engine.tokenizers.causes import Split, most_split
from engine.tokenizers.reader import Reader
from engine.tokenizers.tokenization_steps import Cutter
from engine.tokenizers.tokens import read
from tests.engine import plain

Find = Callable[[Tokenizer | str, str], Split | None]


@pytest.fixture
def find(tmp_path: Path) -> Find:
    """The word that a tokenizer, or that of a shipped model, splits most."""

    def found(tokenizer: Tokenizer | str, text: str) -> Split | None:
        path = tmp_path / "tokenizer.json"
        if isinstance(tokenizer, str):
            path = SHIPPED / tokenizer / "tokenizer.json"
        else:
            tokenizer.save(str(path))
        reader = Reader(path, here=True)
        return most_split(Cutter(reader.tokenizer), read(reader, text))

    return found


@pytest.mark.parametrize(
    ("name", "text", "cause"),
    [
        ("tales-gpt", "It costs €3.50! Now", "split rule"),
        ("tales-gpt", "unbelievably", "vocabulary"),
        ("tales-gpt", "the 🙂 cat", "bytes"),
        ("tales-gpt", "a don't b", "split rule"),
        ("tales-gpt", "end<|endoftext|>of", "added token"),
        ("tales-bert", "It costs €3.50! Now", "split rule"),
        ("tales-bert", "the 你好 cat", "normalizer"),
        ("tales-bert", "unbelievably", "vocabulary"),
        ("tales-bert", "a[MASK]b", "added token"),
        ("fr-en", "prix ½ ici", "normalizer"),
        ("fr-en", "anticonstitutionnellement", "vocabulary"),
    ],
)
def test_the_shipped_tokenizers(find: Find, name: str, text: str, cause: str) -> None:
    found = find(name, text)
    assert found is not None and found.cause == cause, found


def test_parts_of_a_split_rule_are_counted(find: Find) -> None:
    found = find("tales-bert", "see don't")
    assert found is not None
    assert (found.word, found.tokens, found.words, found.whole) == ("don't", 3, 3, 3)
    assert found.rule == "BertPreTokenizer"


def test_no_word_was_split(find: Find) -> None:
    assert find("tales-bert", "the cat 🙂") is None


def test_a_word_that_the_normalizer_made_unknown_to_the_vocabulary(find: Find) -> None:
    pieces = {"[UNK]": 0, "Paris": 1, "p": 2, "##aris": 3}
    cased = Tokenizer(models.WordPiece(pieces, unk_token="[UNK]"))
    cased.normalizer = normalizers.Lowercase()
    cased.pre_tokenizer = pre_tokenizers.Whitespace()
    found = find(cased, "Paris")
    assert found is not None and found.cause == "normalizer"
    assert (found.normalised, found.rule) == ("paris", "Lowercase")


def test_a_word_that_no_merges_lead_to(find: Find) -> None:
    held = Tokenizer(models.BPE({"c": 0, "a": 1, "t": 2, "ca": 3, "cat": 4}, [("c", "a")]))
    found = find(held, "cat")
    assert found is not None and found.cause == "merges"


def test_pieces_that_are_more_probable_than_the_word(find: Find) -> None:
    entries = [("<unk>", 0.0), ("▁", -1.0), ("a", -1.0), ("b", -1.0), ("▁ab", -9.0)]
    unigram = Tokenizer(models.Unigram(entries, unk_id=0))
    unigram.pre_tokenizer = pre_tokenizers.Metaspace()
    found = find(unigram, "ab")
    assert found is not None and found.cause == "score"


def test_a_split_rule_of_a_unigram_tokenizer(find: Find) -> None:
    entries = [("<unk>", 0.0), ("▁", -1.0), ("a", -1.0), ("1", -1.0), ("▁a", -1.5), ("▁a1", -1.0)]
    unigram = Tokenizer(models.Unigram(entries, unk_id=0))
    digits = pre_tokenizers.Split(Regex(r"\d"), "isolated")
    unigram.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Metaspace(), digits])
    found = find(unigram, "a1")
    assert found is not None and found.cause == "split rule"


def test_a_tokenizer_without_a_split_rule_names_the_vocabulary(find: Find) -> None:
    found = find(plain.byte_fallback(), "cat")
    assert found is not None and found.cause == "vocabulary"


def test_a_word_of_a_hundred_thousand_letters_is_answered(find: Find) -> None:
    found = find("tales-gpt", "x" * 100_000)
    assert found is not None and found.tokens > 1000
