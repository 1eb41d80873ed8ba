"""Step-by-step cutting gives what the `tokenizers` library gives."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tokenizers import (
    AddedToken,
    Regex,
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    trainers,
)

from engine.errors import NotOffered
from engine.models.catalog import SHIPPED
from engine.tokenizers.reader import Reader
from engine.tokenizers.subwords import Lattice, Longest, Merging
from engine.tokenizers.tokenization_steps import GPT2, Cutter

CORPUS = [
    "the cat sat on the mat and the rat ran after the cat",
    "there was a river bank and a money bank, unbelievable unhappiness",
    "straße café naïve 東京 東京都 привет Привет 1234 12 👩‍👩‍👧 🙂🙂",
    "  spaces\tand\nlines  <b>bold</b> & 'quotes' \"double\" --- ...",
] * 3


def byte_bpe(**options: bool) -> Tokenizer:
    tokenizer = Tokenizer(models.BPE(**options))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=420,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        special_tokens=["<|endoftext|>"],
        show_progress=False,
    )
    tokenizer.train_from_iterator(CORPUS, trainer)
    return tokenizer


def suffix_bpe() -> Tokenizer:
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", end_of_word_suffix="</w>", fuse_unk=True))
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Lowercase()])
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    trainer = trainers.BpeTrainer(
        vocab_size=140,
        special_tokens=["<unk>"],
        end_of_word_suffix="</w>",
        show_progress=False,
    )
    tokenizer.train_from_iterator(CORPUS, trainer)
    return tokenizer


def fallback_bpe() -> Tokenizer:
    """The shape of Llama 2: no pre-split, spaces as `▁`, unknown characters as bytes."""
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", byte_fallback=True, fuse_unk=True))
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")]
    )
    special = ["<unk>", "<s>", *(f"<0x{byte:02X}>" for byte in range(256))]
    trainer = trainers.BpeTrainer(vocab_size=420, special_tokens=special, show_progress=False)
    tokenizer.train_from_iterator(CORPUS[:3], trainer)
    return tokenizer


def wordpiece() -> Tokenizer:
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]", max_input_chars_per_word=30))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    trainer = trainers.WordPieceTrainer(
        vocab_size=180,
        special_tokens=["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"],
        show_progress=False,
    )
    tokenizer.train_from_iterator(CORPUS, trainer)
    return tokenizer


def unigram() -> Tokenizer:
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first")
    trainer = trainers.UnigramTrainer(
        vocab_size=130,
        unk_token="<unk>",
        special_tokens=["</s>", "<unk>", "<pad>"],
        show_progress=False,
    )
    tokenizer.train_from_iterator(CORPUS, trainer)
    return tokenizer


def fallback_unigram() -> Tokenizer:
    entries = [("<unk>", 0.0), *((f"<0x{byte:02X}>", -9.0) for byte in range(256))]
    entries += [("▁", -2.0), ("a", -3.0), ("b", -3.5), ("ab", -4.0), ("▁ab", -5.0), ("é", -6.0)]
    tokenizer = Tokenizer(models.Unigram(entries, unk_id=0, byte_fallback=True))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    return tokenizer


def with_added(make: Callable[[], Tokenizer]) -> Tokenizer:
    """Added tokens of every kind: stripping, whole words only, matched after normalisation."""
    tokenizer = make()
    tokenizer.add_tokens(
        [
            AddedToken("<mask>", lstrip=True, normalized=False, special=True),
            AddedToken("<sep>", rstrip=True, normalized=False, special=True),
            AddedToken("cat", single_word=True, normalized=True),
            AddedToken("RIVER", normalized=True),
        ]
    )
    return tokenizer


MAKERS: dict[str, Callable[[], Tokenizer]] = {
    "byte bpe": byte_bpe,
    "byte bpe that takes whole words": lambda: byte_bpe(ignore_merges=True),
    "bpe with a suffix": suffix_bpe,
    "bpe with byte fallback": fallback_bpe,
    "wordpiece": wordpiece,
    "unigram": unigram,
    "unigram with byte fallback": fallback_unigram,
    "byte bpe and added tokens": lambda: with_added(byte_bpe),
    "wordpiece and added tokens": lambda: with_added(wordpiece),
    "unigram and added tokens": lambda: with_added(unigram),
}
TOKENIZERS: dict[str, Tokenizer] = {}


def tokenizer_named(name: str) -> Tokenizer:
    if name not in TOKENIZERS:
        TOKENIZERS[name] = MAKERS[name]()
    return TOKENIZERS[name]


@cache
def shipped(name: str) -> tuple[Tokenizer, Cutter]:
    """The tokenizer of a shipped model and its rules."""
    tokenizer = Reader(SHIPPED / name / "tokenizer.json").tokenizer
    return tokenizer, Cutter(tokenizer)


# Words of the corpus make long merges likely; the rest are characters of every plane.
WORDS = sorted({word for line in CORPUS for word in line.split()})
SNIPPETS = [" ", "  ", "\n", "\t", "<mask>", "<sep> ", " <mask>", "<unk>", "cat", "River", "aaaa"]
ANY = st.characters(exclude_categories=("Cs",))
TEXTS = st.lists(
    st.one_of(st.sampled_from(WORDS), st.sampled_from(SNIPPETS), st.text(ANY, max_size=4)),
    max_size=12,
).map("".join)


# Joiners, letters in circles, marks and letters younger than Python's tables; no letters.
BESIDE = ["\u200d", "\u24b6", "\u0897", "\u0cf3", "\U00013460", "_", "\u00b2", "-", "\u20ac"]


@pytest.mark.parametrize("beside", BESIDE)
@pytest.mark.parametrize("text", ["cat{}", "{}cat", "a {}cat{} b"])
def test_a_whole_word_ends_where_the_library_says_it_ends(beside: str, text: str) -> None:
    tokenizer, text = tokenizer_named("byte bpe and added tokens"), text.format(beside, beside)
    assert Cutter(tokenizer).ids(text) == tokenizer.encode(text, add_special_tokens=False).ids


@pytest.mark.parametrize("name", MAKERS)
@settings(
    max_examples=250, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(text=TEXTS)
def test_cutting_equals_the_tokenizer(name: str, text: str) -> None:
    tokenizer = tokenizer_named(name)
    assert Cutter(tokenizer).ids(text) == tokenizer.encode(text, add_special_tokens=False).ids


def plane(number: int) -> st.SearchStrategy[str]:
    """Characters of one of Unicode's seventeen planes."""
    low, high = max(number << 16, 1), (number << 16) + 0xFFFD
    return st.characters(min_codepoint=low, max_codepoint=high, exclude_categories=("Cs",))


EVERYWHERE = st.lists(
    st.one_of(
        st.sampled_from([*WORDS, *SNIPPETS, "Unbelievably", "don't", "[MASK]", "</s>", "l'été"]),
        st.integers(0, 16).flatmap(lambda number: st.text(plane(number), max_size=5)),
        st.text("abcdefghijklmnopqrstuvwxyzéèàç", max_size=14),
    ),
    max_size=10,
).map("".join)


@pytest.mark.parametrize("model", ["tales-gpt", "tales-bert", "fr-en"])
@settings(
    max_examples=500, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(text=EVERYWHERE)
def test_cutting_equals_the_shipped_tokenizer_on_500_texts_of_every_plane(
    model: str, text: str
) -> None:
    tokenizer, cutter = shipped(model)
    assert cutter.ids(text) == tokenizer.encode(text, add_special_tokens=False).ids


def test_the_shipped_tokenizers_are_one_of_each_algorithm() -> None:
    found = {shipped(name)[1].algorithm for name in ("tales-gpt", "tales-bert", "fr-en")}
    assert found == {"BPE", "WordPiece", "Unigram"}


@settings(max_examples=100, deadline=None)
@given(TEXTS)
def test_every_step_of_bpe_merges_the_pair_learnt_first(text: str) -> None:
    cutter = Cutter(tokenizer_named("byte bpe"))
    merges = [
        tuple(m) if not isinstance(m, str) else tuple(m.split(" ")) for m in cutter.model["merges"]
    ]
    for _, walk in cutter.cut(text):
        if walk is None:
            continue
        assert isinstance(walk, Merging)
        for step in walk.steps:
            assert merges[step.rank] == step.result
            open_pairs = [merges.index(p) for p in pairwise(step.parts) if p in merges]
            assert step.rank == min(open_pairs)
            assert step.choices == len(open_pairs)
        assert "".join(walk.pieces) == "".join(walk.start)


def test_bpe_walks_from_bytes_to_a_word() -> None:
    walk = Cutter(tokenizer_named("byte bpe")).walk("Ġthe")
    assert isinstance(walk, Merging)
    assert walk.start == ("Ġ", "t", "h", "e")
    assert walk.pieces == ("Ġthe",)
    assert len(walk.steps) == 3


def test_wordpiece_tries_the_longest_first() -> None:
    walk = Cutter(tokenizer_named("wordpiece")).walk("cats")
    assert isinstance(walk, Longest)
    assert walk.steps[0].tried[:2] == ("cats", "cat")
    assert walk.steps[0].found
    unknown = Cutter(tokenizer_named("wordpiece")).walk("ca\u0e01")
    assert isinstance(unknown, Longest)
    assert not unknown.steps[-1].found
    assert unknown.pieces == ("[UNK]",)


def test_a_word_too_long_for_wordpiece_says_so() -> None:
    walk = Cutter(tokenizer_named("wordpiece")).walk("a" * 31)
    assert isinstance(walk, Longest)
    assert (walk.limit, walk.pieces) == (30, ("[UNK]",))


@settings(max_examples=100, deadline=None)
@given(st.text("thecatsr▁", min_size=1, max_size=8))
def test_the_best_path_of_unigram_beats_every_other(word: str) -> None:
    walk = Cutter(tokenizer_named("unigram")).walk(word)
    assert isinstance(walk, Lattice)

    def sums(at: int) -> list[float]:
        if at == len(word):
            return [0.0]
        here = [edge for edge in walk.edges if edge.start == at]
        return [edge.score + rest for edge in here for rest in sums(edge.end)]

    assert max(sums(0)) == pytest.approx(walk.best[-1])
    assert sum(walk.edges[i].score for i in walk.path) == pytest.approx(walk.best[-1])


def test_stages_tell_what_happens_before_the_algorithm() -> None:
    stages = Cutter(tokenizer_named("wordpiece and added tokens")).stages("Café,  <mask> RIVER!")
    assert stages.normaliser == "BertNormalizer"
    assert stages.splitter == "BertPreTokenizer"
    assert stages.normalised.startswith("cafe,")
    words = [(word.text, stages.text[word.start : word.end]) for word in stages.words]
    assert words[:3] == [("cafe", "Café"), (",", ","), ("<mask>", "  <mask>")]
    assert words[3:] == [("river", "RIVER"), ("!", "!")]
    assert [word.added is not None for word in stages.words] == [False, False, True, True, False]


@settings(max_examples=200, deadline=None)
@given(EVERYWHERE)
def test_the_pattern_that_is_shown_cuts_the_words(text: str) -> None:
    own, shown = pre_tokenizers.ByteLevel(add_prefix_space=False), pre_tokenizers.Split
    theirs = [span for _, span in own.pre_tokenize_str(text)]
    ours = [span for _, span in shown(Regex(GPT2), "isolated").pre_tokenize_str(text)]
    assert ours == theirs


def test_patterns_are_read_from_the_rules() -> None:
    cutter = Cutter(Reader(SHIPPED / "tales-gpt" / "tokenizer.json").tokenizer)
    assert cutter.stages("a").pattern == GPT2
    other = Tokenizer(models.BPE())
    splits = [pre_tokenizers.Split(Regex("a+"), "isolated"), pre_tokenizers.Digits()]
    other.pre_tokenizer = pre_tokenizers.Sequence(splits)
    assert Cutter(other).stages("a").pattern == "a+"
    other.pre_tokenizer = pre_tokenizers.ByteLevel(use_regex=False)
    assert Cutter(other).stages("a").pattern == ""


def test_a_model_that_is_none_of_the_three_is_a_sentence() -> None:
    tokenizer = Tokenizer(models.WordLevel({"a": 0, "<unk>": 1}, unk_token="<unk>"))
    with pytest.raises(NotOffered, match="WordLevel"):
        Cutter(tokenizer)
