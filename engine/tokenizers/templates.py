"""A chat template rendered as `apply_chat_template` of transformers does, without importing it.

In: the template (Jinja), messages, the names of the special tokens, tools and documents. Out: the
text. Whatever a template can see there it sees here: `messages`, `tools` and `documents` (None
where there are none), `add_generation_prompt`, `bos_token` and its kin; `raise_exception`,
`strftime_now`, `tojson` with its options, `namespace`, `dict`, loop controls, `{% generation %}`.
It runs in Jinja's sandbox; bounds on time and memory are the caller's (`engine.tokenizers.chat`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from jinja2 import nodes
from jinja2.exceptions import SecurityError, TemplateError
from jinja2.ext import Extension
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import Namespace

Messages = Sequence[Mapping[str, Any]]
CUT = "CONTINUE_FINAL_MESSAGE_TAG "
"""Put at the end of a last message that is to be continued, and cut off with all behind it.

The very words of transformers, as a template may count the characters of a message."""
NAMES = ("bos", "eos", "unk", "sep", "pad", "cls", "mask")
"""The special tokens that a template knows by name: `bos_token` and so on."""


def rendered(
    template: str,
    messages: Messages,
    *,
    answer: bool = False,
    continued: bool = False,
    names: Mapping[str, str] | None = None,
    tools: Sequence[Mapping[str, Any]] | None = None,
    documents: Sequence[Mapping[str, Any]] | None = None,
    longest: int = 100_000,
) -> str:
    """The text of a conversation.

    With `answer` it ends where the model begins to answer, with `continued` inside the last
    message, so that the model goes on with it. Raises what the template raises, and `ValueError`
    where the text is longer than `longest` or the last message cannot be continued.
    """
    if answer and continued:
        raise ValueError("either the model answers or it continues the last message, not both")
    # What is None is as if it were not there: many templates would write the word “None”.
    given = [{key: value for key, value in one.items() if value is not None} for one in messages]
    if continued:
        _mark_last(given, template)
    parts, size = list[str](), 0
    compiled = environment().from_string(template)
    for part in compiled.generate(
        **{
            **(names or {}),
            "messages": given,
            "tools": tools,
            "documents": documents,
            "add_generation_prompt": answer,
        }
    ):
        size += len(part)
        if size > longest:
            raise ValueError(f"it writes more than {longest:,} characters")
        parts.append(part)
    text = "".join(parts)
    return _cut(text) if continued else text


def _mark_last(messages: list[dict[str, Any]], template: str) -> None:
    content = messages[-1].get("content") if messages else None
    if not isinstance(content, str) or "content" not in template:
        raise ValueError("the last message has no text that could be continued")
    messages[-1]["content"] = content + CUT


def _cut(text: str) -> str:
    """The text up to the end of the last message; its spaces go where the template took them."""
    at = text.rfind(CUT.strip())
    if at < 0:
        raise ValueError("the template does not write the last message as it is")
    return text[:at] if text.startswith(CUT, at) else text[:at].rstrip()


class _Generation(Extension):
    """`{% generation %}` marks what the model wrote, for training: a scope, and no other effect."""

    tags = {"generation"}

    def parse(self, parser: Any) -> nodes.Node:
        line = next(parser.stream).lineno
        body = parser.parse_statements(("name:endgeneration",), drop_needle=True)
        return nodes.CallBlock(self.call_method("_written"), [], [], body).set_lineno(line)

    def _written(self, caller: Any) -> Any:
        return caller()


class _Namespace(Namespace):
    """Jinja's namespace without names that begin with an underscore."""

    def __init__(*args: Any, **given: Any) -> None:
        self, *rest = args
        values = dict(*rest, **given)
        for name in values:
            _check(name)
        Namespace.__init__(self, values)

    def __setitem__(self, name: str, value: Any) -> None:
        _check(name)
        Namespace.__setitem__(self, name, value)


def _check(name: object) -> None:
    if isinstance(name, str) and name.startswith("_"):
        raise SecurityError(f"a namespace takes no name that begins with an underscore: {name!r}")


class _Dict:
    """`dict(...)` and `dict.fromkeys(...)`, and nothing else of the type."""

    def __call__(self, *args: Any, **given: Any) -> dict[Any, Any]:
        return dict(*args, **given)

    def fromkeys(self, *args: Any) -> dict[Any, Any]:
        return dict.fromkeys(*args)


def _refuse(why: str) -> None:
    raise TemplateError(why)


def _json(
    value: Any,
    ensure_ascii: bool = False,
    indent: int | str | None = None,
    separators: tuple[str, str] | None = None,
    sort_keys: bool = False,
) -> str:
    return json.dumps(
        value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys
    )


def _now(form: str) -> str:
    return datetime.now().strftime(form)


def environment() -> ImmutableSandboxedEnvironment:
    """Jinja with what templates of models expect."""
    found = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[_Generation, "jinja2.ext.loopcontrols"]
    )
    found.globals |= {
        "raise_exception": _refuse,
        "strftime_now": _now,
        "dict": _Dict(),
        "namespace": _Namespace,
    }
    found.filters["tojson"] = _json
    return found
