"""What a link says: the page, the text, the model, the controls; never a result.

    >>> state = SharedState("Attention", "the sea", "tales-gpt", controls={"layer": ("2",)})
    >>> link_id(state)
    'xuoacbzhtp'
    >>> parse(canonical(state)).state == state
    True

Equal states are written in one way (`canonical`), so that they have one id. `parse` reads what
anybody may have forged: what is too long or of a later version is refused (`BadLink`), what it does
not know is left out and named. Values are the words of the address (`layer=2`): whether a page has
such a control, and the model such a layer, the page says.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from engine.errors import BadLink
from engine.values import FrozenDict

VERSION = 1
MOST = 64 * 1024  # bytes of a state as it is written, the text among them
LENGTH = 10  # characters of an id: 50 bits
KEYS, VALUES, WORD = 200, 64, 4000  # controls, values of one, characters of a value
FIELDS = ("controls", "digest", "lesson", "model", "page", "source", "text", "version")
RESERVED = frozenset({"text", "model", "s", "text_of", "embed", "embed_options"})
"""Keys of the address that are no control."""

ID = re.compile(r"[a-z2-7]{10,20}")
_KEY = re.compile(r"[a-z][a-z0-9_-]{0,31}")
_PAGE = re.compile(r"[A-Z][A-Za-z0-9 ]{0,39}")
_DIGEST = re.compile(r"(?:[0-9a-f]{64})?")
SOURCE = re.compile(r"(?:[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95})?", re.ASCII)


@dataclass(frozen=True, slots=True)
class SharedState:
    """One picture, as a link carries it.

    `page` is the page's title, `digest` says which model the name meant (`Engine.digest`) and
    `source` is its id on the Hub, each "" where that is not known. `controls` maps a key of the
    address to its values, as written there. A link to a lesson has its file in `lesson`: text that
    is read by whoever opens it, page and model are those of its first step.
    """

    page: str
    text: str
    model: str
    digest: str = ""
    source: str = ""
    controls: Mapping[str, tuple[str, ...]] = field(default_factory=FrozenDict)
    lesson: str = ""

    def __post_init__(self) -> None:
        """Lock what is shared by all sessions."""
        locked = FrozenDict({key: tuple(values) for key, values in self.controls.items()})
        object.__setattr__(self, "controls", locked)


@dataclass(frozen=True, slots=True)
class Parsed:
    """A state that was read, and the names of what it could not carry."""

    state: SharedState
    left_out: tuple[str, ...] = ()


def canonical(state: SharedState) -> bytes:
    """The one way in which a state is written: JSON, keys sorted, no spaces, UTF-8.

    Raises `BadLink` where it is longer than `MOST` bytes or its text is no Unicode.
    """
    written = {
        "controls": {key: list(values) for key, values in state.controls.items()},
        "digest": state.digest,
        "model": state.model,
        "page": state.page,
        "source": state.source,
        "text": state.text,
        "version": VERSION,
    }
    if state.lesson:  # a state without one is written as it always was, and keeps its id
        written["lesson"] = state.lesson
    text = json.dumps(written, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    try:
        raw = text.encode()
    except UnicodeEncodeError as error:
        raise BadLink("The text has half of a character, which no link can carry.") from error
    if len(raw) > MOST:
        what, shorter = "text and the settings are", "the text"
        if state.lesson:
            what, shorter = "lesson has", "it"
        raise BadLink(
            f"The {what} {len(raw) / 1024:,.0f} kB; a short link carries {MOST // 1024} kB. "
            f"Shorten {shorter}."
        )
    return raw


def digest(raw: bytes) -> str:
    """SHA-256 as lower-case base32: its beginning is the id of what is written so."""
    return base64.b32encode(hashlib.sha256(raw).digest()).decode().lower().rstrip("=")


def link_id(state: SharedState, length: int = LENGTH) -> str:
    """The id of a state: `length` characters of the digest of its canonical form."""
    return digest(canonical(state))[:length]


def parse(raw: bytes) -> Parsed:
    """Read a state; raise `BadLink` where it makes no sense."""
    if len(raw) > MOST:
        raise BadLink(f"A link carries {MOST // 1024} kB at most; this one has {len(raw):,} bytes.")
    try:
        found = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise BadLink("This link's content cannot be read.") from error
    if not isinstance(found, dict):
        raise BadLink("This link's content cannot be read.")
    version = found.get("version")
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise BadLink("This link does not say which version made it.")
    if version > VERSION:
        raise BadLink(
            f"This link was made by a newer Transformer Atlas (link format {version}, here "
            f"{VERSION}). Update this one to open it."
        )
    controls, left_out = _controls(found.get("controls", {}))
    left_out += [str(name)[:40] for name in found if name not in FIELDS]
    state = SharedState(
        page=_word(found, "page", _PAGE),
        text=_word(found, "text", None),
        model=_word(found, "model", re.compile(r".{1,200}")),
        digest=_word({"digest": "", **found}, "digest", _DIGEST),
        source=_word({"source": "", **found}, "source", SOURCE),
        controls=controls,
        lesson=_word({"lesson": "", **found}, "lesson", None),
    )
    canonical(state)  # half a character would break whoever writes it again
    return Parsed(state, tuple(left_out))


def _word(found: dict[str, Any], name: str, form: re.Pattern[str] | None) -> str:
    value = found.get(name)
    if not isinstance(value, str) or (form is not None and not form.fullmatch(value)):
        raise BadLink(f"This link names no {name} that makes sense.")
    return value


def _controls(found: Any) -> tuple[dict[str, tuple[str, ...]], list[str]]:
    """The controls that have the form of one, and the names of the rest."""
    if not isinstance(found, dict):
        return {}, ["controls"]
    kept: dict[str, tuple[str, ...]] = {}
    left_out = []
    for key, values in found.items():
        fits = (
            _KEY.fullmatch(key)
            and key not in RESERVED
            and len(kept) < KEYS
            and isinstance(values, list)
            and len(values) <= VALUES
            and all(isinstance(one, str) and len(one) <= WORD for one in values)
        )
        if fits:
            kept[key] = tuple(values)
        else:
            left_out.append(key[:40])
    return kept, left_out
