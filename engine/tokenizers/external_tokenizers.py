"""Tokenizers from outside: a `tokenizer.json` that somebody gives, or one fetched from the Hub.

In: the bytes of a file, or a Hub id whose file was fetched by
`engine.export.sources.fetch_tokenizer`. Out: what the tokenizer is (`Facts`) and texts cut by it
(`Tokens`). Such a file may be anything, so the app never opens it: that is done in a process of its
own, see `reader_pool`. Files are kept on disk, the newest `KEPT` of them.
"""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.errors import EngineError, NotOffered
from engine.settings import settings
from engine.tokenizers import reader_pool
from engine.tokenizers.encoded import unpacked
from engine.values import Tokens

LIMIT = 40 * 10**6
"""Bytes of a file; the largest of known models (Gemma's) has 33 MB."""
KEPT = 16


@dataclass(frozen=True, slots=True)
class Facts:
    """What a tokenizer is: its algorithm and how many tokens it knows."""

    algorithm: str
    vocabulary: int


def kept(name: str) -> Path:
    """Where the file of that name lies, there or not."""
    digest = hashlib.blake2b(name.encode(), digest_size=10).hexdigest()
    return settings().models.parent / "tokenizers" / f"{digest}.json"


def known(name: str) -> bool:
    """Whether the file of that name is here."""
    return name.startswith(("hub:", "file:")) and kept(name).is_file()


def hub_name(source: str) -> str:
    """The name of a Hub id: `hub_name("maker/model")` is `"hub:maker/model"`."""
    return f"hub:{source.strip()}"


def keep(data: bytes, title: str) -> str:
    """Keep a file that somebody gave, if it is a tokenizer; return its name."""
    if len(data) > LIMIT:
        raise NotOffered(
            f"The file has {len(data) / 1e6:,.0f} MB; a tokenizer.json of at most "
            f"{LIMIT / 1e6:,.0f} MB is taken."
        )
    stem = re.sub(r"[^A-Za-z0-9._-]+", "-", title.removesuffix(".json"))[:30].strip("-") or "file"
    name = f"file:{stem}-{hashlib.blake2b(data, digest_size=3).hexdigest()}"
    path = kept(name)
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, aside = tempfile.mkstemp(dir=path.parent, suffix=".part")
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        os.replace(aside, path)
    try:
        facts(name)
    except EngineError:
        path.unlink(missing_ok=True)
        raise
    tidy()
    return name


def tidy() -> None:
    """Remove the oldest files beyond `KEPT`."""
    folder = kept("").parent
    files = sorted(folder.glob("*.json"), key=lambda path: path.stat().st_mtime, reverse=True)
    for path in files[KEPT:]:
        path.unlink(missing_ok=True)


def facts(name: str) -> Facts:
    """What the tokenizer of that name is; raise `NotOffered` where its file is none."""
    said = reader_pool.facts(_here(name))
    return Facts(said["algorithm"], said["vocabulary"])


def cut(name: str, texts: Sequence[str]) -> list[Tokens]:
    """Texts cut by the tokenizer of that name, with what it adds at their ends."""
    return [_tokens(one) for one in reader_pool.ask(_here(name), {"texts": list(texts)})["texts"]]


def _here(name: str) -> Path:
    """The file of that name; raise `NotOffered` where it is gone."""
    if not known(name):
        raise NotOffered(f"The tokenizer {name[:80]} is not here any more. Add it again.")
    return kept(name)


def _tokens(said: dict[str, Any]) -> Tokens:
    pieces = iter(said["pieces"])
    return unpacked(said, lambda _: next(pieces))
