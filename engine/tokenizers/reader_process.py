"""The process that reads texts by one tokenizer from outside; `reader_pool` starts and asks it.

    python -m engine.tokenizers.reader_process PATH SECONDS

It says what the tokenizer is, then answers questions, each within so many seconds of computing:
{"read", "second", "ends", "names"} becomes `Tokens`, as does each of {"texts"}; {"stages"} goes
through the stages before the algorithm; {"most_split"} says which word was split most, and why.
Arrays travel as bytes in base 64: long lists in JSON would hold the app's interpreter while they
are read.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from engine.errors import BrokenBundle, EngineError, NotOffered
from engine.jobs.child import questions, say
from engine.tokenizers.causes import most_split
from engine.tokenizers.encoded import packed
from engine.tokenizers.reader import Reader
from engine.tokenizers.tokenization_steps import Cutter
from engine.tokenizers.tokens import read


def main(arguments: list[str]) -> None:
    """Read the file, say what it is, then answer."""
    path, seconds = arguments
    try:
        reader = _opened(Path(path))
    except EngineError as error:
        say(error=str(error))
        return
    say(
        algorithm=type(reader.tokenizer.model).__name__,
        vocabulary=reader.tokenizer.get_vocab_size(with_added_tokens=True),
    )
    for question in questions(float(seconds)):
        try:
            say(**_answered(reader, question))
        except Exception as error:  # the library raises bare Exception
            say(error=f"This tokenizer cannot cut the text ({str(error)[:120]}).")


def _answered(reader: Reader, question: dict[str, Any]) -> dict[str, Any]:
    if "texts" in question:
        texts = [read(reader, text) for text in question["texts"]]
        # The app does not open this file: it cannot name a piece.
        return {"texts": [{**packed(one), "pieces": one.pieces} for one in texts]}
    if "stages" in question:
        return asdict(Cutter(reader.tokenizer).stages(question["stages"]))
    if "most_split" in question:
        found = most_split(Cutter(reader.tokenizer), read(reader, question["most_split"]))
        return {"found": None if found is None else asdict(found)}
    return packed(
        read(
            reader,
            question["read"],
            second=question["second"],
            ends=question["ends"],
            names=question["names"],
        )
    )


def _opened(path: Path) -> Reader:
    try:
        plan = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise NotOffered(
            f"The file is not a tokenizer.json: it is no JSON ({str(error)[:80]})."
        ) from None
    if not isinstance(plan, dict) or not isinstance(plan.get("model"), dict):
        raise NotOffered("The file is JSON, but not a tokenizer.json: it has no “model” in it.")
    try:
        return Reader(path, here=True)
    except BrokenBundle as error:
        why = str(error).partition("(")[2].rpartition(")")[0]
        raise NotOffered(f"This tokenizer.json cannot be read ({why}).") from None


if __name__ == "__main__":
    main(sys.argv[1:])
