"""Models by date and size: a mark each, open or closed weights by its form, unsure ones hollow.

In: `KnownModel`s. Out: SVG, a sentence, the card's lines. A model's id is `m<place>`, its place in
the whole table. Knows nothing of Streamlit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from engine.landscape import amounts
from engine.landscape.known import CREDIT, FIRST, LAST, KnownModel
from pages.models.axes import NARROW, WIDE, Log, key_of, mark, upward
from pages.pictures import palette
from pages.pictures.svg import document, label, tag, text_width
from pages.pictures.widths import either

HEIGHT, TOP, BOTTOM = 460.0, 10.0, 30.0
FORMS = {"open": "dot", "closed": "square", "unknown": "diamond"}
COLOURS = {
    "open": palette.CATEGORIES[2],
    "closed": palette.CATEGORIES[1],
    "unknown": palette.MUTED,
}
NAMED = (
    "Transformer", "BERT-Large", "GPT-2 (1.5B)", "T5-11B", "GPT-3 175B (davinci)", "Switch",
    "PaLM (540B)", "Chinchilla", "LLaMA-65B", "Mixtral 8x7B", "DeepSeek-V3", "Grok 3",
)  # fmt: skip
ALL_NAMED = 14  # as few models all carry their names


def size(one: KnownModel, axis: str) -> float | None:
    """What the axis shows of a model."""
    return one.parameters if axis == "parameters" else one.compute


def timeline(
    models: Sequence[KnownModel], ids: Mapping[str, str], axis: str, said: str
) -> tuple[str, str]:
    """The picture for both widths, and the wide one alone; every model has the axis's number."""
    title = f"Language models {FIRST} to {LAST}: {axis} by date"
    drawn = [_drawn(models, ids, axis, width, title, said) for width in (WIDE, NARROW)]
    return either(*drawn), drawn[0]


def _drawn(
    models: Sequence[KnownModel],
    ids: Mapping[str, str],
    axis: str,
    width: float,
    title: str,
    said: str,
) -> str:
    left, right = (78.0 if width == WIDE else 60.0), width - 10
    values = [size(one, axis) or 1.0 for one in models]
    low, high = min(values) / 1.6, max(values) * 1.6
    if high / low < 1e3:
        low, high = low / 30, high * 30
    y = Log(low, high, HEIGHT - BOTTOM, TOP)
    shown = amounts.short if axis == "parameters" else amounts.power
    parts = [upward(y, left, right, shown)]
    step = 1 if width == WIDE else 2
    for year in range(FIRST, LAST + 1, step):
        x = _x(year, left, right)
        parts.append(tag("line", x1=x, x2=x, y1=TOP, y2=HEIGHT - BOTTOM, stroke=palette.LINE))
        parts.append(label(str(year), x, HEIGHT - 10, size=12, fill=palette.MUTED,
                           text_anchor="middle"))  # fmt: skip
    few, places = len(models) <= ALL_NAMED, []
    for one, value in zip(models, values, strict=True):
        x, at = _x(one.year, left, right), y(value)
        drawn = mark(x, at, FORMS[one.weights], COLOURS[one.weights], hollow=not one.sure, size=4.5)
        tip = "\n".join(
            (f"{one.name}, {one.published.isoformat()}", f"{axis}: {shown(value)}",
             f"{one.confidence} (Epoch), weights {one.weights}")
        )  # fmt: skip
        parts.append(tag("g", drawn, data_id=ids[one.name], data_tip=tip, data_name=one.name))
        if (width == WIDE and one.name in NAMED) or few:
            places.append((one.name, x, at))
    parts.append(_names(places, right))
    legend, tall = key_of(_legend(), 4, HEIGHT + 18, width)
    parts.append(legend)
    credit = f"Data: {CREDIT}"
    foot = HEIGHT + 18 + tall
    lines = [credit] if width == WIDE else _wrapped(credit, width - 8)
    for place, line in enumerate(lines):
        parts.append(label(line, 4, foot + 4 + 16 * place, size=12, fill=palette.MUTED, keep=True))
    return document(width, foot + 10 + 16 * len(lines), parts, title, said, least=1)


def _x(year: float, left: float, right: float) -> float:
    return left + 8 + (year - FIRST) / (LAST + 0.4 - FIRST) * (right - left - 8)


def _names(places: Sequence[tuple[str, float, float]], right: float) -> str:
    """Names beside marks, where they cover no other name."""
    parts: list[str] = []
    boxes: list[tuple[float, float, float]] = []
    for name, x, y in places:
        long = text_width(name, 12, mono=False)
        start = x + 8 if x + 8 + long < right else x - 8 - long
        if any(abs(y - b) < 14 and start < c and a < start + long for a, b, c in boxes):
            continue
        boxes.append((start, y, start + long))
        parts.append(label(name, start, y + 4, size=12, font_weight=600, keep=True,
                           paint_order="stroke", stroke=palette.PAPER, stroke_width=3))  # fmt: skip
    return "".join(parts)


def _legend() -> dict[str, str]:
    words = {"open": "weights open", "closed": "weights closed", "unknown": "weights: not known"}
    found = {words[name]: mark(0, 0, FORMS[name], COLOURS[name], hollow=False) for name in FORMS}
    return found | {"hollow: likely or less sure": mark(0, 0, "dot", palette.MUTED, hollow=True)}


def _wrapped(text: str, width: float) -> list[str]:
    lines, line = [], ""
    for word in text.split(" "):
        longer = f"{line} {word}".strip()
        if line and text_width(longer, 12, mono=False) > width:
            lines.append(line)
            longer = word
        line = longer
    return [*lines, line]


def said(models: Sequence[KnownModel], every: int, axis: str) -> str:
    """What one sees, in the numbers of this picture."""
    sized = sorted(models, key=lambda one: size(one, axis) or 0)
    small, large = sized[0], sized[-1]
    shown = amounts.count if axis == "parameters" else amounts.power
    sure = sum(one.sure for one in models)
    unit = "parameters" if axis == "parameters" else "FLOP"
    words = (
        f"{len(models)} of {every} models since {FIRST} are shown, {sure} of them with sure "
        f"figures. The largest is {large.name} ({large.published.year}) with "
        f"{shown(size(large, axis) or 1)} {unit}"
    )
    if small is not large:
        times = (size(large, axis) or 1) / (size(small, axis) or 1)
        words += f", {amounts.count(max(times, 1))} times {small.name}"
    return words + "."


def facts(one: KnownModel) -> list[tuple[str, str]]:
    """The lines of a model's card; what Epoch does not know is said so."""
    nothing = "not known"
    return [
        ("Published", one.published.isoformat()),
        ("By", ", ".join(one.organizations) or nothing),
        ("Parameters", amounts.count(one.parameters) if one.parameters else nothing),
        ("Training compute", f"{amounts.power(one.compute)} FLOP" if one.compute else nothing),
        (
            "Training data",
            f"{amounts.count(one.data)} words or tokens (Epoch's estimate)"
            if one.data
            else nothing,
        ),
        ("Grew out of", one.base or "no other model named"),
        ("Access", one.access or nothing),
        ("Epoch's confidence", one.confidence.lower()),
    ]
