"""A table of the report, told row by row while it is measured, and kept in its place.

In: parts that yield rows. Out: lines on the screen at once, and the table in a file, where it
replaces the one of its title. What fails is a row too: the other parts are worth having.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from bench.measure import Row, machine, merged, table

HEAD = """# Benchmarks

Written by `make bench`. Medians, with the lowest and highest of all turns in brackets; those that
are compared were asked turn by turn, nine or more of them. Models with names of their own have
random weights of that model's true sizes, or of the shipped model's. `transformers` runs eager
where nothing else is said, as weights and hidden states are to be seen; all have the same threads.

![Each row that compares two: how many times faster the first is, and the goal](benchmarks.svg)"""


def tell(
    title: str,
    rows: Iterable[Row],
    out: Path | None = None,
    order: Sequence[str] = (),
    also: str = "",
) -> None:
    """Print each row as it comes, then keep the table; `order` has the titles of its report."""
    where = f"{machine()}, {datetime.date.today()}{also}"
    print(f"\n{table(title, [], where)}", flush=True)
    found = []
    for row in rows:
        found.append(row)
        print(row, flush=True)
    if out:
        out.parent.mkdir(parents=True, exist_ok=True)
        old = out.read_text(encoding="utf-8") if out.exists() else HEAD
        out.write_text(merged(old, {title: table(title, found, where)}, order), encoding="utf-8")


def every(parts: Mapping[str, Callable[[], Iterable[Row]]]) -> Iterator[Row]:
    """The rows of each part in turn; a part that fails is said and stops nothing."""
    for name, part in parts.items():
        try:
            yield from part()
        except Exception as error:  # whatever a library or a browser raises: the table says so
            words = str(error).strip().splitlines() or [type(error).__name__]
            yield Row(name, f"not measured: {words[0][:300]}")
