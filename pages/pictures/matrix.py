"""Numbers as cells of colour: matrices that can be pointed at, thumbnails, colour scales.

In: arrays of numbers (NaN is masked). Out: SVG; a matrix is one small image over a themed colour,
not rectangles, in the grammar of `svg`. Knows nothing of engine values, themes or pages.
"""

from __future__ import annotations

import base64
import hashlib
import json
import struct
import zlib
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any, Literal

import numpy as np
from jaxtyping import Bool, Float

from pages.pictures import palette, svg

Scale = Literal["linear", "sqrt", "log"]


def raster(
    values: Float[np.ndarray, "row column"],
    *,
    x: float,
    y: float,
    width: float,
    height: float,
    colour: str = palette.ATTENTION,
    negative: str = palette.NEGATIVE,
    high: float | None = None,
    scale: Scale = "linear",
) -> str:
    """A matrix as one 8-bit image over a themed colour, nothing to point at: a thumbnail.

    0 is the ground and `high` (at first the largest absolute value) the full colour. Values
    under 0 take the `negative` colour, NaN is hatched as masked.
    """
    grid = np.asarray(values, dtype=np.float32)
    masked = np.isnan(grid)
    clean = np.where(masked, 0.0, grid)
    top = float(high) if high else float(np.abs(clean).max(initial=0.0))
    box = (float(x), float(y), float(width), float(height))
    parts = [_shade(scaled(np.maximum(clean, 0), top, scale), box, colour)]
    if (clean < 0).any():
        parts.append(_shade(scaled(np.maximum(-clean, 0), top, scale), box, negative))
    if masked.any():
        parts.append(_hatch(grid.shape, box, np.packbits(masked).tobytes()))
    return "".join(parts)


def scaled(
    values: Float[np.ndarray, "row column"], high: float, scale: Scale
) -> Float[np.ndarray, "row column"]:
    """Values in 0..high as strength of colour in 0..1.

    `log` shows five powers of ten: high is 1, high / 100,000 and less are 0.
    """
    if high <= 0:
        return np.zeros_like(values)
    share = np.clip(values / high, 0.0, 1.0)
    if scale == "sqrt":
        return np.sqrt(share)
    if scale == "log":
        return np.clip(1 + np.log10(np.maximum(share, 1e-5)) / 5, 0.0, 1.0)
    return share


def matrix(
    values: Float[np.ndarray, "row column"],
    *,
    x: float,
    y: float,
    cell: float,
    rows: Sequence[str],
    columns: Sequence[str],
    row_labels: Sequence[str],
    column_labels: Sequence[str],
    form: Literal["percent", "number"] = "percent",
    colour: str = palette.ATTENTION,
    negative: str = palette.NEGATIVE,
    high: float | None = None,
    scale: Scale = "linear",
    quantity: str = "",
    drawn: Bool[np.ndarray, "row column"] | None = None,
    shades: Float[np.ndarray, "row column"] | None = None,
) -> str:
    """A matrix with cells of `cell` pixels that can be pointed at; NaN is masked.

    `rows` and `columns` are the ids of the rows and columns (`q0 q1 ..`, `k0 k1 ..`, no spaces):
    pointing at cell (3, 5) lights `q3` and `k5` wherever they are, and its lock is `"q3 k5"`.
    The labels (plain text) and the exact value, kept as float16, go into the tooltip, with
    `quantity` before the value. Cells not in `drawn` have no colour but keep their value. `shades`
    are the strengths of colour (0 to 1) where they do not follow from `high` and `scale`. Axis
    labels are the caller's: give them `data_id="q3"`.
    """
    grid = np.asarray(values, dtype=np.float32)
    expected = (len(rows), len(columns))
    if grid.shape != expected or expected != (len(row_labels), len(column_labels)):
        raise ValueError(
            f"a matrix of {grid.shape} needs as many ids and labels, got {expected} ids "
            f"and {(len(row_labels), len(column_labels))} labels"
        )
    height, width = cell * grid.shape[0], cell * grid.shape[1]
    colours = grid if shades is None else np.where(np.isnan(grid), np.nan, shades)
    image = raster(
        colours if drawn is None else np.where(drawn | np.isnan(grid), colours, np.float32(0)),
        x=x,
        y=y,
        width=width,
        height=height,
        colour=colour,
        negative=negative,
        high=high if shades is None else 1.0,
        scale=scale if shades is None else "linear",
    )
    frame = svg.tag(
        "rect", x=float(x), y=float(y), width=width, height=height, fill="none", stroke=palette.LINE
    )
    return svg.tag(
        "g",
        image + frame,
        class_="matrix",
        data_x=float(x),
        data_y=float(y),
        data_cell=float(cell),
        data_rows=" ".join(rows),
        data_columns=" ".join(columns),
        data_row_labels=json.dumps([name[:80] for name in row_labels], ensure_ascii=False),
        data_column_labels=json.dumps([name[:80] for name in column_labels], ensure_ascii=False),
        data_values=base64.b64encode(_half(grid).tobytes()).decode(),
        data_format=form,
        data_quantity=quantity or None,
        keep=True,
    )


def _half(grid: Float[np.ndarray, "row column"]) -> np.ndarray:
    # Half precision ends at 65,504; what lies beyond is shown as that, not as infinity.
    return np.clip(grid, -65504, 65504).astype("<f2")


@lru_cache(maxsize=128)
def legend(
    x: float,
    y: float,
    *,
    low: str,
    high: str,
    colour: str = palette.ATTENTION,
    negative: str | None = None,
    width: float = 120,
    masked: bool = False,
    full: float = 1.0,
) -> str:
    """A colour scale with its two ends in words, 26 pixels high, and a mark for masked cells.

    `negative` makes it signed: `low` stands at the left end, 0 in the middle. `full` is the
    strength of the colour at its end, where cells are only tinted.
    """
    ramp = full * np.linspace(-1 if negative else 0, 1, 64, dtype=np.float32)[None, :]
    box: dict[str, Any] = {"x": x, "y": y, "width": width, "height": 8.0}
    parts = [
        raster(ramp, **box, colour=colour, negative=negative or colour, high=1.0),
        svg.tag("rect", **box, fill="none", stroke=palette.LINE),
        svg.label(low, x, y + 21, size=12, fill=palette.MUTED),
        svg.label(high, x + width, y + 21, size=12, fill=palette.MUTED, text_anchor="end"),
    ]
    if negative:
        parts.append(
            svg.label("0", x + width / 2, y + 21, size=12, fill=palette.MUTED, text_anchor="middle")
        )
    if masked:
        spot = (x + width + 16, y - 1.0, 10.0, 10.0)
        parts.append(_hatch((1, 1), spot, b"\x80"))
        parts.append(svg.label("masked", x + width + 31, y + 8, size=12, fill=palette.MUTED))
    return svg.tag("g", parts, keep=True)


def glass(strength: Float[np.ndarray, "row column"], *, width: float, height: float) -> str:
    """An image at the origin whose brightness is a strength from 0 to 1, for use in `through`."""
    return _image(np.round(strength * 255).astype(np.uint8), (0.0, 0.0, width, height))


def through(images: Iterable[str], fill: str, *, width: float, height: float) -> str:
    """A rectangle of one fill, let through by images: one mask is drawn faster than a hundred."""
    return _filled("".join(images), (0.0, 0.0, width, height), fill)


def hatching() -> str:
    """The pattern of masked cells, to be filled with as `url(#hatch)`."""
    line = svg.tag(
        "path", d="M-1 7L7 -1M-1 1L1 -1M5 7L7 5", stroke=palette.MASKED, stroke_width=1.1
    )
    return svg.tag("pattern", line, id="hatch", width=6, height=6, patternUnits="userSpaceOnUse")


def _shade(strength: np.ndarray, box: tuple[float, float, float, float], colour: str) -> str:
    return _filled(_image(np.round(strength * 255).astype(np.uint8), box), box, colour)


@lru_cache(maxsize=16)
def _hatch(shape: tuple[int, ...], box: tuple[float, float, float, float], masked: bytes) -> str:
    """The masked cells, a bit each: the heads of a text share them."""
    bits = np.unpackbits(np.frombuffer(masked, np.uint8), count=shape[0] * shape[1])
    return hatching() + _filled(_image(bits.reshape(shape) * 255, box), box, "url(#hatch)")


def _image(pixels: np.ndarray, box: tuple[float, float, float, float]) -> str:
    return svg.tag(
        "image",
        **_spot(box),
        href="data:image/png;base64," + base64.b64encode(_png(pixels)).decode(),
        preserveAspectRatio="none",
        style="image-rendering:pixelated",
    )


def _png(pixels: np.ndarray) -> bytes:
    """An 8-bit grey PNG, in a fifth of the time that a library for all images takes."""
    height, width = pixels.shape
    if not pixels.size:
        raise ValueError(f"an image needs pixels, got {height} x {width}")
    rows = np.zeros((height, width + 1), np.uint8)  # each row begins with its filter: none
    rows[:, 1:] = pixels
    parts = (
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)),
        (b"IDAT", zlib.compress(rows.tobytes(), 6)),
        (b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in parts
    )


def _filled(images: str, box: tuple[float, float, float, float], fill: str) -> str:
    """A rectangle of one fill, let through by the images' brightness."""
    name = "m" + hashlib.blake2b(images.encode(), digest_size=8).hexdigest()
    mask = svg.tag("mask", images, id=name, maskUnits="userSpaceOnUse", **_spot(box))
    return mask + svg.tag("rect", **_spot(box), fill=fill, mask=f"url(#{name})")


def _spot(box: tuple[float, float, float, float]) -> dict[str, Any]:
    return dict(zip(("x", "y", "width", "height"), box, strict=True))
