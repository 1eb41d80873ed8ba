"""Checkpoint in, bundle out: the stages of an export, in order.

The bundle is written in a folder beside its place, whose name begins with a dot, and renamed when
it is complete and proved; whatever goes wrong before leaves nothing that is ever listed.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Literal

import onnx_ir as ir
import torch
import transformers
from tokenizers import Tokenizer
from transformers import PreTrainedModel

from engine.bundle import Card
from engine.export.capture import NAME
from engine.export.card import make_card, write_card
from engine.export.convert import convert
from engine.export.families import Layout, layout
from engine.export.graph import graphs
from engine.export.hub import Checkpoint
from engine.export.keeping import gate
from engine.export.proof import check, judge
from engine.export.storage import Store, Weights, round_weights
from engine.export.tokenizer import write_tokenizer

Precision = Literal["fp32", "fp16", "int8"]
Report = Callable[[str, float], None]  # a stage and the share of the whole work that is done

TEXT = "The cat sat on the mat because it was warm, and then it slept for 12 hours."


def export(
    checkpoint: Checkpoint,
    out: Path,
    *,
    precision: Precision = "fp32",
    store: Store = "float32",
    report: Report = lambda stage, progress: None,
) -> Card:
    """Make the bundle of a checkpoint at `out`, replacing what is there."""
    with aside(out) as folder:
        report("Reading the tokenizer", 0.0)
        tokenizer = write_tokenizer(checkpoint.folder, folder)
        report("Loading the model", 0.05)
        model, plan = load(checkpoint)
        weights = Weights(folder, round_weights(model, store))
        modules = graphs(model, plan)
        outputs: set[str] = set()
        for done, (name, graph) in enumerate(modules.items()):
            report(f"Making {name}", 0.15 + 0.6 * done / len(modules))
            program = convert(graph)
            gate(program)
            weights.move(program)
            ir.save(program, folder / name)
            outputs |= {value.name or "" for value in program.graph.outputs}
        report("Comparing with PyTorch", 0.75)
        errors = check(folder, modules, proof_ids(tokenizer, model))
        judge(errors, precision)
        report("Writing the card", 0.95)
        card = make_card(checkpoint, modules, outputs, tokenizer, weights, errors, precision)
        write_card(card, folder)
    report("Done", 1.0)
    return card


def load(checkpoint: Checkpoint) -> tuple[PreTrainedModel, Layout]:
    """Load a checkpoint in float32, with our attention, and the layout that fits it."""
    plan = layout(checkpoint.model_type)
    if checkpoint.config.get("alibi"):
        # Falcon's eager attention adds the slope twice, its other ones once as it was trained.
        plan = replace(plan, positions="alibi", reference="sdpa")
    named = checkpoint.config.get("architectures") or [plan.head]
    bare = plan.family == "encoder" and plan.base in named
    kind = getattr(transformers, plan.base if bare else plan.head)
    model = kind.from_pretrained(
        checkpoint.folder,
        dtype=torch.float32,
        attn_implementation="eager",
        use_safetensors=True,
        local_files_only=True,
        trust_remote_code=False,
    )
    # Set afterwards: some families look the name up in a list of their own while they are built.
    model.set_attn_implementation(NAME)
    return model.eval(), plan.bare() if bare else plan


def proof_ids(tokenizer: Tokenizer, model: PreTrainedModel) -> list[int]:
    """The fixed text as ids, between 6 and 24 of them."""
    ids = tokenizer.encode(TEXT).ids[:24]
    # A tokenizer with hardly any vocabulary may drop most of the text.
    return ids if len(ids) >= 6 else [k % model.config.vocab_size for k in range(1, 13)]


@contextmanager
def aside(out: Path) -> Iterator[Path]:
    """A folder to write into that takes the place of `out` when the block ends well."""
    out = out.resolve()
    out.parent.mkdir(parents=True, exist_ok=True)
    part = out.parent / f".{out.name}.part-{os.getpid()}"
    old = out.parent / f".{out.name}.old-{os.getpid()}"
    part.mkdir()
    try:
        yield part
        if out.exists():
            out.rename(old)
        part.rename(out)
    finally:
        shutil.rmtree(part, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)
