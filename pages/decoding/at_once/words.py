"""What there is to be seen in the measured times, from their own numbers.

In: engine values. Out: sentences, tips and tables. Pure.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.timing.cache_size import CacheSize
from engine.timing.measuring import TURNS, Timings, Way, spread

NAMES: dict[Way, str] = {
    "at once": "Transformer, all tokens in one run",
    "recurrent": "Recurrent network, step by step",
    "written": "Transformer, writing one by one",
}
KEPT = {True: "kept", False: "computed anew"}
FEW, MANY = 1, 16  # numbers of tokens whose times are compared


def milliseconds(seconds: float) -> str:
    """A time with two or three digits.

    >>> milliseconds(0.00031), milliseconds(0.0123), milliseconds(1.5)
    ('0.31 ms', '12.3 ms', '1,500 ms')
    """
    value = 1000 * seconds
    if value >= 100:
        return f"{value:,.0f} ms"
    return f"{value:.1f} ms" if value >= 10 else f"{value:.2g} ms"


def size(nbytes: float) -> str:
    """Bytes in the unit that fits; thousands, as memory is sold.

    >>> size(12288), size(6291456), size(1.6e19)
    ('12.3 kB', '6.29 MB', '16,000,000 TB')
    """
    for unit, least in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if nbytes >= least:
            value = nbytes / least
            return f"{value:,.0f} {unit}" if value >= 1000 else f"{value:.3g} {unit}"
    return f"{nbytes:,.0f} bytes"


def times(ratio: float) -> str:
    """How many times as long.

    >>> times(1.62), times(15.7)
    ('1.6 times', '16 times')
    """
    return f"{ratio:.1f} times" if ratio < 10 else f"{ratio:,.0f} times"


def before(longest: int, recurrent: bool) -> str:
    """What will be measured, where nothing is."""
    who = "a transformer that reads them in one run"
    who += ", a recurrent network that reads them step by step" if recurrent else ""
    return (
        f"Nothing is measured yet. For 1, 2, 4 ... {longest:,} tokens: {who}, and the same "
        f"transformer writing them one by one. {TURNS} turns, on this machine."
    )


def reading_said(found: Timings) -> str:
    """All ways at the most tokens, and how each grew from a few."""
    last, few, many = len(found.counts) - 1, _place(found, FEW), _place(found, MANY)
    verbs = {
        "at once": "the transformer reads them in one run in",
        "recurrent": "the recurrent network step by step in",
        "written": "writing them one by one takes",
    }
    low = {way: spread(found.total(way))[0] for way in found.ways}
    ends = ", ".join(f"{verbs[way]} {milliseconds(low[way][last])}" for way in found.ways)
    said = f"{_tokens(found, last)}: {ends}."
    if many > few:
        short = {"at once": "one run", "recurrent": "step by step", "written": "writing"}
        grown = ", ".join(
            f"{short[way]} {times(low[way][many] / low[way][few])}" for way in found.ways
        )
        said += f" {found.counts[many]} tokens against {found.counts[few]}: {grown} as long."
    return said


def cache_said(found: Timings) -> str:
    """The token after the most: with what was kept and without; prefill against decode."""
    last, count = len(found.counts) - 1, int(found.counts[-1])
    kept, anew = (float(spread(found.next_token(kept=one))[0][last]) for one in (True, False))
    return (
        f"After {count:,} tokens the next one takes {milliseconds(kept)} with keys and values "
        f"kept, {milliseconds(anew)} where they are computed anew: {times(anew / kept)} as long. "
        f"Prefill reads {_digits(count / anew)} tokens a second, decode writes "
        f"{_digits(1 / kept)}."
    )


def formula(shape: CacheSize) -> str:
    """The formula with this model's numbers; what it gives is said before it."""
    return (
        f"2 × {shape.layers} layers × {shape.key_heads} key heads × {shape.width} numbers × "
        f"{shape.item} bytes"
    )


def bytes_said(shape: CacheSize, longest: int, found: Timings | None) -> str:
    """What a token adds, what many take, and whether the arrays take the same."""
    said = (
        f"Each token adds a key and a value in every layer: {shape.each:,} bytes. "
        f"{longest:,} tokens take {size(shape.nbytes(longest))}."
    )
    if found is None:
        return said
    expected = [shape.nbytes(int(count)) for count in found.counts]
    if found.held.tolist() == expected:
        return f"{said} The arrays take exactly that."
    return (
        f"{said} The arrays of this model take {size(float(found.held[-1]))} after "
        f"{int(found.counts[-1]):,} tokens, not {size(expected[-1])}."
    )


def reading_tips(found: Timings) -> list[str]:
    """What each number of tokens took, all ways."""
    ends = {way: spread(found.total(way)) for way in found.ways}
    return [
        "\n".join(
            [
                _tokens(found, place),
                *(f"{NAMES[way]}: {_range(ends[way], place)}" for way in found.ways),
            ]
        )
        for place in range(len(found.counts))
    ]


def cache_tips(found: Timings) -> list[str]:
    """What the next token took after each number of tokens."""
    ends = {kept: spread(found.next_token(kept=kept)) for kept in (True, False)}
    return [
        "\n".join(
            [
                f"After {_tokens(found, place)}",
                *(f"{KEPT[kept]}: {_range(ends[kept], place)}" for kept in (True, False)),
                f"prefill, a token: {milliseconds(ends[False][0][place] / found.counts[place])}",
            ]
        )
        for place in range(len(found.counts))
    ]


def reading_table(found: Timings) -> dict[str, list[Any]]:
    """Every turn of every way."""
    return _turns("way", {NAMES[way]: found.total(way) for way in found.ways}, found)


def cache_table(found: Timings) -> dict[str, list[Any]]:
    """Every turn, with keys and values kept and computed anew."""
    both = {KEPT[kept]: found.next_token(kept=kept) for kept in (True, False)}
    return _turns("keys and values", both, found)


def bytes_table(shape: CacheSize, counts: list[int], found: Timings | None) -> dict[str, list[Any]]:
    """By formula, and what the arrays take where it was measured."""
    table: dict[str, list[Any]] = {
        "tokens": counts,
        "bytes by formula": [shape.nbytes(count) for count in counts],
    }
    return table if found is None else table | {"bytes of the arrays": found.held.tolist()}


def _turns(name: str, parts: dict[str, np.ndarray], found: Timings) -> dict[str, list[Any]]:
    rows = [
        (part, turn + 1, int(count), 1000 * float(seconds[turn, place]))
        for part, seconds in parts.items()
        for turn in range(len(seconds))
        for place, count in enumerate(found.counts)
    ]
    columns = zip(*rows, strict=True)
    return dict(zip((name, "turn", "tokens", "milliseconds"), map(list, columns), strict=True))


def _place(found: Timings, count: int) -> int:
    """The place of a number of tokens, of the largest where there are not so many."""
    return min(int(np.searchsorted(found.counts, count)), len(found.counts) - 1)


def _tokens(found: Timings, place: int) -> str:
    count = int(found.counts[place])
    return f"{count:,} token{'' if count == 1 else 's'}"


def _range(ends: tuple[np.ndarray, np.ndarray, np.ndarray], place: int) -> str:
    low, middle, high = (milliseconds(float(one[place])) for one in ends)
    return f"{low} (median {middle}, slowest {high})"


def _digits(value: float) -> str:
    """Two digits: a speed is not known better."""
    return f"{round(value, 2 - len(f'{value:.0f}')):,.0f}" if value >= 10 else f"{value:.1f}"
