"""A batch of texts that grows token by token, its keys and values kept by ONNX Runtime.

`Decoder` is what generation and translation are written with:

    with Decoder(bundle) as decoder:                     # Decoder(bundle, source=encode(...))
        logits = decoder.prefill(prompt[None])           # [1, vocabulary], at the last token
        logits = decoder.step(ids, rows=[0] * 6)         # fan one prompt out to six rows
        logits = decoder.step(ids, rows=[0, 0, 2, 5])    # fork row 0, drop rows 1, 3 and 4

`rows[i]` is the row of the step before that row i continues, so forks, dropped columns and beams
are the same thing. How keys and values are kept is said in `keys`; where each row goes on as it is,
which in columns is nearly always, nothing is copied for it. The run slot is held for one run only.

It knows nothing of sampling, of texts and of ends.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import numpy as np
from jaxtyping import Bool, Float, Int
from onnxruntime import OrtValue

from engine.decoding.rows import in_place
from engine.decoding.rows.keys import Asked, InPlace, Joined, Keys, ordered, run_bound
from engine.errors import NotOffered, TextTooLong
from engine.hosting import figures
from engine.models.feeds import Off, head_masks, source_masks, text_feeds
from engine.models.runtime import Bundle


@dataclass(frozen=True, slots=True)
class Source:
    """What an encoder made of a batch of texts: every decoder layer's cross keys and values."""

    mask: Bool[np.ndarray, "batch source"]
    values: dict[str, OrtValue]


def encode(
    bundle: Bundle,
    ids: Int[np.ndarray, "batch source"],
    *,
    mask: Bool[np.ndarray, "batch source"] | None = None,
    off: Off = (),
) -> Source:
    """Run the encoder once; `mask` is False where a shorter text of the batch was filled up."""
    with bundle.used():
        session = bundle.session("encoder")
        feeds = text_feeds(session, ids, mask=mask) | head_masks(session, own="encoder", off=off)
        kept = sorted(name for name in session.outputs if name.startswith("source."))
        values = run_bound(bundle, session, feeds, kept=kept)
    real = np.ones(ids.shape, dtype=bool) if mask is None else mask.astype(bool)
    return Source(real, values)


class Decoder:
    """Rows of equal length that grow together. For one thread; close it, or use `with`."""

    def __init__(self, bundle: Bundle, *, source: Source | None = None, off: Off = ()) -> None:
        """Prepare an empty batch; an encoder-decoder needs the `source` that it reads."""
        if bundle.card.decoder is None:
            raise NotOffered(f"{bundle.card.title} does not write text: it has no decoder.")
        if (source is None) is (bundle.card.family == "encoder-decoder"):
            raise ValueError("a source is needed by an encoder-decoder, and by it alone")
        self._bundle = bundle
        self._source = source
        self._off = off
        bundle.hold()
        self._held = True
        try:
            self._keys: Keys = self._empty(ragged=False)
        except BaseException:
            self.close()
            raise
        self._mask = np.zeros((0, 0), dtype=bool)
        self._sources = np.zeros(0, dtype=np.int64)
        self._read: Source | None = None  # the source in the order of `_sources`

    @property
    def length(self) -> int:
        """Tokens read so far, in each row."""
        return self._mask.shape[1]

    @property
    def room(self) -> int | None:
        """Tokens that still fit in the model's positions; None when it has no limit."""
        limit = self._bundle.card.limit
        return None if limit is None else max(0, limit - self.length)

    @property
    def nbytes(self) -> int:
        """Bytes of the keys and values that are kept now, of all rows."""
        return self._keys.nbytes

    def prefill(
        self,
        ids: Int[np.ndarray, "row token"],
        *,
        mask: Bool[np.ndarray, "row token"] | None = None,
        sources: Sequence[int] | None = None,
    ) -> Float[np.ndarray, "row vocabulary"]:
        """Read the beginning of every row and return the logits at its last token.

        `mask` is False where a shorter row was filled up at its left; `sources[i]` says which text
        of the source row i reads (at first row i reads text i).
        """
        batch = len(ids)
        self._mask = np.zeros((batch, 0), dtype=bool)
        self._read = None
        chosen = np.arange(batch) if sources is None else np.asarray(sources, dtype=np.int64)
        real = np.ones(ids.shape, dtype=bool) if mask is None else mask.astype(bool)
        self._keys = self._empty(ragged=not real.all())
        return self._advance(ids, real, chosen)

    def step(
        self, ids: Int[np.ndarray, "row *token"] | Sequence[int], rows: Sequence[int] | np.ndarray
    ) -> Float[np.ndarray, "row vocabulary"]:
        """Add one token (or equally many) to rows that continue `rows` of the last step."""
        added = np.asarray(ids, dtype=np.int64)
        added = added[:, None] if added.ndim == 1 else added
        if not self.length:
            raise ValueError("step before prefill")
        if len(added) != len(rows):
            raise ValueError(f"{len(added)} rows of ids, {len(rows)} rows to continue")
        self._check_room(added.shape[1])
        chosen = np.asarray(rows, dtype=np.int64)
        if _moved(chosen, len(self._mask)):
            self._keys.move(chosen)
            self._mask = self._mask[chosen]
        return self._advance(added, np.ones(added.shape, dtype=bool), self._sources[chosen])

    def copy(self) -> Decoder:
        """A decoder that goes on from the same point."""
        twin = Decoder.__new__(Decoder)
        twin.__dict__.update(self.__dict__)
        twin._keys = self._keys.copy()
        self._bundle.hold()
        return twin

    def close(self) -> None:
        """Let go of the past and of the model; safe to call twice."""
        self.__dict__.pop("_keys", None)
        self._read = None
        if self._held:
            self._held = False
            self._bundle.release()

    def __enter__(self) -> Self:
        """Use as `with Decoder(...) as decoder`."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        """Close."""
        self.close()

    def __del__(self) -> None:
        """A decoder left behind by a generator that nobody finished must not hold its model."""
        if getattr(self, "_held", False):
            self.close()

    def _empty(self, *, ragged: bool) -> Keys:
        """Keys and values of no token, in their place where model and rows allow it."""
        found = None if self._off else in_place.proved(self._bundle)
        if found is None or (ragged and "attention_mask" not in found[0].inputs):
            return Joined(self._bundle, self._off)
        return InPlace(self._bundle, *found)

    def _advance(self, ids: np.ndarray, real: np.ndarray, sources: np.ndarray) -> np.ndarray:
        self._check_room(ids.shape[1])
        (figures.TOKENS_WRITTEN if self.length else figures.TOKENS_READ).inc(ids.size)
        mask = np.concatenate([self._mask, real], axis=1)
        feeds: dict[str, np.ndarray] = {}
        bound: dict[str, OrtValue] = {}
        if self._source is not None:
            read = self._reading(self._source, sources)
            feeds, bound = source_masks(self._keys.session, read.mask), read.values
        asked = Asked(ids, mask, feeds, bound)
        logits = self._keys.read(asked)
        if logits is None:
            self._keys = joined = self._keys.joined()
            logits = joined.read(asked)
        self._mask, self._sources = mask, sources
        return logits

    def _reading(self, source: Source, sources: np.ndarray) -> Source:
        """The source that each row reads: put in order when that changes, not at every step."""
        if self._read is None or not np.array_equal(sources, self._sources):
            self._read = source
            if _moved(sources, len(source.mask)):
                values = ordered(self._bundle, source.values, sources, kind="source")
                self._read = Source(source.mask[sources], values)
        return self._read

    def _check_room(self, added: int) -> None:
        limit = self._bundle.card.limit
        if limit is not None and self.length + added > limit:
            raise TextTooLong(
                f"{self.length + added:,} tokens are more than the {limit:,} positions of "
                f"{self._bundle.card.title}. Shorten the text or generate fewer tokens."
            )


def left_padded(
    texts: Sequence[Sequence[int]],
) -> tuple[Int[np.ndarray, "row token"], Bool[np.ndarray, "row token"]]:
    """Texts of different length as rows that end together, and which of their tokens are real.

    >>> left_padded([[5], [6, 7]])[0].tolist()
    [[0, 5], [6, 7]]
    """
    longest = max(map(len, texts))
    ids = np.zeros((len(texts), longest), dtype=np.int64)
    real = np.zeros(ids.shape, dtype=bool)
    for row, text in enumerate(texts):
        ids[row, longest - len(text) :] = text
        real[row, longest - len(text) :] = True
    return ids, real


def _moved(rows: np.ndarray, count: int) -> bool:
    """Whether any of `count` rows goes elsewhere than on in its own place."""
    return len(rows) != count or not np.array_equal(rows, np.arange(count))
