"""Every character of a text lies in a token, or is said to be left out, and by whom."""

from __future__ import annotations

import io
import json
import unicodedata
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, trainers

from engine.models.catalog import SHIPPED
from engine.tokenizers.coverage import NORMALIZER, SPLIT, VOCABULARY
from engine.tokenizers.reader import Reader
from engine.tokenizers.tokens import read
from engine.values import Tokens
from tests.engine import plain
from tests.engine.test_cutting import CORPUS, EVERYWHERE

DATA = Path(__file__).parent / "data"


def trained(normalizer: object, splitter: object, *, unknown: str | None = "<unk>") -> Tokenizer:
    """A small BPE tokenizer under these rules; without `unknown` it drops what it cannot write."""
    found = Tokenizer(models.BPE(unk_token=unknown, fuse_unk=True))
    found.normalizer, found.pre_tokenizer = normalizer, splitter
    special = [unknown] if unknown else []
    trainer = trainers.BpeTrainer(vocab_size=160, special_tokens=special, show_progress=False)
    found.train_from_iterator(CORPUS, trainer)
    return found


def cleaning() -> Tokenizer:
    """As ALBERT and others: NFKD, accents stripped, lower case."""
    steps = [normalizers.NFKD(), normalizers.StripAccents(), normalizers.Lowercase()]
    return trained(normalizers.Sequence(steps), pre_tokenizers.Whitespace())


def sentencepiece() -> Tokenizer:
    """As SentencePiece's own: nmt's table, NFKC, spaces collapsed and stripped."""
    steps = [
        normalizers.Nmt(),
        normalizers.NFKC(),
        normalizers.Replace(Regex(" {2,}"), " "),
        normalizers.Strip(),
    ]
    return trained(normalizers.Sequence(steps), pre_tokenizers.Metaspace())


def precompiled() -> Tokenizer:
    """As T5, XLM-R, ALBERT and Marian: the table that SentencePiece writes into its models."""
    spm = pytest.importorskip("sentencepiece")
    from transformers.convert_slow_tokenizer import import_protobuf

    written = io.BytesIO()
    spm.SentencePieceTrainer.train(
        sentence_iterator=iter(CORPUS),
        model_writer=written,
        vocab_size=60,
        hard_vocab_limit=False,
        minloglevel=2,
    )
    messages: Any = import_protobuf()
    proto = messages.ModelProto()
    proto.ParseFromString(written.getvalue())
    table = normalizers.Precompiled(proto.normalizer_spec.precompiled_charsmap)
    steps = [table, normalizers.Replace(Regex(" {2,}"), " ")]
    return trained(normalizers.Sequence(steps), pre_tokenizers.Metaspace())


def t5() -> Tokenizer:
    splits = [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace()]
    return trained(normalizers.NFC(), pre_tokenizers.Sequence(splits))


def removing() -> Tokenizer:
    """What the pattern does not match is thrown away; hyphens are."""
    split = pre_tokenizers.Split(Regex(r"[^\s-]+"), "removed", invert=True)
    return trained(normalizers.NFD(), split)


MAKERS: dict[str, Callable[[], Tokenizer]] = {
    "cleaning": cleaning,
    "sentencepiece": sentencepiece,
    "precompiled": precompiled,
    "t5": t5,
    "removing": removing,
    "dropping": lambda: trained(None, pre_tokenizers.WhitespaceSplit(), unknown=None),
    "uncased": plain.word_pieces,
    "unigram": plain.sentence_pieces,
    "fallback": plain.byte_fallback,
}
FILES = {
    "tales-gpt": SHIPPED / "tales-gpt" / "tokenizer.json",
    "tales-bert": SHIPPED / "tales-bert" / "tokenizer.json",
    "fr-en": SHIPPED / "fr-en" / "tokenizer.json",
    "clip": DATA / "tk-clip.json",
    "meta": DATA / "tk-meta.json",
}
NAMES = [*FILES, *MAKERS]


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Reader]:
    folder = tmp_path_factory.mktemp("tokenizers")

    @cache
    def opened(name: str) -> Reader:
        if name in FILES:
            return Reader(FILES[name], here=True)
        MAKERS[name]().save(str(folder / f"{name}.json"))
        return Reader(folder / f"{name}.json", here=True)

    return opened


SEQUENCES = st.sampled_from(
    [
        unicodedata.normalize("NFD", "각한"),
        "ﾊﾟﾋﾟ",
        "🏴\U000e0067\U000e0062\U000e007f",
        "te\x10st",
        "e\u0301\u0323",
        "👩\u200d👩\u200d👧",
        "a\u00adb",
        "क्षि",
        "\ufeff",
        "½ﬁ",
        "  ",
        "\t\n",
        "\u3000",
        "▁",
        "a-b",
        "\u0958",
        "ę̀",
    ]
)
TEXTS = st.lists(st.one_of(SEQUENCES, EVERYWHERE), max_size=5).map("".join)


def covered(tokens: Tokens) -> np.ndarray:
    """Whether each character lies in a token's span."""
    inside = np.zeros(len(tokens.text), dtype=bool)
    for start, end in tokens.spans.tolist():
        inside[start:end] = True
    return inside


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=120, deadline=None)
@given(text=TEXTS)
def test_every_character_lies_in_a_token_or_is_said_to_be_left_out(
    reader: Callable[[str], Reader], name: str, text: str
) -> None:
    tokens = read(reader(name), text)
    inside, out = covered(tokens), tokens.left_out
    assert (inside | (out > 0)).all()
    assert not (inside & (out > NORMALIZER)).any()


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=120, deadline=None)
@given(text=TEXTS.filter(lambda text: not set("[<") & set(text)))
def test_what_the_normalizer_left_out_changes_nothing(
    reader: Callable[[str], Reader], name: str, text: str
) -> None:
    tokens = read(reader(name), text)
    kept = "".join(c for c, out in zip(tokens.text, tokens.left_out, strict=True) if out != 1)
    assert read(reader(name), kept).ids.tolist() == tokens.ids.tolist()


def said(tokens: Tokens, who: int) -> str:
    """The characters that were left out by somebody."""
    return "".join(c for c, out in zip(tokens.text, tokens.left_out, strict=True) if out == who)


KOREAN = "a" + unicodedata.normalize("NFD", "각") + "b"


@pytest.mark.parametrize("name", ["fr-en", "clip", "t5"])
def test_a_composed_syllable_lies_in_its_token(reader: Callable[[str], Reader], name: str) -> None:
    tokens = read(reader(name), KOREAN)
    assert [1, 4] in tokens.spans.tolist() and not tokens.left_out.any()
    syllable = tokens.unknown & (tokens.spans == [1, 4]).all(axis=1)
    assert all(tokens.data[i] == KOREAN[1:4].encode() for i in np.flatnonzero(syllable))


@pytest.mark.parametrize("name", ["fr-en", "sentencepiece"])
def test_a_half_width_mark_lies_in_the_token_of_its_letter(
    reader: Callable[[str], Reader], name: str
) -> None:
    tokens = read(reader(name), "ﾊﾟ x")
    assert covered(tokens)[:2].all()


@pytest.mark.parametrize(
    ("name", "text", "deleted"),
    [
        ("tales-bert", "T\x10his \x10\x10 te\x10st", "\x10" * 4),
        ("tales-bert", "🏴\U000e0067\U000e0062\U000e007f", "\U000e0067\U000e0062\U000e007f"),
        ("uncased", "the\u00ad cat\u200b", "\u00ad\u200b"),
        ("cleaning", "cafe\u0301", "\u0301"),
        ("cleaning", "ﾊﾟ x", "ﾟ"),
        ("sentencepiece", "a\x08b", "\x08"),
        ("fr-en", "  le chat ", "   "),
        ("sentencepiece", "the  cat", " "),
        ("tales-gpt", "T\x10his", ""),
        ("meta", "th\x10e", ""),
    ],
)
def test_what_the_normalizer_deletes_is_said(
    reader: Callable[[str], Reader], name: str, text: str, deleted: str
) -> None:
    assert said(read(reader(name), text), NORMALIZER) == deleted


def test_split_rule_and_vocabulary_are_told_apart(reader: Callable[[str], Reader]) -> None:
    assert said(read(reader("removing"), "the - cat"), SPLIT) == " - "
    assert said(read(reader("clip"), "the cat"), SPLIT) == " "
    dropped = read(reader("dropping"), "the \U0001f98a cat")
    assert said(dropped, VOCABULARY) == "\U0001f98a" and said(dropped, SPLIT) == "  "


def test_the_name_of_an_added_token_is_never_deleted(tmp_path: Path) -> None:
    plan = json.loads(plain.word_pieces().to_str())
    plan["added_tokens"].append(
        plan["added_tokens"][-1] | {"id": 40, "content": "<\u200b>", "normalized": False}
    )
    (tmp_path / "tokenizer.json").write_text(json.dumps(plan))
    tokens = read(Reader(tmp_path / "tokenizer.json", here=True), "the <\u200b> cat\u200b")
    assert said(tokens, NORMALIZER) == "\u200b" and not tokens.left_out[4:7].any()


def test_a_long_text_is_covered_in_a_moment(reader: Callable[[str], Reader]) -> None:
    import time

    text = "The cat e\u0301 \x10sat on \u200b the mat, 각한 🙂. " * 4000
    read(reader("tales-bert"), "warm")
    began = time.perf_counter()
    tokens = read(reader("tales-bert"), text)
    assert (covered(tokens) | (tokens.left_out > 0)).all()
    assert time.perf_counter() - began < 8
