"""The bytes of keys and values that a decoder keeps while it writes, by formula.

    2 x layers x key heads x head width x tokens x bytes of a number

Two, as every token leaves a key and a value in every layer. `measuring` compares it with what the
arrays really take.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CacheSize:
    """The shape of what is kept; `width` is that of a head, `item` the bytes of a number."""

    layers: int
    key_heads: int
    width: int
    item: int

    @property
    def each(self) -> int:
        """Bytes that one token adds."""
        return 2 * self.layers * self.key_heads * self.width * self.item

    def nbytes(self, tokens: int) -> int:
        """Bytes after so many tokens.

        >>> CacheSize(layers=32, key_heads=32, width=128, item=2).nbytes(2048)  # Llama 2, 7 B
        1073741824
        """
        return self.each * tokens
