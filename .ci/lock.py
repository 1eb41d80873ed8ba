"""Write requirements.lock: every package that the development environment holds, pinned.

    python .ci/lock.py [FILE]

It follows requirements-dev.txt from package to package through what is installed. Versions without
their local part, as PyTorch comes in builds for different machines (2.13.0+cpu is 2.13.0), and no
hashes, for the same reason. Lines with a marker stay as they are written, so that the lock holds
both builds of ONNX Runtime. PyTorch's CUDA packages are not in it: PyTorch names their versions
itself. It is used as a constraint: `pip install -c requirements.lock -r requirements-dev.txt`.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).resolve().parents[1]
HEAD = "# What the development environment holds, pinned: `make lock` writes this from it.\n"


def listed(path: Path) -> Iterator[Requirement]:
    """The requirements of a file and of those that it includes."""
    for line in path.read_text(encoding="utf-8").splitlines():
        text = re.split(r"(?:^|\s)#", line)[0].strip()
        if text.startswith("-r "):
            yield from listed(path.with_name(text[3:].strip()))
        elif text:
            yield Requirement(text)


def pins(requirements: list[Requirement]) -> list[str]:
    """The lines of the lock."""
    found: dict[str, str] = {}
    waiting = [(requirement, "") for requirement in requirements]
    seen: set[tuple[str, frozenset[str]]] = set()
    while waiting:
        requirement, extra = waiting.pop()
        name = canonicalize_name(requirement.name)
        marker = requirement.marker
        if marker is not None and extra == "" and requirement in requirements:
            found[name] = str(requirement)  # of this project: for every platform
        if marker is not None and not marker.evaluate({"extra": extra}):
            continue
        key = (name, frozenset(requirement.extras))
        if key in seen:
            continue
        seen.add(key)
        package = metadata.distribution(requirement.name)
        found.setdefault(name, f"{name}=={Version(package.version).public}")
        for text in package.requires or ():
            waiting += [(Requirement(text), one) for one in ("", *requirement.extras)]
    return [found[name] for name in sorted(found)]


def main() -> None:
    """Write the file."""
    out = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "requirements.lock"
    lines = pins(list(listed(ROOT / "requirements-dev.txt")))
    out.write_text(HEAD + "\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
