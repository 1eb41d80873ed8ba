"""The engine beside what people use today: the same weights, texts and threads, turn by turn.

Rivals are `transformers` (eager and compiled), TransformerLens, CTranslate2 and llama.cpp. Each is
a process of its own (`players`), so that none takes another's threads and the memory of each can be
told. Both sides are asked for the same: a trace gives the weights, the hidden states and the logits
of all places. Numbers are compared in the tests; here only time and memory.
"""

from __future__ import annotations

import math
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bench.app import SETTINGS
from bench.contest import Player, rival_python, turns
from bench.measure import Row, Times, alternating, versus
from bench.models import (
    MODELS,
    ROOT,
    SHIPPED,
    SMOL,
    TRANSLATORS,
    WRITERS,
    checkpoint,
    folder,
    smol,
)
from engine.settings import cores, settings

LENGTHS = (32, 128, 512, 1024)
WRITTEN, SOURCE = 40, 32
GREEDY = [{"temperature": 0.0}]
NAMES = {
    "atlas": "ours in float32",
    "int8": "ours in int8",
    "eager": "transformers",
    "compiled": "transformers compiled",
    "lens": "TransformerLens",
    "translator": "CTranslate2",
    "llamacpp": "llama.cpp (Q8_0)",
}
OUTSIDE = ("lens", "translator", "llamacpp")  # in an environment of their own


@contextmanager
def playing(model: str, *names: str) -> Iterator[dict[str, Player]]:
    """Players of one model, started together."""
    threads = settings().threads or cores()
    with ExitStack() as stack:
        found = {}
        for name in names:
            python = rival_python() if name in OUTSIDE else Path(sys.executable)
            if name in ("atlas", "int8"):
                place = folder(model, "int8" if name == "int8" else "fp32")
            else:
                place = smol() if name == "llamacpp" else checkpoint(model)
            script = "atlas" if name == "int8" else name
            found[name] = stack.enter_context(closing(Player(script, python, place, threads)))
        yield found


def given(player: Player, count: int) -> dict[str, Any]:
    """A text of about `count` tokens and its ids."""
    answer = player.ask("text", count=count)
    if "found" not in answer:
        raise RuntimeError(f"the engine cannot play: {player.missing}")
    return answer["found"]


def against(
    what: str, found: dict[str, Times | str], goals: dict[str, float], ours: str = "atlas"
) -> Iterator[Row]:
    """A row for each rival, with how many times faster we are."""
    mine = found[ours]
    for name, theirs in found.items():
        if name == ours:
            continue
        title = f"{what}, against {NAMES[name]}"
        if isinstance(mine, str) or isinstance(theirs, str):
            yield Row(title, f"not measured: {mine if isinstance(mine, str) else theirs}")
        else:
            yield versus(title, mine, theirs, goals.get(name))


def traces(quick: bool, *, models: tuple[str, ...] = tuple(MODELS)) -> list[Row]:
    """All weights and hidden states of texts of several lengths."""
    rows: list[Row] = []
    for model in models:
        # TransformerLens is for one tower: of two it gives no cache of both.
        others = ("eager",) if model in TRANSLATORS else ("eager", "lens")
        others += ("compiled",) if model in WRITERS else ()
        with playing(model, "atlas", *others) as players:
            for count in LENGTHS:
                if count > MODELS[model][2]:
                    continue
                text = given(players["atlas"], count)
                found = turns(players, {"do": "trace"} | text, **effort(quick))
                what = f"{model}, {len(text['ids'])} tokens"
                rows += against(what, found, {"eager": 1.5, "lens": 2.0})
                own = {"atlas": players["atlas"]}
                more = turns(own, {"do": "trace", "everything": True} | text, **effort(quick))[
                    "atlas"
                ]
                rows.append(Row(f"{what}, with scores, queries, keys, values too", str(more)))
    return rows


def decoding(quick: bool, *, models: tuple[str, ...] = WRITERS) -> list[Row]:
    """One greedy continuation, six settings of one prompt, and 8-bit numbers."""
    return every(models, lambda model: _decoding(model, quick))


def _decoding(model: str, quick: bool) -> Iterator[Row]:
    six = [told(setting) for setting in SETTINGS]
    others = ("eager", "compiled") if model == WRITERS[0] else ("eager",)
    with playing(model, "atlas", "int8", *others) as players:
        ids = given(players["atlas"], 16)["ids"]
        for what, written, faster, eight_faster in (
            ("one setting", GREEDY, 1.5, 1.8),
            ("six settings", six, 5.0, None),
        ):
            work = {"do": "write", "ids": ids, "settings": written, "count": WRITTEN}
            found = turns(players, work, **effort(quick))
            eight = {"int8": found.pop("int8"), "atlas": found["atlas"]}
            yield from against(f"{model}, {what}", found, {"eager": faster})
            goals = {"atlas": eight_faster} if eight_faster else {}
            yield from against(f"{model}, {what}, ours in int8", eight, goals, "int8")


def eight(quick: bool, *, models: tuple[str, ...] = (SMOL,)) -> list[Row]:
    """SmolLM2 in 8 bits: one row and six, beside llama.cpp; and beside ours in float32."""
    return every(models, lambda model: _eight(model, quick))


def _eight(model: str, quick: bool) -> Iterator[Row]:
    six = [told(setting) for setting in SETTINGS]
    with playing(model, "int8", "atlas", "llamacpp") as players:
        ids = given(players["atlas"], 16)["ids"]
        for what, written, faster in (("one setting", GREEDY, 1.0), ("six settings", six, 1.8)):
            work = {"do": "write", "ids": ids, "settings": written, "count": WRITTEN}
            found = turns(players, work, **effort(quick))
            goals = {"llamacpp": faster}
            yield from against(f"{model}, {what}, ours in int8", found, goals, "int8")


def told(setting: Any) -> dict[str, Any]:
    """The values of a `Sampling` that both understand."""
    names = ("temperature", "top_k", "top_p", "min_p")
    return {name: value for name, value in asdict(setting).items() if name in names and value}


def translation(quick: bool, *, models: tuple[str, ...] = TRANSLATORS) -> list[Row]:
    """A text of 32 tokens into 40, greedily and with four beams."""
    return every(models, lambda model: _translation(model, quick))


def _translation(model: str, quick: bool) -> Iterator[Row]:
    others = ("eager",) if model == "t5-small" else ("eager", "translator")
    with playing(model, "atlas", *others) as players:
        text = given(players["atlas"], SOURCE)
        for width, what in ((1, "greedy"), (4, "beam of 4")):
            work = {"do": "translate", "width": width, "count": WRITTEN} | text
            found = turns(players, work, **effort(quick))
            goals = {"eager": 3.0, "translator": 1 / 1.5} if width == 4 else {}
            if model == "fr-en":
                goals["translator"] = 1 / 1.2 if width == 4 else 1.0
            yield from against(f"{model}, {what}", found, goals)


def opening(quick: bool, *, models: tuple[str, ...] = ("gpt2-124m", "tales-gpt")) -> list[Row]:
    """A model opened anew in a process that has imported everything."""
    return every(models, lambda model: _opening(model, quick))


def _opening(model: str, quick: bool) -> Iterator[Row]:
    with playing(model, "atlas", "eager") as players:
        found = turns(players, {"do": "open"}, **effort(quick))
        yield from against(f"{model}, a bundle opened, from_pretrained", found, {})


def every(models: tuple[str, ...], measure: Callable[[str], Iterator[Row]]) -> list[Row]:
    """The rows of every model; one that cannot be made is said and stops nothing."""
    rows: list[Row] = []
    for model in models:
        try:
            rows += measure(model)
        except RuntimeError as error:
            rows.append(Row(model, f"not measured: {str(error)[:300]}"))
    return rows


def peaks(quick: bool, *, models: tuple[str, ...] = ("gpt2-124m", "marian-base")) -> list[Row]:
    """The most memory of a process that did one thing, imports and model included."""
    return every(models, _peaks)


def _peaks(model: str) -> Iterator[Row]:
    others: tuple[str, ...] = ("eager", "lens")
    write = {"settings": [told(setting) for setting in SETTINGS], "count": WRITTEN}
    jobs = [("trace", 512, {}), ("trace", 1024, {}), ("layers", 1024, {}), ("write", 16, write)]
    if model in TRANSLATORS:
        others = ("eager", "translator")
        jobs = [("translate", SOURCE, {"width": 4, "count": WRITTEN})]
    for do, count, more in jobs:
        if count > MODELS[model][2]:
            continue
        with playing(model, "atlas", *others) as players:
            text = given(players["atlas"], count)
            if do == "write":
                text = {"ids": text["ids"]}
            rows = [peak(model, player, do, text | more) for player in players.values()]
            yield from (row for row in rows if row.measured)


def peak(model: str, player: Player, do: str, work: dict[str, Any]) -> Row:
    """One player's memory after one work; no row where it does not know that work."""
    words = {"layers": "shown layer by layer", "trace": "a whole trace", "write": "six settings"}
    what = f"{model}, {len(work['ids'])} tokens, {words.get(do, 'a beam of 4')}: "
    answer = player.ask(do, **work)
    if "seconds" not in answer:
        unknown = "KeyError" in player.missing
        return Row(f"{what}{NAMES[player.name]}", "" if unknown else player.missing)
    mb = player.ask("memory")["mb"]
    goal = {"goal": "under 1,500 MB", "met": mb < 1500} if do == "layers" else {}
    return Row(f"{what}{NAMES[player.name]}", f"{mb:,.0f} MB", **goal)


def effort(quick: bool) -> dict[str, Any]:
    """How often, and for how long at most, a row is measured."""
    return {"times": 3, "seconds": 15.0} if quick else {"times": 9, "seconds": math.inf}


def processes(quick: bool) -> list[Row]:
    """A new Python, everything imported, the model loaded, one text read."""
    ours = f"""
from pathlib import Path
from engine.trace import tracing
from engine.models.runtime import open_bundle
from engine.values import Reading
bundle = open_bundle(Path({str(SHIPPED / "tales-gpt")!r}))
tracing.layers(bundle, Reading("m", "The cat sat on the mat"), "decoder")
"""
    theirs = f"""
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer
saved = {str(checkpoint("tales-gpt"))!r}
model = AutoModelForCausalLM.from_pretrained(saved, attn_implementation="eager")
model(torch.arange(6)[None], output_attentions=True, output_hidden_states=True)
"""
    found = alternating(
        {"ours": lambda: python(ours), "theirs": lambda: python(theirs)}, times=2 if quick else 9
    )
    what = "imports, model, first trace, against transformers"
    return [versus(what, found["ours"], found["theirs"], 3.0)]


def python(code: str) -> None:
    """Run a piece of Python in a process of its own."""
    offline = os.environ | {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_VERBOSITY": "error"}
    subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=offline, check=True, capture_output=True
    )
