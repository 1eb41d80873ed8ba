"""The three algorithms that cut a word into pieces of a vocabulary, every step kept.

    bpe        Merging: the pair of lowest rank is merged, again and again
    wordpiece  Longest: the longest piece of the vocabulary that fits, from the left
    unigram    Lattice: all pieces that fit, each with its score, and the path of the best sum

In: the `model` part of a `tokenizer.json`. Out: a function from a word, already normalised and
split off, to its walk. Written for being looked at; tests hold them equal to the `tokenizers`
library. A word of n characters costs up to n squared: callers bound it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

UNKNOWN_PENALTY = 10.0
"""Below the worst score of the vocabulary: what Unigram charges for an unknown character."""


@dataclass(frozen=True, slots=True)
class Merge:
    """One step of BPE: `parts` before it, the place of the left part, its rank (0 = learnt first).

    Several places may hold the pair; the leftmost is merged. `choices` counts the neighbours
    that could have been merged.
    """

    parts: tuple[str, ...]
    at: int
    rank: int
    choices: int

    @property
    def result(self) -> tuple[str, str]:
        """The two parts that become one."""
        return self.parts[self.at], self.parts[self.at + 1]


@dataclass(frozen=True, slots=True)
class Merging:
    """A word under BPE. `whole` says that the vocabulary's own entry was taken without merging."""

    start: tuple[str, ...]
    steps: tuple[Merge, ...]
    pieces: tuple[str, ...]
    ids: tuple[int, ...]
    whole: bool = False


@dataclass(frozen=True, slots=True)
class Match:
    """One step of WordPiece: the candidates tried from `at`, longest first.

    The last of `tried` was found, unless `found` is False: then nothing fits and the whole word
    is unknown.
    """

    at: int
    tried: tuple[str, ...]
    found: bool


@dataclass(frozen=True, slots=True)
class Longest:
    """A word under WordPiece. `limit` is given when the word was too long to be cut at all."""

    steps: tuple[Match, ...]
    pieces: tuple[str, ...]
    ids: tuple[int, ...]
    limit: int | None = None


@dataclass(frozen=True, slots=True)
class Edge:
    """A piece that fits from `start` to `end` (characters of the word); its score is log p."""

    start: int
    end: int
    piece: str
    score: float
    known: bool


@dataclass(frozen=True, slots=True)
class Lattice:
    """A word under Unigram: every edge, the best sum that reaches each place, the best path.

    `best[i]` is the sum at character i; `path` holds indices into `edges`, in reading order.
    Neighbouring unknown characters of the path become one piece.
    """

    edges: tuple[Edge, ...]
    best: tuple[float, ...]
    path: tuple[int, ...]
    pieces: tuple[str, ...]
    ids: tuple[int, ...]


Walk = Merging | Longest | Lattice


def bpe(model: dict[str, Any]) -> Callable[[str], Merging]:
    """Byte-pair encoding: merges in the order in which they were learnt."""
    vocabulary: dict[str, int] = model["vocab"]
    prefix = model.get("continuing_subword_prefix") or ""
    suffix = model.get("end_of_word_suffix") or ""
    pairs = [tuple(m.split(" ", 1)) if isinstance(m, str) else tuple(m) for m in model["merges"]]
    ranks: dict[tuple[str, ...], int] = {pair: rank for rank, pair in enumerate(pairs)}

    def characters(word: str) -> Iterator[str]:
        for place, character in enumerate(word):
            yield (prefix if place else "") + character + (suffix if place == len(word) - 1 else "")

    def walk(word: str) -> Merging:
        if model.get("ignore_merges") and word in vocabulary:
            return Merging((word,), (), (word,), (vocabulary[word],), whole=True)
        start = _known(characters(word), vocabulary, model)
        parts, steps = list(start), []
        while True:
            # The lowest rank wins, and of equal pairs the leftmost.
            open_pairs = [
                (ranks[pair], at)
                for at, pair in enumerate(zip(parts, parts[1:], strict=False))
                if pair in ranks
            ]
            if not open_pairs:
                break
            rank, at = min(open_pairs)
            steps.append(Merge(tuple(parts), at, rank, len(open_pairs)))
            parts[at : at + 2] = [parts[at] + parts[at + 1][len(prefix) :]]
        pieces = tuple(parts)
        return Merging(start, tuple(steps), pieces, tuple(vocabulary[p] for p in pieces))

    return walk


def _known(
    characters: Iterator[str], vocabulary: dict[str, int], model: dict[str, Any]
) -> tuple[str, ...]:
    """Where BPE starts: known characters, else their bytes, else the unknown token, else nothing.

    Unknown characters side by side are one unknown token where the tokenizer fuses them.
    """
    unknown, start, last_unknown = model.get("unk_token"), list[str](), False
    for character in characters:
        if character in vocabulary:
            start.append(character)
            last_unknown = False
            continue
        codes = [f"<0x{byte:02X}>" for byte in character.encode()]
        if model.get("byte_fallback") and all(code in vocabulary for code in codes):
            start.extend(codes)
            last_unknown = False
        elif unknown is not None:
            if not (last_unknown and model.get("fuse_unk")):
                start.append(unknown)
            last_unknown = True
    return tuple(start)


def wordpiece(model: dict[str, Any]) -> Callable[[str], Longest]:
    """WordPiece: from the left, always the longest piece that the vocabulary has."""
    vocabulary: dict[str, int] = model["vocab"]
    prefix, unknown = model["continuing_subword_prefix"], model["unk_token"]
    limit = model["max_input_chars_per_word"]

    def walk(word: str) -> Longest:
        unknown_word = ((unknown,), (vocabulary[unknown],))
        if len(word) > limit:
            return Longest((), *unknown_word, limit=limit)
        steps: list[Match] = []
        at = 0
        while at < len(word):
            tried: list[str] = []
            for end in range(len(word), at, -1):
                tried.append((prefix if at else "") + word[at:end])
                if tried[-1] in vocabulary:
                    steps.append(Match(at, tuple(tried), found=True))
                    at = end
                    break
            else:
                steps.append(Match(at, tuple(tried), found=False))
                return Longest(tuple(steps), *unknown_word)
        pieces = tuple(step.tried[-1] for step in steps)
        return Longest(tuple(steps), pieces, tuple(vocabulary[p] for p in pieces))

    return walk


def unigram(model: dict[str, Any]) -> Callable[[str], Lattice]:
    """Unigram: of all ways through the word, the one whose scores (log p) add up best."""
    entries: list[tuple[str, float]] = [(piece, score) for piece, score in model["vocab"]]
    vocabulary = {piece: index for index, (piece, _) in enumerate(entries)}
    longest = max(map(len, vocabulary), default=1)
    unknown_score = min((score for _, score in entries), default=0.0) - UNKNOWN_PENALTY
    unknown = model.get("unk_id")

    def edges_from(word: str, at: int) -> list[Edge]:
        ends = range(at + 1, min(len(word), at + longest) + 1)
        found = [
            Edge(at, end, word[at:end], entries[vocabulary[word[at:end]]][1], True)
            for end in ends
            if word[at:end] in vocabulary
        ]
        if not any(edge.end == at + 1 for edge in found):
            found.append(Edge(at, at + 1, word[at], unknown_score, False))
        return found

    def walk(word: str) -> Lattice:
        edges: list[Edge] = []
        best = [0.0] + [-math.inf] * len(word)
        arrived: list[int] = [-1] * (len(word) + 1)
        for at in range(len(word)):
            for edge in edges_from(word, at):
                total = edge.score + best[at]
                if arrived[edge.end] < 0 or total > best[edge.end]:
                    best[edge.end], arrived[edge.end] = total, len(edges)
                edges.append(edge)
        path, at = [], len(word)
        while at > 0:
            path.append(arrived[at])
            at = edges[arrived[at]].start
        path.reverse()
        pieces, ids = _unigram_pieces([edges[i] for i in path], vocabulary, unknown, model)
        return Lattice(tuple(edges), tuple(best), tuple(path), pieces, ids)

    return walk


def _unigram_pieces(
    path: list[Edge], vocabulary: dict[str, int], unknown: int | None, model: dict[str, Any]
) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """The path's pieces and ids; unknown neighbours are joined, then become bytes or unknown."""
    texts: list[str] = []
    joined = False
    for edge in path:
        # A piece that is itself the unknown token joins its unknown neighbours too.
        loose = not edge.known or vocabulary.get(edge.piece) == unknown
        if loose and joined:
            texts[-1] += edge.piece
        else:
            texts.append(edge.piece)
        joined = loose
    pieces: list[str] = []
    ids: list[int] = []
    for text in texts:
        codes = [f"<0x{byte:02X}>" for byte in text.encode()]
        if text in vocabulary:
            found = [text]
        elif model.get("byte_fallback") and all(code in vocabulary for code in codes):
            found = codes
        else:
            pieces.append(text)
            ids.append(-1 if unknown is None else unknown)
            continue
        pieces.extend(found)
        ids.extend(vocabulary[piece] for piece in found)
    return tuple(pieces), tuple(ids)


WALKERS: dict[str, Callable[[dict[str, Any]], Callable[[str], Walk]]] = {
    "BPE": bpe,
    "WordPiece": wordpiece,
    "Unigram": unigram,
}
