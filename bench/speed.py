"""`python -m bench.speed`: how fast the app answers, and the engine beside what people use today.

    --quick          fewer repetitions
    --only NAME ...  some of: start, clicks, writing, memory, trace, decoding, process
    --large          also GPT-2's true size (124 M), on random weights; exports it once, a minute
    --out FILE       write the tables to a file too

Medians, with the lowest and highest in brackets. Goals are those of the project; a goal missed is
said and fails nothing, since the machine may be busy. Everything runs on the CPU.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path

from bench.measure import Row, machine, table

Section = Callable[[bool], list[Row]]


def main() -> int:
    """Run the sections that were asked for and print their tables."""
    os.environ["ATLAS_DEVICE"] = "cpu"
    chosen = arguments()
    parts = [f"# Speed\n\n{machine()}"]
    print(parts[0], flush=True)
    for name, (title, section) in sections(chosen.large).items():
        if name in chosen.only or not chosen.only:
            parts.append(table(title, section(chosen.quick)))
            print(parts[-1], flush=True)
    if chosen.out:
        chosen.out.parent.mkdir(parents=True, exist_ok=True)
        chosen.out.write_text("\n".join(parts) + "\n", encoding="utf-8")
    return 0


def arguments() -> argparse.Namespace:
    """The command line."""
    found = argparse.ArgumentParser(prog="python -m bench.speed", description=__doc__)
    found.add_argument("--quick", action="store_true")
    found.add_argument("--large", action="store_true")
    found.add_argument("--only", nargs="+", default=[])
    found.add_argument("--out", type=Path)
    return found.parse_args()


def sections(large: bool) -> dict[str, tuple[str, Section]]:
    """The sections by name, with their titles; torch is imported only by the last ones."""
    from bench import app, rivals

    return {
        "start": ("From a warm start to the first picture", app.start),
        "clicks": ("Controls that need no model run, on the server", app.clicks),
        "writing": ("Six settings of 40 tokens, and a second user meanwhile", app.writing),
        "memory": ("Memory", app.memory),
        "trace": (
            "A whole trace against eager transformers",
            lambda quick: rivals.traces(quick, large=large),
        ),
        "decoding": (
            "Decoding 40 tokens against generate",
            lambda quick: rivals.decoding(quick, large=large),
        ),
        "process": ("A new process to its first trace", rivals.processes),
    }


if __name__ == "__main__":
    sys.exit(main())
