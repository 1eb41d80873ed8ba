"""What can be asked about models used otherwise than they were made: a part of `engine.api.Engine`.

A protocol, as the whole is; `engine.local.whatifs` answers in this process. A `Reading` with a
`Change` is the other half: whatever is asked of it is asked of the changed model.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np

from engine.values import Reading, Side
from engine.whatif.foreign import Foreign
from engine.whatif.orders import Orders, Positions


class WhatIf(Protocol):
    """Positions off or shuffled, the mask off, ids of another tokenizer."""

    def orders(self, reading: Reading, side: Side, positions: Positions, seed: int) -> Orders:
        """What the words in another order change, layer by layer, as made and with the change.

        Raises `NotOffered` and `TextTooLong`.
        """
        ...

    def next_token_bits(self, reading: Reading) -> np.ndarray:
        """Surprise in bits of every token but the first, given those before it [token - 1]."""
        ...

    def foreign(self, reader: str, maker: str, text: str) -> Foreign:
        """Ids that one model's tokenizer makes of a text, read by another model."""
        ...
