"""All links of a store as one file, and such a file taken into a store.

JSON Lines: the first line says what the file is, each other one is a link, `{"id", "age",
"state"}`, with its age in days since it was last opened. Equal links are stored once, so that a
file may be taken in twice, and into a store that has links of its own.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from engine.errors import BadLink
from engine.links.repair import Row
from engine.links.state import MOST
from engine.links.store import Links

KIND = "transformer-atlas-links"
FORMAT = 1
LINE = 8 * MOST  # bytes: a state's text is written once more inside a text, so escapes grow


def export(links: Links, path: Path) -> int:
    """Write every link into a new file, whole or not at all; how many they were."""
    new = path.with_name(f"{path.name}.part")
    count = 0
    try:
        with new.open("w", encoding="utf-8") as file:
            _line(file, {"kind": KIND, "format": FORMAT})
            for name, raw, age in links.rows():
                _line(file, {"id": name, "age": age, "state": raw.decode()})
                count += 1
            file.flush()
            os.fsync(file.fileno())
        os.replace(new, path)
    finally:
        new.unlink(missing_ok=True)
    return count


def take_in(links: Links, path: Path) -> tuple[int, int, int]:
    """Take a file into a store: links that were new, known already, and refused as no links.

    Raises `BadLink` where the file is none of ours or of a later version; nothing is stored then.
    """
    with path.open("rb") as file:
        head = _read(file.readline(LINE))
        if not isinstance(head, dict) or head.get("kind") != KIND:
            raise BadLink(f"{path.name} is not a file of short links.")
        if head.get("format") != FORMAT:
            raise BadLink(f"{path.name} was made by a newer Transformer Atlas.")
        return links.take_in(_rows(file))


def _rows(file: IO[bytes]) -> Iterator[Row]:
    while line := file.readline(LINE):
        found = _read(line)
        found = found if isinstance(found, dict) else {}
        name, text, age = found.get("id"), found.get("state"), found.get("age")
        whole = isinstance(name, str) and isinstance(text, str) and isinstance(age, int)
        # What is no link is refused by who stores it, and counted there.
        yield (str(name), _bytes(text), int(age)) if whole else ("", b"", 0)  # type: ignore[arg-type]


def _bytes(text: object) -> bytes:
    return str(text).encode(errors="replace")


def _read(line: bytes) -> object:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None


def _line(file: IO[str], value: dict[str, object]) -> None:
    file.write(json.dumps(value, ensure_ascii=False) + "\n")
