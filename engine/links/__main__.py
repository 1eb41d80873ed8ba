"""`python -m engine.links export FILE | import FILE | list`: the short links of this machine.

The store is the one of the settings (ATLAS_LINKS). A refusal is one sentence on stderr and exit
status 1.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from engine.errors import BadLink, EngineError
from engine.links import files, state
from engine.links.store import Links, links


def main(arguments: list[str] | None = None) -> int:
    """Do what is asked and return the exit status."""
    chosen = parser().parse_args(arguments)
    try:
        return _do(chosen.task, links(), chosen)
    except (EngineError, OSError) as error:
        print(error, file=sys.stderr)
        return 1


def parser() -> argparse.ArgumentParser:
    """The command line."""
    found = argparse.ArgumentParser(prog="python -m engine.links", description=__doc__)
    tasks = found.add_subparsers(dest="task", required=True)
    tasks.add_parser("export", help="write all links into FILE").add_argument("file", type=Path)
    tasks.add_parser("import", help="take the links of FILE in").add_argument("file", type=Path)
    tasks.add_parser("list", help="one line a link: id, page, model, days since it was opened")
    return found


def _do(task: str, store: Links, chosen: argparse.Namespace) -> int:
    if task == "export":
        print(f"{files.export(store, chosen.file):,} links written to {chosen.file}")
    elif task == "import":
        new, known, refused = files.take_in(store, chosen.file)
        print(f"{new:,} links are new, {known:,} were here, {refused:,} lines were no links")
    else:
        for name, raw, age in store.rows():
            print(f"{name}  {_said(raw)}  {age} d")
        count, size = store.totals()
        print(f"{count:,} links, {size / 1e6:.1f} MB, in {store.path}")
    return 0


def _said(raw: bytes) -> str:
    """Page and model; texts are people's own and stay out of terminals."""
    try:
        found = state.parse(raw).state
    except BadLink:
        return "(not readable here)"
    return f"{found.page:<13} {found.model}".encode("unicode_escape").decode()


if __name__ == "__main__":
    raise SystemExit(main())
