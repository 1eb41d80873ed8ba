"""How a setting is declared: its default, what the modes preset, what is legal, what it means.

    runs: int = whole(2, 1, 64, "model runs at once; the rest wait in order")

One declaration is what the process reads, what `python -m engine.settings` lists and what
docs/settings.md holds. In: text from the environment. Out: a value, or `Refused` with the rule that
the text broke. Knows no setting by name; nothing here touches the disk.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import MISSING, field, fields
from ipaddress import ip_network
from pathlib import Path
from typing import Any, Literal, get_args

Mode = Literal["home", "class", "public"]
MODES: tuple[Mode, ...] = get_args(Mode)
ANCESTOR = re.compile(r"\*|'self'|'none'|https?://[A-Za-z0-9.*-]+(:([0-9]+|\*))?")
DECLARATION = "setting"  # where a dataclass field keeps its declaration


class Refused(ValueError):
    """What a value must be, as the end of a sentence: "must be a whole number from 1 to 64"."""


class Declaration:
    """One setting: how its text is read, what it is by default in each mode, what it means."""

    def __init__(
        self,
        read: Callable[[str], Any],
        meaning: str,
        *,
        class_: Any = None,
        public: Any = None,
        secret: bool = False,
        shown: str = "",
    ) -> None:
        """`shown` stands for the default in lists, where that depends on the machine."""
        self.read, self.meaning, self.secret, self.shown = read, meaning, secret, shown
        presets: dict[Mode, Any] = {"class": class_, "public": public}
        self.presets = {mode: value for mode, value in presets.items() if value is not None}


def setting(default: Any, read: Callable[[str], Any], meaning: str, **more: Any) -> Any:
    """The default of a dataclass field that is a setting; `more` as for `Declaration`."""
    declared = Declaration(read, meaning, **more)
    return field(default=default, repr=not declared.secret, metadata={DECLARATION: declared})


def whole(default: int, low: int, high: int, meaning: str, **more: Any) -> Any:
    """A whole number from `low` to `high`."""

    def read(text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            number = low - 1
        if not low <= number <= high:
            raise Refused(f"must be a whole number from {low} to {high}")
        return number

    return setting(default, read, meaning, **more)


def choice(default: str, legal: tuple[str, ...], meaning: str, **more: Any) -> Any:
    """One of a few words, in capitals or not."""

    def read(text: str) -> str:
        if text.lower() not in legal:
            raise Refused(f"must be {', '.join(legal[:-1])} or {legal[-1]}")
        return text.lower()

    return setting(default, read, meaning, **more)


def path(text: str) -> Path:
    """A folder or a file; `~` is the user's own folder."""
    return Path(text).expanduser()


def ancestors(text: str) -> str:
    """Sites as `frame-ancestors` of a Content-Security-Policy takes them."""
    found = text.split()
    # Beside others 'none' means nothing to a browser.
    if not all(ANCESTOR.fullmatch(one) for one in found) or ("'none'" in found and len(found) > 1):
        raise Refused("must be 'none', or 'self' and addresses such as https://school.example")
    return " ".join(found)


def web_address(text: str) -> str:
    """An address of the web, without a slash at its end."""
    if not text.startswith(("http://", "https://")):
        raise Refused("must begin with http:// or https://")
    return text.rstrip("/")


def networks(text: str) -> str:
    """Addresses and networks of machines, with commas or spaces between."""
    found = text.replace(",", " ").split()
    try:
        return " ".join(str(ip_network(one)) for one in found)
    except ValueError:
        raise Refused("must be addresses or networks such as 10.0.0.0/8") from None


def key(at_least: int) -> Callable[[str], str]:
    """A secret of at least so many characters."""

    def read(text: str) -> str:
        if len(text) < at_least:
            raise Refused(f"must have at least {at_least} characters")
        return text

    return read


def name(attribute: str) -> str:
    """The environment variable of a setting: `name("max_tokens")` is `"ATLAS_MAX_TOKENS"`."""
    return f"ATLAS_{attribute.upper()}"


def declarations(kind: Any) -> dict[str, tuple[Any, Declaration]]:
    """The default and the declaration of every setting of a dataclass, in their order."""
    return {
        one.name: (one.default, one.metadata[DECLARATION])
        for one in fields(kind)
        if one.default is not MISSING
    }


def value(attribute: str, declared: Declaration, environment: Mapping[str, str]) -> Any:
    """What the environment says a setting is; None where it says nothing.

    Raises `ValueError` naming the variable, what is legal and what was given.
    """
    given = environment.get(name(attribute), "").strip()
    if not given:
        return None
    try:
        return declared.read(given)
    except Refused as refused:
        # A secret stays out of logs.
        got = str(len(given)) if declared.secret else repr(given)
        raise ValueError(f"{name(attribute)} {refused}, got {got}") from None
