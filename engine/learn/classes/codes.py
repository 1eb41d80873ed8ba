"""The code of a class, the keys of those in it, and what a nickname may be.

A code has six signs, none of which looks like another: 31^6, or 890 million. It is short enough to
be said aloud, so that how often somebody may try one is limited. A key has 192 bits and is limited
by nothing: the teacher's is what the class is led with, a pupil's what their answers are kept
under. The file holds digests of keys, never keys.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import unicodedata

SIGNS = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
LENGTH = 6
LONGEST_NAME = 24  # characters
_CODE = re.compile(f"[{SIGNS}]{{{LENGTH}}}")
_KEY = re.compile(r"[\w-]{32}", re.ASCII)


def new_code() -> str:
    """Six signs that nothing tells beforehand."""
    return "".join(secrets.choice(SIGNS) for _ in range(LENGTH))


def read_code(text: str) -> str:
    """A code as people type it: small letters, spaces, a hyphen; "" where it is none.

    >>> read_code(" k7q-2mp"), read_code("K7Q2M0")
    ('K7Q2MP', '')
    """
    bare = re.sub(r"[\s-]", "", text[:40]).upper()
    return bare if _CODE.fullmatch(bare) else ""


def new_key() -> str:
    """32 characters that nobody guesses."""
    return secrets.token_urlsafe(24)


def digest(key: str) -> bytes:
    """What is kept of a key; that of what is no key belongs to nobody."""
    return hashlib.sha256(key.encode()).digest() if _KEY.fullmatch(key) else b""


def nickname(text: str) -> str:
    """A name as it is kept: one line of at most 24 characters that show.

    Marks that turn or hide the text around them go.

    >>> nickname("  Ada  \\u202e L. "), len(nickname("x" * 10_000))
    ('Ada L.', 24)
    """
    kept = (one for one in text[:400] if one.isspace() or unicodedata.category(one)[0] != "C")
    return " ".join("".join(kept).split())[:LONGEST_NAME].strip()
