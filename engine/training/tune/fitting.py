"""What a tuning trains, and on which windows: the plan, the model prepared for it, its batches."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from itertools import islice

import numpy as np
import torch
from peft import LoraConfig, get_peft_model
from torch import nn
from transformers import GPT2LMHeadModel, PreTrainedTokenizerFast

from engine.training import tales_gpt
from engine.training.fit.attention import NAME as PRODUCTS
from engine.training.fit.watched import Course
from engine.tuning import datasets
from engine.tuning.adapters import Method
from engine.tuning.plans import MATRICES, Tuning

LENGTH = 64  # tokens of a window
ROWS = 12  # windows of a batch
HELD_OUT = 12  # windows that are measured
TEXTS, MEASURED = 4000, 300  # sentences to train on, to measure with
RATES: dict[Method, float] = {"low-rank": 2e-3, "all": 5e-4}


def prepared(model: GPT2LMHeadModel, plan: Tuning) -> nn.Module:
    """The model with what is to be trained: all of it, or factors of low rank beside matrices."""
    torch.manual_seed(plan.seed)
    model.set_attn_implementation(PRODUCTS)
    if plan.method == "all":
        return model
    config = LoraConfig(
        r=plan.rank,
        lora_alpha=plan.alpha,  # type: ignore[arg-type]
        target_modules=list(MATRICES[plan.matrices]),
        fan_in_fan_out=True,  # GPT-2 keeps its matrices as [in, out]
        task_type="CAUSAL_LM",
    )
    with warnings.catch_warnings():
        # peft 0.21 asks a model by a name that transformers 5.23 has renamed.
        warnings.simplefilter("ignore", FutureWarning)
        return get_peft_model(model, config)


def course(plan: Tuning, seconds: float) -> Course:
    """How long it goes on and how fast it learns."""
    return Course(plan.steps, RATES[plan.method], seconds)


def batches(tokenizer: PreTrainedTokenizerFast, plan: Tuning) -> Iterator[torch.Tensor]:
    """Windows of the set's sentences, for ever."""
    texts = list(islice(datasets.texts(plan.dataset, plan.seed), TEXTS))
    stream = tales_gpt.encode(tokenizer, texts)
    rng = np.random.default_rng(plan.seed)
    for ids in tales_gpt.windows(stream, ROWS, length=LENGTH, rng=rng):
        yield torch.from_numpy(ids)


def held_out(tokenizer: PreTrainedTokenizerFast, plan: Tuning) -> torch.Tensor:
    """Windows of held-out sentences, always the same."""
    texts = list(islice(datasets.texts(plan.dataset, 2, held_out=True), MEASURED))
    stream = tales_gpt.encode(tokenizer, texts)
    rng = np.random.default_rng(0)
    return torch.from_numpy(next(tales_gpt.windows(stream, HELD_OUT, length=LENGTH, rng=rng)))
