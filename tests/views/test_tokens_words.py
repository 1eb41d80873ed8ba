"""What Tokenization says of a text agrees with its chips."""

from __future__ import annotations

import pytest

from engine.models.catalog import SHIPPED
from engine.tokenizers.causes import most_split
from engine.tokenizers.reader import Reader
from engine.tokenizers.tokenization_steps import Cutter
from engine.tokenizers.tokens import read
from pages.pictures import names
from pages.pictures import tokens as view
from pages.pictures.chips import chips
from pages.tokenization.words import told


def said(model: str, text: str) -> str:
    reader = Reader(SHIPPED / model / "tokenizer.json")
    tokens = read(reader, text)
    return told(tokens, 6144, most_split(Cutter(reader.tokenizer), tokens))


def test_an_unknown_word_is_not_said_to_be_in_the_vocabulary() -> None:
    text = said("tales-bert", "I saw 🙂 today")
    assert "No word was split." in text and "in the vocabulary: “🙂”" in text
    assert "Each of them" not in text and "1 unknown word ([UNK])" in text
    assert "Each of them is in the vocabulary." in said("tales-bert", "I saw the cat")


def test_deleted_characters_are_named_and_counted() -> None:
    text = said("tales-bert", "T\x10his \x10\x10 te\x10st")
    assert "The normalizer deleted 4 characters: U+0010 (4 times)." in text
    assert "deleted 1 character: U+0301." in said("tales-bert", "cafe\u0301")
    assert "deleted 2 characters: U+00AD, U+200B." in said("tales-bert", "the\u00ad cat\u200b")
    assert "deleted" not in said("tales-gpt", "T\x10his")


def test_spaces_that_no_token_holds_are_counted() -> None:
    assert "Words are split at 2 spaces, which no token holds." in said("tales-bert", "I saw it")
    assert "spaces" not in said("tales-gpt", "I saw it")


@pytest.mark.parametrize(
    ("model", "text", "why"),
    [
        ("tales-gpt", "It costs €3.50! Now", "the split rule (ByteLevel) cuts it into 5 parts"),
        ("tales-bert", "see don't", "cuts it into 3 parts, each of them one token"),
        ("tales-bert", "the 你好 cat", "the normalizer (BertNormalizer) turns it into “你··好”"),
        ("tales-gpt", "unbelievably", "the vocabulary does not hold it whole"),
        ("tales-gpt", "the 🙂 cat", "so its bytes are written"),
    ],
)
def test_the_reason_of_a_split_is_the_real_one(model: str, text: str, why: str) -> None:
    assert why in said(model, text)


def test_numbers_of_the_sentences_are_those_of_the_chips() -> None:
    reader = Reader(SHIPPED / "tales-bert" / "tokenizer.json")
    tokens = read(reader, "I saw 🙂 and 猫")
    drawn = chips.chips(tokens)
    assert drawn.count(' unknown"') == view.counts(tokens).unknown == 2
    assert drawn.count('class="tok special"') == view.counts(tokens).added == 2


def test_a_deleted_character_is_marked_in_the_text() -> None:
    reader = Reader(SHIPPED / "tales-bert" / "tokenizer.json")
    drawn = chips.chips(read(reader, "T\x10his \x10 te\x10st"))
    assert drawn.count('class="gone"') == 3 and "␐" in drawn
    assert "U+0010: deleted by the normalizer" in drawn


def test_things_have_one_name() -> None:
    assert names.quoted("\n") == "newline (⏎)" and names.quoted(" ") == "space (·)"
    assert names.quoted("\n\n") == "2 newlines (⏎⏎)" and names.quoted("") == "no text"
    assert names.quoted(" \n") == "“·⏎”" and names.quoted(" cat") == "“·cat”"
    assert names.token("<pad>", 2, {2: "start mark"}) == "start mark <pad>"
    assert names.character("\u200b") == "U+200B"


def test_a_token_without_a_vector_is_told() -> None:
    reader = Reader(SHIPPED / "tales-gpt" / "tokenizer.json")
    tokens = read(reader, "The cat sat")
    highest = int(tokens.ids.max())
    assert "no vector" not in told(tokens, highest + 1, None)
    assert f"(ID {highest:,}): it cannot read this text." in told(tokens, highest, None)
