"""Stop texts are sought in the text as it is shown, whatever tokenizer spells it."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer, decoders, models, pre_tokenizers

from engine.decoding.stopping import Speller, escaped, stop_test, unescaped
from engine.tokenizers.reader import Reader

PIECES = ["<unk>", "▁the", "▁cat", "s", ".", "\n", "▁a", "<0xE2>", "<0x82>", "<0xAC>", "<end>"]


@pytest.fixture(scope="module")
def metaspace(tmp_path_factory: pytest.TempPathFactory) -> Reader:
    """SentencePiece's writing, as Llama's: the first word has a space before it."""
    vocabulary = {piece: number for number, piece in enumerate(PIECES)}
    tokenizer = Tokenizer(models.BPE(vocabulary, [], unk_token="<unk>", byte_fallback=True))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    tokenizer.add_special_tokens(["<end>"])
    return _read(tokenizer, tmp_path_factory.mktemp("metaspace"))


@pytest.fixture(scope="module")
def wordpiece(tmp_path_factory: pytest.TempPathFactory) -> Reader:
    """BERT's writing: `##s` continues a word, all others begin one."""
    vocabulary = {"[UNK]": 0, "the": 1, "cat": 2, "##s": 3}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.decoder = decoders.WordPiece()
    return _read(tokenizer, tmp_path_factory.mktemp("wordpiece"))


def _read(tokenizer: Tokenizer, folder: Path) -> Reader:
    tokenizer.save(str(folder / "tokenizer.json"))
    return Reader(folder / "tokenizer.json")


def shown(reader: Reader, ids: list[int]) -> str:
    speller = Speller(reader)
    return "".join(speller.add(i) for i in ids)


def stops_after(reader: Reader, ids: list[int], *stops: str) -> int | None:
    """How many tokens are written when a stop text ends them."""
    test = stop_test(reader, stops)
    assert test is not None
    return next((n for n in range(1, len(ids) + 1) if test(ids[:n])), None)


def test_the_space_of_the_first_word_counts_as_it_is_shown(metaspace: Reader):
    ids = [1, 2, 3, 4]
    assert shown(metaspace, ids) == " the cats."
    assert metaspace.tokenizer.decode(ids) == "the cats."  # what would hide the stop text
    assert stops_after(metaspace, ids, " the") == 1
    assert stops_after(metaspace, ids, "the cat") == 2
    assert stops_after(metaspace, ids, "cats") == 3


def test_a_newline_and_the_first_of_several_stop_texts_end_a_text(metaspace: Reader):
    ids = [1, 2, 5, 1, 4]
    assert stops_after(metaspace, ids, "\n") == 3
    assert stops_after(metaspace, ids, ".", "\n", "zebra") == 3
    assert stops_after(metaspace, ids, "\n the") == 4
    assert stops_after(metaspace, ids, "zebra") is None


def test_a_character_of_several_tokens_is_found_with_its_last(metaspace: Reader):
    ids = [1, 7, 8, 9, 2]
    assert shown(metaspace, ids) == " the€ cat"
    assert stops_after(metaspace, ids, "€") == 4
    assert stops_after(metaspace, ids, "e€ c") == 5


def test_the_name_of_a_special_token_is_on_the_screen_too(metaspace: Reader):
    assert stops_after(metaspace, [1, 10, 2], "<end>") == 2


def test_words_of_wordpiece_have_spaces_between_them(wordpiece: Reader):
    ids = [1, 2, 3, 1]
    assert shown(wordpiece, ids) == " the cats the"
    assert stops_after(wordpiece, ids, "cats") == 3
    assert stops_after(wordpiece, ids, " cats the") == 4


def test_a_long_stop_text_over_many_tokens_is_found(metaspace: Reader):
    ids = [1] * 3 + [3] * 40
    assert stops_after(metaspace, ids, "s" * 40) == 43
    assert stops_after(metaspace, ids, " the the the" + "s" * 20) == 23


@pytest.mark.parametrize("stops", [("a",) * 5, ("",), ("x" * 41,)])
def test_bounds_are_those_of_the_engine(metaspace: Reader, stops: tuple[str, ...]):
    with pytest.raises(ValueError, match="stop text"):
        stop_test(metaspace, stops)


def test_no_stop_text_is_no_test(metaspace: Reader):
    assert stop_test(metaspace, ()) is None


def test_escapes_are_typed_on_one_line():
    assert unescaped(r"a\nb\tc\\n") == "a\nb\tc\\n"
    assert unescaped("\\x\\") == "\\x\\"
    assert escaped("a\nb\\n") == r"a\nb\\n"


@given(st.text())
def test_what_is_escaped_reads_back(text: str):
    assert unescaped(escaped(text)) == text
