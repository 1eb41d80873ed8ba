"""Large numbers as people read them: counts, bytes, FLOP, time."""

from __future__ import annotations

import math

_NAMES = ((1e12, "trillion", "T"), (1e9, "billion", "B"), (1e6, "million", "M"))
_BYTES = ((1e15, "PB"), (1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB"))
_TIMES = (
    (365.25 * 86400, "year"), (86400.0, "day"), (3600.0, "hour"), (60.0, "minute"), (1.0, "second"),
)  # fmt: skip
_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def digits(value: float) -> str:
    """Three digits of a number, without zeros at its end.

    >>> digits(174.604), digits(1.5), digits(0.0466)
    ('175', '1.5', '0.0466')
    """
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def count(value: float) -> str:
    """How many, in words.

    >>> count(174.6e9), count(124_439_808), count(4096)
    ('174.6 billion', '124.4 million', '4,096')
    """
    for size, name, _ in _NAMES:
        if value >= size:
            return f"{value / size:,.1f}".removesuffix(".0") + f" {name}"
    return f"{value:,.0f}"


def short(value: float) -> str:
    """How many, on an axis.

    >>> short(1e9), short(1.5e6), short(5000)
    ('1 B', '1.5 M', '5,000')
    """
    for size, _, letter in _NAMES:
        if value >= size:
            return f"{digits(value / size)} {letter}"
    return digits(value)


def nbytes(value: float) -> str:
    """Bytes, a GB being 10^9 of them.

    >>> nbytes(1_073_741_824), nbytes(500)
    ('1.07 GB', '500 bytes')
    """
    for size, name in _BYTES:
        if value >= size:
            return f"{digits(value / size)} {name}"
    return f"{value:,.0f} bytes"


def power(value: float) -> str:
    """A number as digits times a power of ten.

    >>> power(5.76e23), power(1e21)
    ('5.76 × 10²³', '10²¹')
    """
    exponent = math.floor(math.log10(value) + 1e-9)
    leading = f"{value / 10**exponent:.3g}"
    raised = f"10{str(exponent).translate(_RAISED)}"
    return raised if leading == "1" else f"{leading} × {raised}"


def duration(seconds: float) -> str:
    """Time in its largest unit that leaves one or more.

    >>> duration(86400 * 34), duration(90)
    ('34 days', '1.5 minutes')
    """
    for size, name in _TIMES:
        if seconds >= size:
            value = digits(seconds / size)
            return f"{value} {name}{'' if value == '1' else 's'}"
    return f"{digits(seconds)} seconds"
