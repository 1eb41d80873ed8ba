"""A conversation as the text that a chat model reads: its template, rendered.

In: the template that the model's maker wrote (Jinja), turns, and the names of the start and end
tokens. Out: the text. A template is a program from outside: it is run in Jinja's sandbox, in a
process of its own with bounds on time, memory and length. Knows nothing of tokens.

    python -m engine.tokenizers.chat      the process: a JSON line in, one out
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
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
    template: str,
    turns: Sequence[Turn],
    *,
    answer: bool,
    continued: bool = False,
    names: Mapping[str, str] | None = None,
    tools: Sequence[Mapping[str, Any]] | None = None,
    documents: Sequence[Mapping[str, Any]] | None = None,
) -> str:
    """Render a conversation; with `answer` it ends where the model begins to answer.

    With `continued` it ends inside the last turn instead. `names` are those of the special tokens,
    as `{"bos_token": "<s>"}`. Raises `NotOffered` where the template refuses, fails or takes too
    long.
    """
    job = {
        "template": template,
        "messages": [asdict(turn) for turn in turns],
        "answer": answer,
        "continued": continued,
        "names": dict(names or {}),
        "tools": tools,
        "documents": documents,
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
    # Jinja is imported by the process that renders, not by the app.
    from engine.tokenizers.templates import rendered

    return rendered(longest=LONGEST, **job)


if __name__ == "__main__":
    main()
