"""What a tokenizer's library gives for a text, and how `Tokens` travel between processes.

In: an encoding of `tokenizers`, or what `reader_process` sent. Out: ids, spans and kinds as the
library names them; whole `Tokens` as text and back.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Int

from engine.values import Tokens

if TYPE_CHECKING:
    from tokenizers import Encoding, Tokenizer


@dataclass(frozen=True, slots=True)
class Encoded:
    """One text or a pair, encoded; `sequence_ids` is -1 for what the tokenizer added."""

    ids: list[int]
    offsets: Int[np.ndarray, "token 2"]
    type_ids: Int[np.ndarray, "token"]
    sequence_ids: Int[np.ndarray, "token"]


def encode(tokenizer: Tokenizer, text: str, pair: str | None, *, ends: bool) -> Encoded:
    """Encode in this process; without `ends` nothing is added to the text."""
    # encode() holds the interpreter to its end; a batch of one does not.
    given = [text] if pair is None else [(text, pair)]
    found: Encoding = tokenizer.encode_batch(given, add_special_tokens=ends)[0]
    sequences = [-1 if one is None else one for one in found.sequence_ids]
    return Encoded(
        ids=found.ids,
        offsets=np.array(found.offsets, dtype=np.int64).reshape(-1, 2),
        type_ids=np.array(found.type_ids, dtype=np.int64),
        sequence_ids=np.array(sequences, dtype=np.int64),
    )


def packed(tokens: Tokens) -> dict[str, Any]:
    """Tokens as JSON that is read at once however long the text is."""
    sizes = np.array([len(part) for part in tokens.data], dtype=np.int64)
    return {
        "text": tokens.text,
        "numbers": _packed(
            np.stack(
                [
                    tokens.ids,
                    *tokens.spans.T,
                    tokens.special,
                    tokens.unknown,
                    tokens.segments,
                    sizes,
                ]
            )
        ),
        "data": base64.b64encode(b"".join(tokens.data)).decode("ascii"),
        "left_out": base64.b64encode(tokens.left_out.tobytes()).decode("ascii"),
    }


def unpacked(said: dict[str, Any], piece: Callable[[int], str]) -> Tokens:
    """What `packed` made, as it was; `piece` names a token by its id."""
    numbers = _unpacked(said["numbers"]).reshape(7, -1)
    ends = np.cumsum(numbers[6])
    data = base64.b64decode(said["data"])
    return Tokens(
        text=said["text"],
        ids=numbers[0].copy(),
        pieces=tuple(piece(i) for i in numbers[0].tolist()),
        spans=numbers[1:3].T.copy(),
        special=numbers[3].astype(bool),
        unknown=numbers[4].astype(bool),
        segments=numbers[5].copy(),
        data=tuple(
            data[end - size : end]
            for end, size in zip(ends.tolist(), numbers[6].tolist(), strict=True)
        ),
        left_out=np.frombuffer(base64.b64decode(said["left_out"]), dtype=np.uint8).copy(),
    )


def _packed(numbers: np.ndarray) -> str:
    return base64.b64encode(numbers.astype("<i4").tobytes()).decode("ascii")


def _unpacked(text: str) -> np.ndarray:
    return np.frombuffer(base64.b64decode(text), dtype="<i4").astype(np.int64)
