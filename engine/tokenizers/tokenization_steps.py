"""How a tokenizer cuts a text, step by step, rebuilt from `tokenizer.json` alone.

A text goes through four stages: added tokens are taken out, the rest is normalised, split into
words, and each word is cut by the algorithm. `Cutter.stages` gives the first three; `Cutter.walk`
gives the fourth as a value that holds every step.

The normaliser and the pre-tokenizer are the `tokenizers` library's own (they are named in the
stages); the three algorithms are written out in `engine/tokenizers/subwords.py` and tested equal to
the library's results. Knows nothing of models, bundles or pictures.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from tokenizers import NormalizedString, PreTokenizedString, Tokenizer
from tokenizers.pre_tokenizers import Whitespace

from engine.errors import NotOffered
from engine.tokenizers import reader_pool
from engine.tokenizers.reader import Reader
from engine.tokenizers.subwords import WALKERS, Walk

GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
"""The pattern that the library's ByteLevel holds without naming it (Radford and others, 2019)."""


@dataclass(frozen=True, slots=True)
class Word:
    """A stretch of text that the algorithm cuts by itself.

    `text` is what the algorithm sees, `start` and `end` its characters in the text that was
    typed. `added` is the id of an added token, which is never cut.
    """

    text: str
    start: int
    end: int
    added: int | None = None


@dataclass(frozen=True, slots=True)
class Stages:
    """A text on its way: as typed, normalised, in words, and the names of who did it, if anyone.

    `pattern` is the regular expression whose matches are the words, where there is one.
    """

    text: str
    normalised: str
    words: tuple[Word, ...]
    normaliser: str
    splitter: str
    pattern: str = ""


class Cutter:
    """The rules of one tokenizer, read once.

    `algorithm` is BPE, WordPiece or Unigram; any other raises `NotOffered`.
    """

    def __init__(
        self, tokenizer: Tokenizer, elsewhere: Callable[[str], Stages] | None = None
    ) -> None:
        """Read the rules from the tokenizer's own JSON; `elsewhere` gives the stages instead."""
        self._elsewhere = elsewhere
        rules = json.loads(tokenizer.to_str())
        self.tokenizer = tokenizer
        self.model: dict[str, Any] = rules["model"]
        self.algorithm: str = self.model["type"]
        if self.algorithm not in WALKERS:
            raise NotOffered(
                f"This tokenizer cuts by {self.algorithm}; only BPE, WordPiece and Unigram can be "
                "shown step by step."
            )
        self.walk: Callable[[str], Walk] = WALKERS[self.algorithm](self.model)
        self._normaliser = _names(rules.get("normalizer"), "normalizers")
        self._splitter = _names(rules.get("pre_tokenizer"), "pretokenizers")
        self._pattern = _pattern(rules.get("pre_tokenizer"))
        # Asked of the normalizer, and so only where the stages are gone through.
        added = [token for token in rules.get("added_tokens", ()) if token["content"]]
        added = added if elsewhere is None else []
        self._raw = _Added([t for t in added if not t["normalized"]])
        self._normalised = _Added([t for t in added if t["normalized"]], self.normalise)

    def stages(self, text: str) -> Stages:
        """Everything that happens to a text before the algorithm sees its words."""
        if self._elsewhere is not None:
            return self._elsewhere(text)
        whole = PreTokenizedString(text)
        whole.split(self._raw.cut)
        kept = self._raw.spans(whole)
        if self.tokenizer.normalizer is not None:
            whole.normalize(self.tokenizer.normalizer.normalize)
        whole.split(self._normalised.cut)
        kept = {**self._normalised.spans(whole), **kept}
        normalised = "".join(part for part, _, _ in whole.get_splits("original", "char"))
        if self.tokenizer.pre_tokenizer is not None:
            self.tokenizer.pre_tokenizer.pre_tokenize(whole)
        words = [
            Word(part, start, end)
            for part, (start, end), _ in whole.get_splits("original", "char")
            if not any(a <= start < b and end <= b for a, b in kept)
        ]
        for (start, end), token in kept.items():
            words.append(Word(self.tokenizer.id_to_token(token) or "", start, end, token))
        words.sort(key=lambda word: word.start)
        names = (self._normaliser, self._splitter, self._pattern)
        return Stages(text, normalised, tuple(words), *names)

    def cut(self, text: str) -> Iterator[tuple[Word, Walk | None]]:
        """Every word of a text with its walk; an added token has none."""
        for word in self.stages(text).words:
            yield word, None if word.added is not None else self.walk(word.text)

    def holds(self, word: str) -> bool:
        """Whether the vocabulary has a word whole, as the algorithm sees it (`Ġcat`)."""
        suffix = self.model.get("end_of_word_suffix") or ""
        return self.tokenizer.token_to_id(word + suffix) is not None

    def ids(self, text: str) -> list[int]:
        """The ids of a text, without those that a template adds at its ends."""
        found: list[int] = []
        for word, walk in self.cut(text):
            found.extend(walk.ids if walk is not None else (word.added or 0,))
        return found

    def normalise(self, text: str) -> str:
        """The text after the normalizer, as it is where there is none."""
        normaliser = self.tokenizer.normalizer
        return text if normaliser is None else normaliser.normalize_str(text)


def cutter(reader: Reader) -> Cutter:
    """The rules of a bundle's tokenizer; one from outside goes through its stages elsewhere."""

    def elsewhere(text: str) -> Stages:
        found = reader_pool.ask(reader.path, {"stages": text})
        words = tuple(Word(**word) for word in found.pop("words"))
        return Stages(**found, words=words)

    return Cutter(reader.tokenizer, None if reader.here else elsewhere)


def _names(rules: dict[str, Any] | None, inner: str) -> str:
    """The names of a stage's parts: "NFD, Lowercase"."""
    if not rules:
        return ""
    return ", ".join(rule["type"] for rule in rules.get(inner, [rules]))


def _pattern(rules: dict[str, Any] | None) -> str:
    """The regular expressions of a pre-tokenizer, one a line."""
    found = []
    for rule in rules.get("pretokenizers", [rules]) if rules else ():
        if rule["type"] == "ByteLevel" and rule.get("use_regex", True):
            found.append(GPT2)
        elif rule["type"] == "Split" and "Regex" in rule["pattern"]:
            found.append(rule["pattern"]["Regex"])
    return "\n".join(found)


# ---------------------------------------------------------------------------- added tokens

# Unicode's White_Space; str.strip() would take four control characters more.
WORDS = Whitespace()
SPACES = "\t\n\v\f\r \x85\xa0\u1680" + "".join(map(chr, range(0x2000, 0x200B)))
SPACES += "\u2028\u2029\u202f\u205f\u3000"


class _Added:
    """Added tokens: the leftmost, and of those the longest, is taken out of a text whole."""

    def __init__(self, tokens: list[dict[str, Any]], normalise: Callable[[str], str] = str) -> None:
        self.tokens = {normalise(t["content"]): t for t in tokens}
        self.tokens.pop("", None)
        longest = sorted(self.tokens, key=len, reverse=True)
        self.pattern = re.compile("|".join(map(re.escape, longest))) if longest else None

    def matches(self, text: str) -> Iterator[tuple[int, int, int]]:
        """(start, end, id) of each added token in a text."""
        last = 0
        for match in self.pattern.finditer(text) if self.pattern else ():
            token = self.tokens[match[0]]
            start, end = match.span()
            if token["single_word"] and (_in_word(text[:start][-1:]) or _in_word(text[end:][:1])):
                continue
            if token["lstrip"]:
                start = max(last, len(text[:start].rstrip(SPACES)))
            if token["rstrip"]:
                end = len(text) - len(text[end:].lstrip(SPACES))
            yield start, end, token["id"]
            last = end

    def cut(self, _index: int, text: NormalizedString) -> list[NormalizedString]:
        """Slices of a text, its added tokens apart."""
        size = len(text.normalized)
        places = {0, size, *(p for match in self.matches(text.normalized) for p in match[:2])}
        cuts = sorted(places)
        slices = [text.slice(pair) for pair in zip(cuts, cuts[1:], strict=False)]
        return [part for part in slices if part is not None]

    def spans(self, whole: PreTokenizedString) -> dict[tuple[int, int], int]:
        """Characters of the original text that are an added token, with its id."""
        found: dict[tuple[int, int], int] = {}
        for part, span, _ in whole.get_splits("original", "char"):
            match = next(self.matches(part), None)
            if match is not None and match[:2] == (0, len(part)):
                found[span] = match[2]
        return found


def _in_word(character: str) -> bool:
    """Whether a character counts as part of a word: the library's own `\\w`, Unicode and all.

    Python's tables are of another Unicode version, so the library's cut at words is asked.
    """
    return bool(character) and len(WORDS.pre_tokenize_str(f"a{character}")[0][0]) > 1
