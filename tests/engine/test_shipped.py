"""The three models in the repository compute what PyTorch computes with the same weights.

The tiny random models of the other tests have every shape; these have trained weights: attention
that is sharp, logits that are far apart, texts that end.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch")

import torch

from engine.decoding.beams import Search
from engine.decoding.continuation import Line
from engine.decoding.generation import generate
from engine.decoding.sampling import Sampling
from engine.decoding.translation import translate_all
from engine.models.runtime import Bundle, open_bundle
from engine.tokenizers.tokens import tokenize
from engine.training.shipping import SHIPPED
from engine.values import Reading
from tests.engine.parity import TOLERANCE, equals_pytorch
from tests.engine.reference import TEXTS, batch, error, generated, run
from tests.engine.restored import restored

MODELS = Path(__file__).parents[2] / SHIPPED
BATCHES = (*((text,) for text in TEXTS), TEXTS)  # each alone, then all in one padded batch
FRENCH = (
    "Bonjour.",
    "Le chat dort sur le tapis.",
    "Où est l'hôtel, s'il vous plaît ?",
    "Il fait très chaud aujourd'hui, et je n'ai rien à boire.",
    "Je ne sais pas pourquoi elle est partie si tôt hier soir sans dire un mot à personne.",
)


@pytest.mark.parametrize("name", ["tales-gpt", "tales-bert", "fr-en"])
def test_logits_hidden_states_and_attention_equal_pytorch(name: str) -> None:
    for texts in BATCHES:
        equals_pytorch(MODELS / name, restored(MODELS / name), texts)


@pytest.mark.parametrize("name", ["tales-gpt", "tales-bert"])
def test_the_last_hidden_state_equals_pytorch(name: str) -> None:
    model, writes = restored(MODELS / name), name == "tales-gpt"
    ids, mask = batch(MODELS / name, TEXTS, left=writes)
    got = run(MODELS / name / "model.onnx", input_ids=ids, attention_mask=mask)
    call = {"input_ids": torch.from_numpy(ids), "attention_mask": torch.from_numpy(mask)}
    if writes:
        call["position_ids"] = (call["attention_mask"].cumsum(-1) - 1).clamp(min=0)
    with torch.no_grad():
        last = model(**call, output_hidden_states=True).hidden_states[-1].numpy()
        ours = got[f"hidden.{model.config.num_hidden_layers}"]
        if writes:  # ours is before the final norm
            ours = model.transformer.ln_f(torch.from_numpy(ours)).numpy()
    assert error(ours[mask == 1], last[mask == 1]) <= TOLERANCE


@pytest.mark.parametrize("width", [1, 2, 4])
@pytest.mark.parametrize("name", ["fr-en"])
def test_translation_of_a_padded_batch_equals_generate(name: str, width: int) -> None:
    bundle = open_bundle(MODELS / name)
    search = Search(width, limit=40)
    readings = [Reading(name, text) for text in FRENCH]
    expected = generated(
        restored(MODELS / name), bundle, FRENCH, search, [bundle.card.generation.start]
    )
    for mine, theirs in zip(translate_all(bundle, readings, search), expected, strict=True):
        assert [hypothesis.ids for hypothesis in mine.found.hypotheses] == [
            ids for ids, _ in theirs
        ]


@pytest.mark.parametrize("beams", [1, 2, 4])
@pytest.mark.parametrize("name", ["tales-gpt"])
def test_writing_equals_generate_of_a_padded_batch(name: str, beams: int) -> None:
    bundle = open_bundle(MODELS / name)
    prompts = ("Once upon a time", "The king", "She opened the door, and there stood a")
    line = Line(beams=beams) if beams > 1 else Line(Sampling(temperature=0))
    mine = [written(bundle, prompt, line) for prompt in prompts]
    assert mine == continued(restored(MODELS / name), bundle, prompts, beams)


def written(bundle: Bundle, prompt: str, line: Line) -> list[int]:
    """What our engine writes after a prompt."""
    ids = tokenize(bundle, prompt).ids.tolist()
    steps = generate(bundle, ids, [line], seed=0, limit=24)
    return [token.id for step in steps for token in step.written]


def continued(model: Any, bundle: Bundle, prompts: tuple[str, ...], beams: int) -> list[list[int]]:
    """What `generate` writes after prompts that are padded on the left to one length."""
    rows = [tokenize(bundle, prompt).ids.tolist() for prompt in prompts]
    length = max(map(len, rows))
    ends = bundle.card.generation.ends
    out = model.generate(
        torch.tensor([[ends[0]] * (length - len(row)) + row for row in rows]),
        attention_mask=torch.tensor([[0] * (length - len(row)) + [1] * len(row) for row in rows]),
        do_sample=False,
        num_beams=beams,
        max_new_tokens=24,
        length_penalty=1.0 if beams > 1 else None,
        early_stopping=False if beams > 1 else None,
        eos_token_id=list(ends),
        pad_token_id=ends[0],
    )[:, length:].tolist()
    first = [next((at for at, i in enumerate(row) if i in ends), len(row)) for row in out]
    return [row[: at + 1] for row, at in zip(out, first, strict=True)]
