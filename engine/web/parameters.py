"""What a question may say: each parameter declared once, read from an address, described.

    LAYER = Parameter("layer", "layer, counted from 1", legal=range(1, 1000), default=1)
    values((MODEL, TEXT, LAYER), b"model=tales-gpt&text=a+fox")     # {"model": .., "layer": 1}

In: the query of an address. Out: checked values by name, or a `Refusal` that names the parameter,
what is legal and what was given. Knows no model.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from engine.web.refusals import Refusal

LONGEST = 65_536  # characters of a query: longer texts are for engine.api
MOST = 40  # pairs of a query
QUOTED = 40  # characters of what was given that a sentence repeats


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter: `legal` is None for any text, a range of whole numbers, or the options.

    Without a `default` it must be given, unless it is `optional`: then it is None.
    """

    name: str
    meaning: str
    legal: range | tuple[str, ...] | None = None
    default: str | int | None = None
    optional: bool = False
    example: str = ""

    @property
    def required(self) -> bool:
        """Whether it must be given."""
        return self.default is None and not self.optional

    @property
    def rule(self) -> str:
        """What it must be, as the end of a sentence."""
        if isinstance(self.legal, range):
            return f"a whole number from {self.legal[0]:,} to {self.legal[-1]:,}"
        return "one of " + ", ".join(self.legal) if self.legal else "a text"

    def read(self, text: str) -> str | int:
        """The value of what was written; raises `Refusal`."""
        if self.legal is None:
            return text
        if isinstance(self.legal, range):
            # `int` also takes spaces, underscores and digits of other scripts.
            if text.isascii() and text.isdecimal() and len(text) < 10 and int(text) in self.legal:
                return int(text)
        elif text in self.legal:
            return text
        raise Refusal(400, f"{self.name} must be {self.rule}, not {quoted(text)}.")

    def schema(self) -> dict[str, Any]:
        """The parameter's values as JSON Schema."""
        found: dict[str, Any] = {"type": "string"}
        if isinstance(self.legal, range):
            found = {"type": "integer", "minimum": self.legal[0], "maximum": self.legal[-1]}
        elif self.legal:
            found |= {"enum": list(self.legal)}
        return found if self.default is None else found | {"default": self.default}


def quoted(text: str) -> str:
    """A bit of what somebody sent, for a sentence: `“abc”`."""
    return f"“{text[:QUOTED]}{'…' if len(text) > QUOTED else ''}”"


def values(parameters: Sequence[Parameter], query: bytes) -> dict[str, Any]:
    """The value of every parameter; what is unknown, given twice or missing raises `Refusal`."""
    known = {one.name: one for one in parameters}
    takes = f"It takes {', '.join(known)}." if known else "It takes none."
    found: dict[str, Any] = {}
    for name, text in _pairs(query):
        if name not in known:
            raise Refusal(400, f"{quoted(name)} is no parameter of this route. {takes}")
        if name in found:
            raise Refusal(400, f"{name} is given twice. Give it once.")
        found[name] = known[name].read(text)
    missing = [one.name for one in parameters if one.required and one.name not in found]
    if missing:
        raise Refusal(400, f"{missing[0]} is missing. {takes}")
    return {one.name: one.default for one in parameters} | found


def _pairs(query: bytes) -> list[tuple[str, str]]:
    if len(query) > LONGEST:
        raise Refusal(
            414, f"The address has {len(query):,} characters after “?”; at most {LONGEST:,} fit."
        )
    try:
        text = query.decode()
        return parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=MOST)
    except ValueError:
        raise Refusal(
            400, f"The address cannot be read: write UTF-8, and at most {MOST} parameters."
        ) from None
