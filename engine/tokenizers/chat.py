"""A conversation as the text that a chat model reads: its template, rendered.

In: the template that the model's maker wrote (Jinja), turns, and the names of the start and end
tokens. Out: the text. A template is a program from outside: it is run in Jinja's sandbox, in a
process of its own with bounds on time, memory and length. Knows nothing of tokens.

    python -m engine.tokenizers.chat      the process: a JSON line in, one out
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from engine.errors import NotOffered
from engine.jobs.child import questions, say
from engine.jobs.processes import Child, Limits
from engine.policy import WITHOUT_TOKEN

ROLES = ("user", "assistant", "system")
SECONDS = 10.0
MEMORY = 10**9
LONGEST = 100_000
"""Characters of a rendered conversation."""


@dataclass(frozen=True, slots=True)
class Turn:
    """What one side said."""

    role: str
    content: str


def render(
    template: str, turns: Sequence[Turn], *, answer: bool, start: str = "", end: str = ""
) -> str:
    """Render a conversation; with `answer` it ends where the model begins to answer.

    `start` and `end` are the names of the model's first and last token. Raises `NotOffered` where
    the template refuses, fails or takes too long.
    """
    job = {
        "template": template,
        "messages": [asdict(turn) for turn in turns],
        "answer": answer,
        "start": start,
        "end": end,
    }
    argv = [sys.executable, "-m", "engine.tokenizers.chat"]
    extra = {**WITHOUT_TOKEN, "ATLAS_ADMIN_KEY": ""}
    child = Child(argv, limits=Limits(MEMORY, 2 * SECONDS), extra=extra)
    try:
        said = child.ask(job, SECONDS)
    finally:
        late = child.late
        child.kill()
    if said is None and late:
        raise NotOffered(
            f"The chat template of this model was stopped after {SECONDS:.0f} seconds."
        )
    if said is None:
        raise NotOffered("The chat template of this model was stopped: it took too much memory.")
    if "error" in said:
        raise NotOffered(str(said["error"])[:300])
    return str(said["text"])


def main() -> None:
    """Render what is asked."""
    for job in questions():
        try:
            say(text=_rendered(job))
        except MemoryError:
            say(error="The chat template of this model was stopped: it took too much memory.")
        except Exception as error:
            # A template may fail in any way: its own words are for the person to read.
            say(error=f"The model's chat template refuses this conversation ({error}).")


def _rendered(job: dict[str, Any]) -> str:
    environment = _environment()
    template = environment.from_string(job["template"])
    parts, size = list[str](), 0
    for part in template.generate(
        messages=job["messages"],
        add_generation_prompt=job["answer"],
        bos_token=job["start"],
        eos_token=job["end"],
    ):
        size += len(part)
        if size > LONGEST:
            raise ValueError(f"it writes more than {LONGEST:,} characters")
        parts.append(part)
    return "".join(parts)


def _environment() -> Any:
    """Jinja as transformers sets it up for templates."""
    from jinja2 import nodes
    from jinja2.exceptions import TemplateError
    from jinja2.ext import Extension
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    class Generation(Extension):
        """`{% generation %}` marks what the model wrote, for training: it changes no text."""

        tags = {"generation"}

        def parse(self, parser: Any) -> list[nodes.Node]:
            next(parser.stream)
            return parser.parse_statements(("name:endgeneration",), drop_needle=True)

    def refuse(why: str) -> None:
        raise TemplateError(why)

    found = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[Generation, "jinja2.ext.loopcontrols"]
    )
    found.globals["raise_exception"] = refuse
    found.globals["strftime_now"] = lambda form: datetime.now().strftime(form)
    found.filters["tojson"] = lambda value, indent=None: json.dumps(
        value, ensure_ascii=False, indent=indent
    )
    return found


if __name__ == "__main__":
    main()
