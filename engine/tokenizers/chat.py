"""A conversation as the text that a chat model reads: its template, rendered.

In: the template that the model's maker wrote (Jinja), turns, and the names of the start and end
tokens. Out: the text. A template is a program from outside: it is run in Jinja's sandbox, in a
process of its own with bounds on time, memory and length. Knows nothing of tokens.

    python -m engine.tokenizers.chat      the process: one JSON object in, one out
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from engine.errors import NotOffered
from engine.jobs import processes

ROOT = Path(__file__).resolve().parents[2]
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
    try:
        done = subprocess.run(
            [sys.executable, "-m", "engine.tokenizers.chat"],
            cwd=ROOT,
            input=json.dumps(job),
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=SECONDS,
        )
    except subprocess.TimeoutExpired:
        raise NotOffered(
            f"The chat template of this model was stopped after {SECONDS:.0f} seconds."
        ) from None
    try:
        said = json.loads(done.stdout)
    except ValueError:
        raise NotOffered(
            "The chat template of this model was stopped: it took too much memory."
        ) from None
    if "error" in said:
        raise NotOffered(str(said["error"])[:300])
    return str(said["text"])


def main() -> None:
    """Render what comes on stdin."""
    processes.bound(MEMORY, SECONDS)
    job = json.loads(sys.stdin.read())
    try:
        said = {"text": _rendered(job)}
    except MemoryError:
        said = {"error": "The chat template of this model was stopped: it took too much memory."}
    except Exception as error:
        # A template may fail in any way: its own words are for the person to read.
        said = {"error": f"The model's chat template refuses this conversation ({error})."}
    json.dump(said, sys.stdout)


def _rendered(job: dict[str, Any]) -> str:
    # Jinja is imported by the process that renders, not by the app.
    from engine.tokenizers.templates import rendered

    return rendered(longest=LONGEST, **job)


if __name__ == "__main__":
    main()
