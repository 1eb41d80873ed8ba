"""Timing a function several times, and a table of the results.

In: functions and how often to call them. Out: `Times` and lines of a Markdown table. Functions to
be compared are called in turn, one after the other, so that whatever else the machine does
meets them alike.
"""

from __future__ import annotations

import os
import platform
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.settings import cores


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds of several calls."""

    seconds: tuple[float, ...]

    @property
    def median(self) -> float:
        """The middle one."""
        return statistics.median(self.seconds)

    def __str__(self) -> str:
        """Write median and spread in milliseconds: `12.3 ms (11.9-15.0)`."""
        low, high = min(self.seconds), max(self.seconds)
        return f"{1e3 * self.median:.1f} ms ({1e3 * low:.1f}-{1e3 * high:.1f})"


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table; `met` is None where there is no goal."""

    what: str
    measured: str
    goal: str = ""
    met: bool | None = None

    def __str__(self) -> str:
        """Write a Markdown table row."""
        verdict = {True: "met", False: "missed", None: ""}[self.met]
        return f"| {self.what} | {self.measured} | {self.goal} | {verdict} |"


def timed(work: Callable[[], object], *, times: int, warm: int = 1) -> Times:
    """Call `work` and keep the seconds of each call after the first `warm`."""
    return alternating({"": work}, times=times, warm=warm)[""]


def alternating(
    works: Mapping[str, Callable[[], object]], *, times: int, warm: int = 1
) -> dict[str, Times]:
    """Time several functions turn by turn."""
    found: dict[str, list[float]] = {name: [] for name in works}
    for turn in range(warm + times):
        for name, work in works.items():
            began = time.perf_counter()
            work()
            if turn >= warm:
                found[name].append(time.perf_counter() - began)
    return {name: Times(tuple(seconds)) for name, seconds in found.items()}


def below(what: str, found: Times, milliseconds: float) -> Row:
    """A row whose goal is a time that the median stays under."""
    return Row(what, str(found), f"under {milliseconds:g} ms", found.median * 1e3 < milliseconds)


def versus(what: str, ours: Times, theirs: Times, factor: float | None) -> Row:
    """A row that says how many times faster `ours` is, and whether that reaches `factor`."""
    ratio = theirs.median / ours.median
    goal = ""
    if factor:
        goal = f"{factor:g}x faster" if factor >= 1 else f"at most {1 / factor:g}x slower"
    measured = (
        f"{ours} against {theirs}: {ratio:.1f}x"
        if ratio >= 1
        else (f"{ours} against {theirs}: {1 / ratio:.1f}x slower")
    )
    return Row(what, measured, goal, ratio >= factor if factor else None)


def memory_mb(kind: str = "VmRSS", pid: int | None = None) -> float:
    """Memory of a process in MB (10^6 bytes), now (`VmRSS`) or at its highest (`VmHWM`); Linux."""
    for line in Path(f"/proc/{pid or os.getpid()}/status").read_text().splitlines():
        if line.startswith(kind):
            return int(line.split()[1]) * 1024 / 1e6
    raise ValueError(f"no {kind} in /proc")


def machine() -> str:
    """The machine in one line, with what else it does."""
    name = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        lines = [line for line in info.read_text().splitlines() if line.startswith("model name")]
        name = lines[0].split(":", 1)[1].strip() if lines else name
    load = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    return f"{name}, {cores()} cores, {platform.system()}{load}"


def table(title: str, rows: list[Row], where: str = "") -> str:
    """A Markdown table under a heading, with the machine it was measured on."""
    head = [f"## {title}", "", *([where, ""] if where else [])]
    head += ["| what | measured | goal | |", "| --- | --- | --- | --- |"]
    return "\n".join([*head, *map(str, rows)])


def merged(old: str, new: Mapping[str, str], order: Sequence[str]) -> str:
    """A report with the sections in `new`, by title, in the place of its own of these titles.

    What stands under other headings is kept; sections named in `order` come first, in that order.
    """
    start, *parts = ("\n" + old).split("\n## ")
    had = {part.partition("\n")[0].strip(): f"## {part.strip()}" for part in parts}
    every = had | dict(new)
    titles = [title for title in order if title in every]
    titles += [title for title in every if title not in titles]
    return "\n\n".join([start.strip(), *(every[title] for title in titles)]).strip() + "\n"
