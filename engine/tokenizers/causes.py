"""Why a word of a text became several tokens: the normalizer, the split rule or the vocabulary.

In: a tokenizer's rules (`Cutter`) and a text with its tokens. Out: a `Split`, the word that was
split into the most tokens with the true reason. A word here is what stands between spaces; the
words that the algorithm is given may be parts of it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from typing import Literal

import numpy as np
from tokenizers import PreTokenizedString

from engine.tokenizers import reader_pool
from engine.tokenizers.reader import Reader
from engine.tokenizers.tokenization_steps import Cutter, Word
from engine.values import Tokens

Cause = Literal["added token", "normalizer", "split rule", "vocabulary", "bytes", "merges", "score"]
LONGEST = 200
"""Characters of a word up to which its parts are walked through; longer ones cost too much."""


@dataclass(frozen=True, slots=True)
class Split:
    """A word between spaces and the tokens it became.

    `words` are the parts that the algorithm was given, `whole` of them are one token each.
    `normalised` is the word after the normalizer; `rule` names the normalizer or the split rule
    where one of them is the cause.

        added token  the name of an added token stands in it
        normalizer   without the normalizer it would not have been split
        split rule   it was split before the algorithm saw it
        bytes        one character, not in the vocabulary, written as its bytes
        merges       BPE: the vocabulary holds it, but no order of the merges leads there
        score        Unigram: the vocabulary holds it, but its pieces are more probable together
        vocabulary   the vocabulary does not hold it whole
    """

    word: str
    tokens: int
    words: int
    whole: int
    cause: Cause
    normalised: str
    rule: str = ""


def most_split_by(reader: Reader, tokens: Tokens, cutter: Callable[[], Cutter]) -> Split | None:
    """`most_split` where the tokenizer runs: here, or in its process; `cutter` gives its rules."""
    if reader.here:
        return most_split(cutter(), tokens)
    found = reader_pool.ask(reader.path, {"most_split": tokens.text})["found"]
    return None if found is None else Split(**found)


def most_split(cutter: Cutter, tokens: Tokens, *, words: int = 5000) -> Split | None:
    """The word with the most tokens, of the first `words`; None where each is one token."""
    best, most = None, 1
    own = tokens.spans[tokens.spans[:, 0] < tokens.spans[:, 1]]
    own = own[np.argsort(own[:, 0], kind="stable")]
    for match in islice(re.finditer(r"\S+", tokens.text), words):
        # Tokens that end behind the word's start and begin before its end.
        first = int(np.searchsorted(own[:, 1], match.start(), side="right"))
        last = int(np.searchsorted(own[:, 0], match.end(), side="left"))
        if last - first > most:
            best, most = match.span(), last - first
    return None if best is None else _split(cutter, tokens.text, *best, most)


def _split(cutter: Cutter, text: str, start: int, end: int, count: int) -> Split:
    word = text[start:end]
    # With the space before it, which belongs to the first word of some tokenizers.
    low = max(0, start - 1)
    stages = cutter.stages(text[low : min(end, start + LONGEST)])
    parts = [part for part in stages.words if part.end > start - low and part.text.strip("▁ ")]
    normal = cutter.normalise(word[:LONGEST])
    whole = sum(part.added is not None or _one_token(cutter, part) for part in parts)
    cause = _cause(cutter, word, parts)
    rule = {"normalizer": stages.normaliser, "split rule": stages.splitter}.get(cause, "")
    return Split(word, count, max(len(parts), 1), whole, cause, normal, rule)


def _cause(cutter: Cutter, word: str, parts: list[Word]) -> Cause:
    raw = _raw_words(cutter, word[:LONGEST])
    if len(parts) > 1:
        if any(part.added is not None for part in parts):
            return "added token"
        return "normalizer" if len(raw) < 2 else "split rule"
    if parts and _held(cutter, parts[0].text):
        return "score" if cutter.algorithm == "Unigram" else "merges"
    normal = cutter.normalise(word).strip()
    if len(raw) == 1 and normal != word and _held(cutter, raw[0]):
        return "normalizer"
    if len(word) > 1:
        return "vocabulary"
    return "bytes" if len(normal) == 1 else "normalizer"


def _held(cutter: Cutter, word: str) -> bool:
    """Whether the vocabulary holds a word, with the mark of the space before it or without."""
    plain = word.strip("▁")
    return any(cutter.holds(form) for form in (word, f"▁{plain}", plain) if form)


def _raw_words(cutter: Cutter, word: str) -> list[str]:
    """The words of a text that no normalizer touched."""
    whole = PreTokenizedString(word)
    if cutter.tokenizer.pre_tokenizer is not None:
        cutter.tokenizer.pre_tokenizer.pre_tokenize(whole)
    return [part for part, _, _ in whole.get_splits("original", "char")]


def _one_token(cutter: Cutter, part: Word) -> bool:
    return len(cutter.walk(part.text[:LONGEST]).ids) == 1
