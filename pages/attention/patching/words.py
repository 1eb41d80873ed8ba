"""What activation patching shows, in words and as a table: computed from the same numbers.

In: a `Patched` and how its tokens and answers are written. Out: sentences of plain text, columns.
Layers and tokens count from 1. Knows no Streamlit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from engine.patching.contrast import Contrast, Part
from engine.patching.restoring import Patched
from pages.pictures.names import quoted

NAMES: dict[Part, str] = {
    "residual": "Residual stream",
    "attention": "Attention output",
    "feed-forward": "Feed-forward output",
}
MOST = 0.5  # of the difference: "most of the answer"


@dataclass(frozen=True)
class Called:
    """How things are written: each column's token, both answers, where they are predicted."""

    tokens: tuple[str, ...]
    answers: tuple[str, str]
    where: str  # "next" or "at the mask"


def percent(share: float) -> str:
    """A share of the difference: `percent(-0.034)` is "−3 %"."""
    whole = round(100 * share)
    return f"{'−' if whole < 0 else ''}{abs(whole)} %"


def logits(value: float) -> str:
    """A difference of logits with its sign: `logits(-2.9)` is "−2.90"."""
    return f"{'−' if value < 0 else '+'}{abs(value):.2f}"


def place(part: Part, layer: int) -> str:
    """A row of the map in words; of the residual stream layer 0 is what enters the first."""
    if part == "residual":
        return f"after layer {layer}" if layer else "before layer 1"
    return f"in layer {layer}"


def runs_said(contrast: Contrast, called: Called) -> str:
    """Both runs as they are, and what a share of their difference means."""
    clean, corrupted = contrast.differences
    one, other = (quoted(answer) for answer in called.answers)
    return (
        f"Logit of {one} minus logit of {other}, {called.where}: {logits(clean)} in the clean run, "
        f"{logits(corrupted)} in the corrupted run. Restored = (patched − corrupted) / (clean − "
        "corrupted): 0 % is the corrupted run, 100 % the clean one."
    )


def said(found: Patched, called: Called) -> str:
    """What one sees in the map, in its numbers."""
    shares, part = found.restored, found.experiment.part
    rows = found.rows_done
    if not rows:
        return "The two runs are read; no layer is restored yet."
    done = shares[:rows]
    if part == "residual":
        return _carried(done, found, called)
    order = np.argsort(-done, axis=None, kind="stable")
    (row, token), (second, other) = (np.unravel_index(at, done.shape) for at in order[:2])
    best = float(done[row, token])
    if best < 0.05:
        return (
            f"No single {NAMES[part].lower()} brings back 5 % of the difference: what tells the "
            "two runs apart is spread over several."
        )
    text = (
        f"The {NAMES[part].lower()} {place(part, found.layers[row])} at "
        f"{quoted(called.tokens[token])} (token {token + 1}) brings back most: {percent(best)} of "
        f"the difference; next {place(part, found.layers[second])} at "
        f"{quoted(called.tokens[other])}, {percent(float(done[second, other]))}."
    )
    return text + _spoken(done)


def _carried(done: np.ndarray, found: Patched, called: Called) -> str:
    """Where the residual stream holds the answer, from the first row to the last."""
    best = done.argmax(axis=1)
    runs: list[tuple[int, int, int]] = []  # token, first row, last row
    for row, token in enumerate(best.tolist()):
        if runs and runs[-1][0] == token:
            runs[-1] = (token, runs[-1][1], row)
        else:
            runs.append((token, row, row))
    parts = []
    for token, first, last in (runs[0], runs[-1]) if len(runs) > 1 else runs:
        layer = found.layers[first]
        span = place("residual", layer)
        if last > first:
            span += f" to {place('residual', found.layers[last])}"
        low, high = float(done[first : last + 1, token].min()), float(done[:, token].max())
        share = percent(high) if round(100 * low) == round(100 * high) else (
            f"{percent(low)} to {percent(high)}"
        )  # fmt: skip
        parts.append(f"at {quoted(called.tokens[token])} (token {token + 1}) {span}: {share}")
    if len(parts) == 1:
        return f"One token brings back most in every row, {parts[0]}."
    moved = "Between them attention carried it, as nothing else moves between tokens."
    return f"Most comes back first {parts[0]}; in the end {parts[1]}. {moved}"


def _spoken(done: np.ndarray) -> str:
    least = float(done.min())
    if least > -0.1:
        return ""
    return f" The lowest is {percent(least)}: there the answer moves farther away."


def cell_said(found: Patched, called: Called, row: int, token: int) -> str:
    """The numbers of one cell."""
    part, layer = found.experiment.part, found.layers[row]
    value = float(found.differences[row, token])
    clean, corrupted = found.contrast.differences
    if not np.isfinite(value):
        return f"{NAMES[part]} {place(part, layer)}: not restored yet."
    share = percent(float(found.restored[row, token]))
    text = (
        f"{NAMES[part]} {place(part, layer)}, {quoted(called.tokens[token])} (token {token + 1}) "
        f"restored: logit difference {logits(value)}; ({logits(value)} − {_bare(corrupted)}) / "
        f"({logits(clean)} − {_bare(corrupted)}) = {share}."
    )
    if value == np.float32(corrupted):
        text += " Both runs have the same numbers here, so nothing changes."
    return text


def _bare(value: float) -> str:
    return f"({logits(value)})" if value < 0 else f"{value:.2f}"


def table(found: Patched, called: Called) -> dict[str, Sequence[object] | np.ndarray]:
    """A line for each (layer, token): what the files and "Table" hold."""
    rows, count = found.differences.shape
    clean, corrupted = found.contrast.differences
    return {
        "layer": np.repeat(np.array(found.layers), count),
        "token": np.tile(np.arange(1, count + 1), rows),
        "text": list(called.tokens) * rows,
        "restored": found.restored.ravel(),
        "logit_difference": found.differences.ravel(),
        "clean": np.full(rows * count, clean),
        "corrupted": np.full(rows * count, corrupted),
    }


def tokens(clean: Sequence[str], corrupted: Sequence[str]) -> tuple[str, ...]:
    """Each column's token, both where the sentences differ: ` girl|man`."""
    return tuple(
        a if a == b else f"{a}|{b.strip() or b}" for a, b in zip(clean, corrupted, strict=True)
    )
