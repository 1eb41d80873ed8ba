"""Matrices in blocks of 4-bit numbers, for `MatMulNBits` (`int8` puts them into a graph).

Each block of 32 columns of a row has a scale and a number that stands for 0. The range of a block
is chosen among a few by the squared error that it leaves: a little narrower than from the least to
the largest, as one far weight else makes all others coarse. The output matrix keeps 8 bits: it is
a large part of a small model, and what it loses is lost in every prediction.

Weights that come from a file of 4-bit blocks (GGUF's Q4_1 and its kin) lie on 16 equal steps from
a least number that is no multiple of the step: rounded anew they would lose what they lost once
before. Where a matrix is of that kind, the rest of each block's zero is kept as a number of its own
(`Blocks.shifts`), and the blocks are exact.
"""

from __future__ import annotations

import numpy as np

from engine.export.weights.int8 import Blocks, Form, eight

BITS = 4
BLOCK = 32  # columns that share a scale and a zero
MOST = 2**BITS - 1
NARROWER = (1.0, 0.95, 0.9, 0.85, 0.8)  # shares of a block's range that are tried
SEEN = 64  # rows that say of what kind a matrix is
ROWS = 4096  # of a matrix at a time: trials take several times its memory


def four(matrix: np.ndarray) -> Blocks:
    """A matrix [row, column] in 4-bit blocks.

    The last block of a row is filled up with zeros, which are kept exactly.
    """
    rows, columns = matrix.shape
    count = -(-columns // BLOCK)
    way = stepped if columns % BLOCK == 0 and on_steps(matrix) else rounded
    values = np.empty((rows, count, BLOCK // 2), dtype=np.uint8)
    scales = np.empty((rows, count), dtype=np.float32)
    zeros = np.empty((rows, -(-count // 2)), dtype=np.uint8)
    shifts = np.zeros((rows, count), dtype=np.float32)
    for start in range(0, rows, ROWS):
        part = slice(start, min(rows, start + ROWS))
        filled = np.zeros((part.stop - start, count * BLOCK), dtype=np.float32)
        filled[:, :columns] = matrix[part]
        numbers, scales[part], middle, shifts[part] = way(filled.reshape(-1, count, BLOCK))
        values[part], zeros[part] = packed(numbers), packed(middle)
    return Blocks(BITS, BLOCK, values, scales, zeros, shifts if way is stepped else None)


Rounded = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


def on_steps(matrix: np.ndarray) -> bool:
    """Whether the blocks of a matrix, its first rows say, lie on 16 equal steps each."""
    some = np.ascontiguousarray(matrix[:SEEN], dtype=np.float32)
    blocks = some.reshape(len(some), -1, BLOCK)
    numbers, scales, zeros, shifts = stepped(blocks)
    back = (numbers.astype(np.float32) - zeros[..., None]) * scales[..., None] + shifts[..., None]
    return bool(np.abs(back - blocks).max() <= 0.02 * scales.max(initial=0))


def stepped(blocks: np.ndarray) -> Rounded:
    """[row, block, column] -> numbers, scales, zeros and shifts [row, block], the range whole.

    A number n of a block stands for (n - zero) * scale + shift.
    """
    least = blocks.min(axis=-1)
    spread = (blocks.max(axis=-1) - least) / np.float32(MOST)
    scales = np.where(spread > 0, spread, np.float32(1)).astype(np.float32)
    numbers = np.clip(np.rint((blocks - least[..., None]) / scales[..., None]), 0, MOST)
    zeros = np.clip(np.rint(-least / scales), 0, MOST)
    shifts = (least + zeros * scales).astype(np.float32)
    return numbers.astype(np.uint8), scales, zeros.astype(np.uint8), shifts


def rounded(blocks: np.ndarray) -> Rounded:
    """[row, block, column] -> numbers of 0 to 15, scales, zeros and shifts (0) [row, block].

    A number n of a block stands for (n - zero) * scale.
    """
    least = np.minimum(blocks.min(axis=-1), 0)  # 0 is always among what can be kept
    largest = np.maximum(blocks.max(axis=-1), 0)
    best: tuple[np.ndarray, np.ndarray, np.ndarray] | None = None
    lost = np.full(least.shape, np.inf, dtype=np.float32)
    for share in NARROWER:
        spread = (largest - least) * np.float32(share / MOST)
        scales = np.where(spread > 0, spread, np.float32(1)).astype(np.float32)
        zeros = np.clip(np.rint(-least * np.float32(share) / scales), 0, MOST)
        numbers = np.rint(blocks / scales[..., None]) + zeros[..., None]
        numbers = np.clip(numbers, 0, MOST)
        error = (numbers - zeros[..., None]) * scales[..., None] - blocks
        error = np.einsum("rbc,rbc->rb", error, error)
        if best is None:
            best, lost = (numbers, scales, zeros), error
            continue
        better = error < lost
        lost = np.where(better, error, lost)
        best = (
            np.where(better[..., None], numbers, best[0]),
            np.where(better, scales, best[1]),
            np.where(better, zeros, best[2]),
        )
    assert best is not None
    return best[0].astype(np.uint8), best[1], best[2].astype(np.uint8), np.zeros_like(best[1])


def packed(numbers: np.ndarray) -> np.ndarray:
    """Two numbers of the last axis in a byte, the first in its lower half.

    >>> packed(np.array([1, 2, 3], dtype=np.uint8)).tolist()
    [33, 3]
    """
    if numbers.shape[-1] % 2:
        numbers = np.concatenate([numbers, np.zeros_like(numbers[..., :1])], axis=-1)
    return numbers[..., ::2] | numbers[..., 1::2] << np.uint8(4)


def four_or_eight(vocabulary: int) -> Form:
    """4 bits for all matrices but those with a row for each of so many tokens."""
    return lambda matrix: eight(matrix) if len(matrix) == vocabulary else four(matrix)
