"""A table of n-grams, a recurrent network and a transformer, asked for the next token alike.

In: ids of one text. Out: natural logarithms of the next token's probabilities. Two questions:
after every token of the text (`along`), and after the whole text with one token replaced, for many
replacements in one batch (`replaced`). Each answers in the way that is cheap for it: the table
looks only where its window reaches, the network and the transformer go on from what they had read
before the replaced token. Knows nothing of files and texts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from jaxtyping import Float, Int

from engine.decoding.batch import Decoder
from engine.models.feeds import empty_past, head_masks, text_feeds
from engine.models.runtime import Bundle
from engine.predecessors.gru import Network
from engine.predecessors.ngrams import Table

BLOCK = 8  # tokens between the places from which a transformer goes on reading
ROWS = 4096  # tokens that it reads in one run, at most


class Predictor(Protocol):
    """Whatever gives the next token's probabilities."""

    def along(self, ids: Int[np.ndarray, "token"]) -> Float[np.ndarray, "token vocabulary"]:
        """Logarithms of the probabilities after each token."""
        ...

    def replaced(
        self,
        ids: Int[np.ndarray, "token"],
        places: Int[np.ndarray, "row"],
        tokens: Int[np.ndarray, "row"],
    ) -> Float[np.ndarray, "row vocabulary"]:
        """The same after the whole text, with `ids[places[i]]` replaced by `tokens[i]` in row i."""
        ...


@dataclass(frozen=True, eq=False, slots=True)
class Window:
    """A table of n-grams, looked up with a window of so many tokens."""

    table: Table
    window: int

    def along(self, ids: Int[np.ndarray, "token"]) -> Float[np.ndarray, "token vocabulary"]:
        """Each distribution depends on the last `window` tokens alone."""
        found = [
            self.table.distribution(ids[max(0, end - self.window) : end], self.window)
            for end in range(1, len(ids) + 1)
        ]
        return np.log(np.array(found))

    def replaced(
        self,
        ids: Int[np.ndarray, "token"],
        places: Int[np.ndarray, "row"],
        tokens: Int[np.ndarray, "row"],
    ) -> Float[np.ndarray, "row vocabulary"]:
        """What lies before the window changes nothing, and is not looked up again."""
        start = max(0, len(ids) - self.window)
        same = self.table.distribution(ids[start:], self.window)
        found = np.repeat(same[None], len(places), axis=0)
        for row in np.flatnonzero(places >= start):
            changed = ids[start:].copy()
            changed[places[row] - start] = tokens[row]
            found[row] = self.table.distribution(changed, self.window)
        return np.log(found)


@dataclass(frozen=True, eq=False, slots=True)
class Recurrence:
    """A recurrent network."""

    network: Network

    def along(self, ids: Int[np.ndarray, "token"]) -> Float[np.ndarray, "token vocabulary"]:
        """One step a token."""
        return log_softmax(self.network.logits(self.network.read(ids[None]).states[0]))

    def replaced(
        self,
        ids: Int[np.ndarray, "token"],
        places: Int[np.ndarray, "row"],
        tokens: Int[np.ndarray, "row"],
    ) -> Float[np.ndarray, "row vocabulary"]:
        """All rows step together, each from the place where it differs."""
        states = self.network.read(ids[None]).states[0]
        before = np.concatenate([self.network.start(1), states[:-1]])
        now = self.network.start(len(places))
        for place in range(int(places.min(initial=len(ids))), len(ids)):
            begun = places == place
            now[begun] = before[place]
            going = np.flatnonzero(places <= place)
            read = np.where(begun, tokens, ids[place])[going]
            now[going] = self.network.step(now[going], read)
        return log_softmax(self.network.logits(now))


@dataclass(frozen=True, eq=False, slots=True)
class Transformer:
    """A decoder of the catalog."""

    bundle: Bundle

    def along(self, ids: Int[np.ndarray, "token"]) -> Float[np.ndarray, "token vocabulary"]:
        """One run for all tokens."""
        session = self.bundle.session("model")
        feeds = {
            **text_feeds(session, ids[None], first=list(range(len(ids)))),
            **empty_past(session, 1),
            **head_masks(session, own="decoder", off=()),
        }
        return log_softmax(self.bundle.run("model", feeds, ["logits"])["logits"][0])

    def replaced(
        self,
        ids: Int[np.ndarray, "token"],
        places: Int[np.ndarray, "row"],
        tokens: Int[np.ndarray, "row"],
    ) -> Float[np.ndarray, "row vocabulary"]:
        """Rows that differ in the same block of places go on together from what is before it."""
        found: dict[int, np.ndarray] = {}
        with Decoder(self.bundle) as prefix:
            for start in range(0, len(ids), BLOCK):
                inside = np.flatnonzero((places >= start) & (places < start + BLOCK))
                most = max(1, ROWS // (len(ids) - start))
                for part in (inside[k : k + most] for k in range(0, len(inside), most)):
                    rows = np.repeat(ids[None, start:], len(part), axis=0)
                    rows[np.arange(len(part)), places[part] - start] = tokens[part]
                    if start:
                        with prefix.copy() as going:
                            logits = going.step(rows, np.zeros(len(part), dtype=np.int64))
                    else:
                        with Decoder(self.bundle) as going:
                            logits = going.prefill(rows)
                    found.update(zip(part.tolist(), logits, strict=True))
                further = ids[None, start : start + BLOCK]
                _ = prefix.step(further, [0]) if start else prefix.prefill(further)
        return log_softmax(np.array([found[row] for row in range(len(places))]))


def log_softmax(logits: Float[np.ndarray, "row vocabulary"]) -> Float[np.ndarray, "row vocabulary"]:
    """Logits as logarithms of probabilities, in float64."""
    wide = logits.astype(np.float64)
    wide -= wide.max(axis=-1, keepdims=True)
    return wide - np.log(np.exp(wide).sum(axis=-1, keepdims=True))
