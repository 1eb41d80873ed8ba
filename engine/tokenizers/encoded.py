"""What a tokenizer's library gives for a text, before anything is made of it.

In: an encoding of `tokenizers`, or what `reader_process` sent. Out: ids, spans and kinds as the
library names them. Knows nothing of pieces or of bytes.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Int

if TYPE_CHECKING:
    from tokenizers import Encoding, Tokenizer


@dataclass(frozen=True, slots=True)
class Encoded:
    """One text or a pair, encoded; `sequence_ids` is -1 for what the tokenizer added."""

    ids: list[int]
    offsets: Int[np.ndarray, "token 2"]
    type_ids: Int[np.ndarray, "token"]
    sequence_ids: Int[np.ndarray, "token"]

    def packed(self) -> dict[str, str]:
        """As JSON that is read at once however long the text is."""
        return {
            "ids": _packed(np.array(self.ids)),
            "offsets": _packed(self.offsets),
            "type_ids": _packed(self.type_ids),
            "sequence_ids": _packed(self.sequence_ids),
        }


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


def unpacked(said: dict[str, Any]) -> Encoded:
    """What `packed` made, as it was."""
    return Encoded(
        ids=_unpacked(said["ids"]).tolist(),
        offsets=_unpacked(said["offsets"]).reshape(-1, 2),
        type_ids=_unpacked(said["type_ids"]),
        sequence_ids=_unpacked(said["sequence_ids"]),
    )


def _packed(numbers: np.ndarray) -> str:
    return base64.b64encode(numbers.astype("<i4").tobytes()).decode("ascii")


def _unpacked(text: str) -> np.ndarray:
    return np.frombuffer(base64.b64decode(text), dtype="<i4").astype(np.int64)
