"""Tokens: spans, bytes and texts for the four ways of writing pieces."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer

from engine.errors import BrokenBundle, NotOffered
from engine.tokenizers.reader import Reader
from engine.tokenizers.tokens import clean, detokenize, from_ids, piece_texts, tokenize
from tests.engine import plain

MAKERS = {
    "bytes": plain.byte_level,
    "wordpiece": plain.word_pieces,
    "spaces": plain.sentence_pieces,
    "fallback": plain.byte_fallback,
}
LETTERS = [
    *"abc the cat  \n\t.,é",
    "😀",
    "e\u0301",
    "\0",
    "ﬁ",
    "½",
    "中",
    "\ud800",
    "\u202e",
    "👨\u200d👩",
]
TEXTS = st.lists(st.sampled_from([*LETTERS, "<|end|>", "[MASK]", "</s>"]), max_size=20).map("".join)


@pytest.fixture(scope="module")
def readers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A stand-in for a bundle for each way: it has a reader and says whether it takes pairs."""
    return {name: model(make(), tmp_path_factory.mktemp(name)) for name, make in MAKERS.items()}


def model(tokenizer: Tokenizer, folder: Path, **changes: Any) -> Any:
    plan = json.loads(tokenizer.to_str()) | changes
    (folder / "tokenizer.json").write_text(json.dumps(plan))
    reader = Reader(folder / "tokenizer.json", here=True)
    card = SimpleNamespace(pairs=reader.writing == "wordpiece", title="Plain")
    return SimpleNamespace(reader=lambda side: reader, card=card)


@pytest.mark.parametrize("name", MAKERS)
@settings(max_examples=200, deadline=None)
@given(text=TEXTS)
def test_spans_run_through_the_text_without_gaps(readers: dict[str, Any], name: str, text: str):
    found = tokenize(readers[name], text)
    spans = [(a, b) for a, b in found.spans.tolist() if b > a]
    assert spans == sorted(spans) and [b for _, b in spans] == sorted(b for _, b in spans)
    covered = {place for a, b in spans for place in range(a, b)}
    # WordPiece drops spaces and control characters: nothing stands for them.
    dropped = {i for i, c in enumerate(found.text) if c.isspace() or c in "\0\u202e\ufffd\u200d"}
    assert set(range(len(found.text))) - covered <= (dropped if name == "wordpiece" else set())


@settings(max_examples=300, deadline=None)
@given(text=st.text(max_size=30) | TEXTS)
def test_bytes_of_a_byte_level_tokenizer_join_to_the_text(readers: dict[str, Any], text: str):
    found = tokenize(readers["bytes"], text)
    assert b"".join(found.data) == clean(text).encode()


@settings(max_examples=200, deadline=None)
@given(
    text=st.text(alphabet="cat é中😀", max_size=20).filter(lambda text: not text.startswith(" "))
)
def test_bytes_with_fallback_join_to_the_text(readers: dict[str, Any], text: str):
    found = tokenize(readers["fallback"], text)
    assert b"".join(found.data) == text.encode()


@settings(max_examples=200, deadline=None)
@given(text=st.text(max_size=30))
def test_ids_give_back_text_and_spans(readers: dict[str, Any], text: str):
    read = tokenize(readers["bytes"], text)
    written = from_ids(readers["bytes"], read.ids.tolist())
    if "<|end|>" not in text:
        assert written.text == read.text
        assert written.spans.tolist() == read.spans.tolist()


def test_tokens_of_one_character_share_its_span(readers: dict[str, Any]):
    found = tokenize(readers["bytes"], "a😀b")
    assert found.spans.tolist() == [[0, 1], *[[1, 2]] * 4, [2, 3]]
    assert b"".join(found.data[1:5]) == "😀".encode()
    assert not found.special.any()


def test_the_leading_space_belongs_to_its_token(readers: dict[str, Any]):
    found = tokenize(readers["bytes"], "on the")
    assert found.pieces[-1] == "Ġthe" and found.data[-1] == b" the"
    assert found.text[slice(*found.spans[-1])] == " the"


def test_trimmed_spans_are_made_whole(tmp_path: Path):
    trimming = {
        "type": "ByteLevel",
        "add_prefix_space": False,
        "trim_offsets": True,
        "use_regex": True,
    }
    found = tokenize(model(plain.byte_level(), tmp_path, post_processor=trimming), "on the")
    assert found.text[slice(*found.spans[-1])] == " the"


def test_truncation_and_padding_of_the_file_are_off(readers: dict[str, Any]):
    assert len(tokenize(readers["wordpiece"], "the cat sat on the mat")) == 8
    assert len(tokenize(readers["wordpiece"], "the")) == 3


def test_continued_words_lose_their_mark(readers: dict[str, Any]):
    found = tokenize(readers["wordpiece"], "cats")
    assert found.pieces[1:3] == ("cat", "##s") and found.data[1:3] == (b"cat", b"s")
    assert found.spans.tolist() == [[0, 0], [0, 3], [3, 4], [0, 0]]
    assert found.special.tolist() == [True, False, False, True]


def test_an_unknown_word_stands_for_what_it_covers(readers: dict[str, Any]):
    found = tokenize(readers["wordpiece"], "the 😀")
    assert found.pieces[2] == "[UNK]" and found.data[2] == "😀".encode()


def test_a_pair_is_one_text_with_segments(readers: dict[str, Any]):
    found = tokenize(readers["wordpiece"], "the cat", second="sat")
    assert found.text == "the cat sat"
    assert found.segments.tolist() == [0, 0, 0, 0, 1, 1]
    assert found.text[slice(*found.spans[4])] == "sat"


def test_a_pair_is_refused_where_the_model_reads_one_text(readers: dict[str, Any]):
    with pytest.raises(NotOffered, match="one text at a time"):
        tokenize(readers["bytes"], "a", second="b")


def test_the_space_that_sentencepiece_adds_stands_for_nothing(readers: dict[str, Any]):
    found = tokenize(readers["spaces"], "xe")
    assert b"".join(found.data) == b"xe"
    assert found.pieces[0] == "▁" and found.spans[0].tolist() == [0, 0]


def test_an_accent_stays_with_its_letter(readers: dict[str, Any]):
    found = tokenize(readers["spaces"], "le\u0301a")
    assert any(found.text[a:b] == "e\u0301" for a, b in found.spans.tolist())


def test_half_characters_are_replaced_one_for_one(readers: dict[str, Any]):
    found = tokenize(readers["bytes"], "a\ud800b\udc00")
    assert found.text == "a\ufffdb\ufffd"


def test_an_empty_text_gives_no_tokens_and_does_not_crash(readers: dict[str, Any]):
    assert len(tokenize(readers["bytes"], "")) == 0


def test_written_words_are_joined_as_their_way_wants(readers: dict[str, Any]):
    for name, text in (("wordpiece", "the cats"), ("spaces", "the cat"), ("fallback", "cat")):
        ids = tokenize(readers[name], text).ids.tolist()
        found = from_ids(readers[name], ids)
        assert found.text == text, name
        cut = [found.text[a:b].encode() for a, b in found.spans.tolist()]
        assert [part.strip() for part in cut] == [part.strip() for part in found.data], name
        assert detokenize(readers[name], ids) == text, name


def test_a_cut_character_is_written_as_its_replacement(readers: dict[str, Any]):
    ids = tokenize(readers["bytes"], "😀").ids.tolist()
    assert from_ids(readers["bytes"], ids[:2]).text == "\ufffd"
    assert piece_texts(readers["bytes"], ids)[0] == "\ufffd"


def test_special_pieces_keep_their_name_and_strange_ids_do_not_crash(readers: dict[str, Any]):
    assert piece_texts(readers["bytes"], [0, 10**6]) == ["<|end|>", "<1000000>"]


def test_typed_special_text_is_special_and_covers_itself(readers: dict[str, Any]):
    found = tokenize(readers["bytes"], "a<|end|>")
    assert found.special.tolist() == [False, True] and found.data[1] == b"<|end|>"


def test_a_damaged_tokenizer_is_named(tmp_path: Path):
    (tmp_path / "tokenizer.json").write_text("{")
    with pytest.raises(BrokenBundle, match="tokenizer.json"):
        Reader(tmp_path / "tokenizer.json")


def test_threads_share_a_tokenizer(readers: dict[str, Any]):
    texts = [f"the cat {n} sat 😀 on the mat" * 20 for n in range(60)]
    alone = [tokenize(readers["bytes"], text).ids.tolist() for text in texts]
    with ThreadPoolExecutor(6) as pool:
        together = list(pool.map(lambda t: tokenize(readers["bytes"], t).ids.tolist(), texts))
    assert together == alone


def test_a_long_text_without_spaces_is_cut(readers: dict[str, Any]):
    found = tokenize(readers["bytes"], "x" * 100_000)
    assert found.spans[-1, 1] == 100_000
