"""The engine beside eager `transformers`: same shapes, same texts, same threads, turn by turn.

The rival is a model of the same configuration (random weights cost the same time), loaded as
people load it, with `output_attentions` and `output_hidden_states`, since that is what it takes
to see what the app shows. Numbers are compared elsewhere, in the tests.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np

from bench.app import MODELS, ROOT, SETTINGS
from bench.measure import Row, alternating, versus
from engine.sampling import Sampling

MADE = ROOT / "build" / "bench"
LENGTHS = (32, 128, 512)
WRITTEN = 40
SHIPPED, LARGE = "tales-gpt", "gpt2-124m"


def traces(quick: bool, *, large: bool = False) -> list[Row]:
    """Every layer's weights and hidden states of texts of several lengths."""
    from engine import tracing
    from engine.runtime import open_bundle
    from engine.values import Reading

    rows = []
    for name in (SHIPPED, LARGE)[: 1 + large]:
        bundle, rival = open_bundle(folder(name)), model(name)
        for count in LENGTHS:
            reading = Reading(name, text_of(bundle, count))
            ids = tracing.tokens(bundle, reading, "decoder").ids[None]
            found = alternating(
                {
                    "ours": lambda b=bundle, r=reading: tracing.layers(b, r, "decoder"),
                    "theirs": lambda m=rival, i=ids: forward(m, i),
                },
                times=3 if quick else 9,
            )
            what = f"{name}, {ids.shape[1]} tokens (ours with queries, keys, values, scores too)"
            rows.append(versus(what, found["ours"], found["theirs"], 1.5))
    return rows


def decoding(quick: bool, *, large: bool = False) -> list[Row]:
    """One greedy continuation, and six settings of one prompt, with keys and values kept."""
    rows = []
    for name in (SHIPPED, LARGE)[: 1 + large]:
        times = 2 if quick else 5
        one = alternating(
            {
                "ours": lambda n=name: write(n, SETTINGS[:1]),
                "theirs": lambda n=name: generate(n, SETTINGS[:1]),
            },
            times=times,
        )
        rows.append(versus(f"{name}, one setting", one["ours"], one["theirs"], 1.5))
        six = alternating(
            {
                "ours": lambda n=name: write(n, SETTINGS),
                "theirs": lambda n=name: generate(n, SETTINGS),
            },
            times=times,
        )
        what = f"{name}, six settings in a batch against six calls"
        rows.append(versus(what, six["ours"], six["theirs"], 5.0))
    return rows


def processes(quick: bool) -> list[Row]:
    """A new Python, everything imported, the model loaded, one text read."""
    ours = f"""
from pathlib import Path
from engine import tracing
from engine.runtime import open_bundle
from engine.values import Reading
bundle = open_bundle(Path({str(folder(SHIPPED))!r}))
tracing.layers(bundle, Reading("m", "The cat sat on the mat"), "decoder")
"""
    theirs = f"""
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer
saved = {str(checkpoint(SHIPPED))!r}
model = AutoModelForCausalLM.from_pretrained(saved, attn_implementation="eager")
model(torch.arange(6)[None], output_attentions=True, output_hidden_states=True)
"""
    found = alternating(
        {"ours": lambda: python(ours), "theirs": lambda: python(theirs)}, times=2 if quick else 5
    )
    return [versus("imports, model, first trace", found["ours"], found["theirs"], 3.0)]


def python(code: str) -> None:
    """Run a piece of Python in a process of its own."""
    offline = os.environ | {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_VERBOSITY": "error"}
    subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=offline, check=True, capture_output=True
    )


def write(name: str, settings: tuple[Sampling, ...]) -> None:
    """Continue a prompt with the engine, under all settings at once."""
    from engine.generation import Line, generate
    from engine.runtime import open_bundle

    lines = [Line(setting) for setting in settings]
    for _ in generate(open_bundle(folder(name)), PROMPT, lines, seed=1, limit=WRITTEN):
        pass


def generate(name: str, settings: tuple[Sampling, ...]) -> None:
    """Continue a prompt with `transformers`, a call for each setting."""
    import torch

    rival = model(name)
    for setting in settings:
        options: dict[str, Any] = {"do_sample": False}
        if setting.temperature:
            options = {name: getattr(setting, name) for name in FILTERS} | {"do_sample": True}
        ids = torch.tensor([PROMPT])
        rival.generate(
            ids,
            attention_mask=torch.ones_like(ids),
            min_new_tokens=WRITTEN,
            max_new_tokens=WRITTEN,
            pad_token_id=0,
            **options,
        )


PROMPT = list(range(300, 316))
FILTERS = ("temperature", "top_k", "top_p", "min_p")
_models: dict[str, Any] = {}


def model(name: str) -> Any:
    """The rival, loaded once, with as many threads as the engine uses."""
    if name not in _models:
        import torch
        from transformers import AutoModelForCausalLM

        from engine.settings import cores, settings

        torch.set_num_threads(settings().threads or cores())
        found = AutoModelForCausalLM.from_pretrained(checkpoint(name), attn_implementation="eager")
        _models[name] = found.eval()
    return _models[name]


def forward(rival: Any, ids: np.ndarray) -> None:
    """One forward pass that keeps attention weights and hidden states."""
    import torch

    with torch.no_grad():
        rival(torch.tensor(ids), output_attentions=True, output_hidden_states=True)


def folder(name: str) -> Path:
    """A model's bundle; the large one is exported when it is not there yet."""
    if name == SHIPPED:
        return MODELS / SHIPPED
    made = MADE / "models" / name
    if not made.exists():
        command = [sys.executable, "-m", "engine.export", str(checkpoint(name)), "--out", str(made)]
        subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    return made


def checkpoint(name: str) -> Path:
    """A checkpoint of a model's shape with random weights, as `save_pretrained` writes it."""
    made = MADE / "checkpoints" / name
    if not (made / "model.safetensors").exists():
        from transformers import GPT2Config, GPT2LMHeadModel

        GPT2LMHeadModel(GPT2Config(**shape(name))).save_pretrained(made)
        shutil.copy(MODELS / SHIPPED / "tokenizer.json", made)
    return made


def shape(name: str) -> dict[str, Any]:
    """GPT-2's own sizes, or those in the shipped model's card."""
    ends = {"bos_token_id": 0, "eos_token_id": 0}
    if name == LARGE:
        return ends
    card = json.loads((MODELS / name / "card.json").read_text(encoding="utf-8"))
    tower = card["decoder"]
    sizes = {"n_layer": tower["layers"], "n_head": tower["heads"], "n_embd": card["width"]}
    return ends | sizes | {"vocab_size": card["vocabulary"], "n_positions": card["limit"]}


def text_of(bundle: Any, count: int) -> str:
    """A text of `count` tokens, or as near below as whole words come."""
    from engine import tokens

    words = "the cat sat on the mat and the boy said that he was not there".split()
    many = " ".join(words[place % len(words)] for place in range(count))
    ends = tokens.tokenize(bundle, many).spans[:count, 1]
    return many[: int(ends[-1])].rsplit(" ", 1)[0]
