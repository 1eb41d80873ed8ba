"""Which bundles were compared with their digests already, remembered between starts.

In: a bundle's folder and its stamp (names, sizes and times of change). Out: whether exactly these
files were found right before. Hashing a model of some GB takes seconds, so that only its first
opening pays for it; small ones are hashed every time. A record that is lost or damaged costs
one more hashing and nothing else.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from pathlib import Path

from engine.models.bundle import Stamp

WORTH_BYTES = 64 * 10**6  # less is hashed faster than a person notices
ENTRIES = 200


def verified_before(record: Path, folder: Path, stamp: Stamp) -> bool:
    """Whether these very files were compared and found right."""
    return _read(record).get(str(folder)) == _fingerprint(stamp)


def remember(record: Path, folder: Path, stamp: Stamp) -> None:
    """Note that these files are right, if hashing them again would take long."""
    if sum(size for _, size, _ in stamp) < WORTH_BYTES:
        return
    known = _read(record)
    known.pop(str(folder), None)
    known[str(folder)] = _fingerprint(stamp)
    newest = dict(list(known.items())[-ENTRIES:])
    aside = record.with_name(f"{record.name}.{os.getpid()}")
    try:
        record.parent.mkdir(parents=True, exist_ok=True)
        aside.write_text(json.dumps(newest), encoding="utf-8")
        aside.replace(record)
    except OSError:
        # A full or read-only disk: the files are hashed again next time.
        with contextlib.suppress(OSError):
            aside.unlink()


def _read(record: Path) -> dict[str, str]:
    try:
        found = json.loads(record.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _fingerprint(stamp: Stamp) -> str:
    return hashlib.sha256(json.dumps(stamp).encode()).hexdigest()
