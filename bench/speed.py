"""`python -m bench.speed`: how fast the app answers, and the engine beside what people use today.

    --quick          fewer repetitions
    --only NAME ...  some of: start, clicks, writing, memory, trace, decoding, eight, translation,
                     opening, packed, process, peaks
    --out FILE       keep the tables in a file: each replaces the one of its title there

Medians, with the lowest and highest in brackets. Goals are those of the project; a goal missed is
said and fails nothing, since the machine may be busy. Everything runs on the CPU. The first run
also makes the environment of the rivals and exports the models, which takes some minutes.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

from bench.measure import Row
from bench.report import every, tell

Section = Callable[[bool], list[Row]]


def main() -> int:
    """Run the sections that were asked for, print their tables and keep them."""
    os.environ["ATLAS_DEVICE"] = "cpu"
    chosen = arguments()
    found = sections()
    titles = [title for title, _ in found.values()]
    for name, (title, section) in found.items():
        if name not in chosen.only and chosen.only:
            continue
        rows = every({title: partial(section, chosen.quick)})
        tell(title, rows, chosen.out, titles)
    return 0


def arguments() -> argparse.Namespace:
    """The command line."""
    found = argparse.ArgumentParser(prog="python -m bench.speed", description=__doc__)
    found.add_argument("--quick", action="store_true")
    found.add_argument("--only", nargs="+", default=[], choices=tuple(sections()))
    found.add_argument("--out", type=Path)
    return found.parse_args()


def sections() -> dict[str, tuple[str, Section]]:
    """The sections by name, with their titles."""
    from bench import app, opening, rivals

    return {
        "start": ("From a warm start to the first picture", app.start),
        "clicks": ("Controls that need no model run, on the server", app.clicks),
        "writing": ("Six settings of 40 tokens, and a second user meanwhile", app.writing),
        "memory": ("Memory of the app", app.memory),
        "trace": ("All attention weights and hidden states of a text", rivals.traces),
        "decoding": ("Writing 40 tokens", rivals.decoding),
        "eight": ("Writing 40 tokens in 8 bits, beside llama.cpp", rivals.eight),
        "translation": ("32 tokens translated into 40", rivals.translation),
        "opening": ("Opening a model", rivals.opening),
        "packed": ("Weights kept packed, against a model opened as it is", opening.packed),
        "process": ("A new process to its first trace", rivals.processes),
        "peaks": ("Most memory of a process that did one thing", rivals.peaks),
    }


if __name__ == "__main__":
    sys.exit(main())
