"""What a tuning gave and took: measured on the tuned bundle, through the engine that shows it.

In: an adapter. Out: its card with bits per byte of held-out sentences of its own kind, of another
text (what was forgotten), and the share of right answers where there are any.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from peft import PeftModel, get_peft_model_state_dict
from torch import nn

from engine.export.weights.texts import ALICE, AUSTEN, DARWIN, LINCOLN
from engine.models import bundle, runtime
from engine.models.runtime import Bundle
from engine.training import corpora
from engine.training.measures import figures
from engine.tuning import datasets, merging, tensors
from engine.tuning.adapters import Adapter, Card, Change, Pair
from engine.tuning.plans import Tuning

OWN, ASKED, TALES = 40, 60, 30  # held-out sentences, questions, documents of tales
PASSAGES = (ALICE, AUSTEN, DARWIN, LINCOLN)
OLD_PROSE = "four passages of old prose (Carroll, Austen, Darwin, Lincoln)"
TIED = "transformer.wte.weight"


def stored(
    model: nn.Module, plan: Tuning, before: Mapping[str, torch.Tensor]
) -> dict[str, np.ndarray]:
    """What is to be kept, in float16: the factors, or the change of every weight."""
    if plan.method == "low-rank":
        assert isinstance(model, PeftModel)
        found = get_peft_model_state_dict(model)
    else:
        now = model.state_dict()
        found = {name: now[name] - before[name] for name in before if name != TIED}
    return {name: value.detach().numpy().astype(np.float16) for name, value in found.items()}


def save(arrays: Mapping[str, np.ndarray], path: Path) -> str:
    """Write the tensors; their file's digest."""
    tensors.write(path, arrays)
    return bundle.digest(path)


def measured(card: Card, changes: Mapping[str, Change], base: Path, corpus: Path | None) -> Card:
    """The card with its figures."""
    others, told = PASSAGES, OLD_PROSE
    if corpus is not None:
        others = tuple(corpora.prose(corpus).held_out[:TALES])
        told = f"{len(others)} held-out tales"
    with tempfile.TemporaryDirectory() as scratch:
        out = Path(scratch) / "tuned"
        merging.merge(base, Adapter(card, base, changes), out)
        pairs = [runtime.open_bundle(folder) for folder in (base, out)]
        found = replace(
            card,
            learnt=_bits(pairs, list(islice(datasets.texts(card.dataset, 3, held_out=True), OWN))),
            forgotten=_bits(pairs, others),
            other_text=told,
            answers=_answers(pairs, card.dataset),
        )
        runtime.forget(out)
    return found


def _bits(pairs: Sequence[Bundle], texts: Sequence[str]) -> Pair:
    return Pair(*(round(figures.bits_per_byte(one, texts), 4) for one in pairs))


def _answers(pairs: Sequence[Bundle], dataset: str) -> Pair | None:
    if not datasets.DATASETS[dataset].labelled:
        return None
    asked = datasets.questions(dataset, ASKED)
    return Pair(*(round(_right(one, asked), 4) for one in pairs))


def _right(opened: Bundle, asked: Sequence[tuple[str, str]]) -> float:
    return sum(figures.answered(opened, text) == answer for text, answer in asked) / len(asked)
