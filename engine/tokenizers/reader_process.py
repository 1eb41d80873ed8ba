"""The process that reads texts by one tokenizer from outside; `reader_pool` starts and asks it.

    python -m engine.tokenizers.reader_process PATH SECONDS

It says what the tokenizer is, then answers questions, each within so many seconds of computing:
{"texts", "pair", "ends", "names"} become `Tokens`; {"stages"}, {"normalise"} and {"raw_words"} are
the steps of a text before the algorithm, see `tokenization_steps`.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any

from engine.errors import BrokenBundle, EngineError, NotOffered
from engine.jobs.child import questions, say
from engine.tokenizers.packing import packed
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
        options = {name: question[name] for name in ("ends", "names") if name in question}
        second = question.get("pair")
        found = (read(reader, text, second=second, **options) for text in question["texts"])
        return {"texts": [packed(one) for one in found]}
    rules = _rules(reader)
    if "stages" in question:
        return asdict(rules.stages(question["stages"]))
    if "normalise" in question:
        return {"text": rules.normalise(question["normalise"])}
    return {"words": rules.raw_words(question["raw_words"])}


@cache
def _rules(reader: Reader) -> Cutter:
    # Once a process: they are read from the whole vocabulary.
    return Cutter(reader.tokenizer)


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
        return Reader(path)
    except BrokenBundle as error:
        why = str(error).partition("(")[2].rpartition(")")[0]
        raise NotOffered(f"This tokenizer.json cannot be read ({why}).") from None


if __name__ == "__main__":
    main(sys.argv[1:])
