"""Checkpoint in, bundle out: the stages of an export, in order (`place` is where it happens)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import onnx_ir as ir
import torch
import transformers
from tokenizers import Tokenizer
from transformers import PreTrainedModel

from engine.errors import ExportFailed
from engine.export.card import make_card, write_card
from engine.export.families import Layout
from engine.export.graphs.capture import NAME
from engine.export.graphs.convert import convert
from engine.export.graphs.graph import Graph, graphs
from engine.export.graphs.keeping import gate
from engine.export.model import limit, rows
from engine.export.pair_head import attach
from engine.export.proof import check, open_graph
from engine.export.remarks import remarks
from engine.export.sources.hub import Checkpoint
from engine.export.sources.look import check_checkpoint
from engine.export.sources.place import aside
from engine.export.sources.rules import layout_of
from engine.export.sources.tokenizer import beyond, write_tokenizer
from engine.export.weights.agreement import agreement
from engine.export.weights.halves import halve
from engine.export.weights.int4 import four_or_eight
from engine.export.weights.int8 import quantize
from engine.export.weights.precision import halved, judge, notes, tables
from engine.export.weights.storage import Store, Stored, Weights, round_weights
from engine.export.weights.texts import TEXTS
from engine.models.bundle import Card, Precision
from engine.models.device import Device

Report = Callable[[str, float], None]  # a stage and the share of the whole work that is done

CPU = Device("cpu", "Running on the CPU, where every bundle can be compared.")
LEAST = 6  # tokens of a text that is read as a proof
TEXT = "The cat sat on the mat because it was warm, and then it slept for 12 hours."
PASSAGE = (
    f"{TEXT} When she came home in the evening, the house was dark and cold. Nobody had made a "
    "fire, and the letter lay on the table where she had left it. He had written that the ship "
    "would reach the harbour on Monday; now it was Thursday, and there was no news at all. A man "
    "in a blue coat crossed the street, looked up at the window and went away without a word."
)
ALIBI = (
    "Its attention adds the slope of its positions (ALiBi) once, as the model was trained; the "
    "eager attention of transformers adds it twice and gives other numbers."
)


def export(
    checkpoint: Checkpoint,
    out: Path,
    *,
    precision: Precision = "fp32",
    store: Store = "float32",
    device: Device = CPU,
    report: Report = lambda stage, progress: None,
) -> Card:
    """Make the bundle of a checkpoint at `out`, replacing what is there.

    `store` is how an fp32 bundle's matrices are written: rounded ones take less room on the disk,
    and what they stand for is computed with in float32. `device` is where the proof runs.
    """
    check_checkpoint(checkpoint, out)  # refused before anything large is read
    with aside(out) as folder:
        report("Reading the tokenizer", 0.0)
        tokenizer = write_tokenizer(checkpoint.folder, folder)
        report("Loading the model", 0.05)
        model, plan = load(checkpoint)
        modules = graphs(model, plan)
        with stored(model, precision, store) as forms:
            weights = Weights(folder, forms)
            outputs: set[str] = set()
            for done, (name, graph) in enumerate(modules.items()):
                report(f"Making {name}", 0.15 + 0.6 * done / len(modules))
                program = _converted(name, graph, checkpoint.name)
                gate(program)
                if precision == "int8":
                    quantize(program, forms)
                elif precision == "int4":
                    quantize(program, forms, four_or_eight(rows(model)))
                elif precision == "fp16-weights":
                    halve(program, weights)
                weights.move(program)
                ir.save(program, folder / name)
                outputs |= {value.name or "" for value in program.graph.outputs}
        report("Comparing with PyTorch", 0.75)
        # Said before the long part, and once more in the card and in the result.
        for note in beyond(tokenizer, rows(model)):
            report(note, 0.75)
        errors, read = proved(folder, modules, tokenizer, precision, device)
        report("Writing the card", 0.95)
        card = make_card(checkpoint, modules, outputs, tokenizer, weights, errors)
        card = replace(
            card, precision=precision, notes=(*card.notes, *notes(precision, errors, read))
        )
        if precision != "fp32":
            card = replace(card, title=f"{card.title} ({precision})")
        write_card(card, folder)
    report("Done", 1.0)
    return card


@contextmanager
def stored(
    model: PreTrainedModel, precision: Precision, store: Store
) -> Iterator[dict[str, Stored]]:
    """The forms that matrices are stored in, with the model as its graphs are to be made from."""
    if precision == "fp16":
        with halved(model) as forms:
            yield forms
    elif precision in ("int8", "int4"):
        yield tables(model)
    elif precision == "fp16-weights":
        yield round_weights(model, "float16")
    else:
        yield round_weights(model, store)


def proved(
    folder: Path,
    modules: dict[str, Graph],
    tokenizer: Tokenizer,
    precision: Precision,
    device: Device,
) -> tuple[dict[str, float], str]:
    """The errors of the graphs against PyTorch, and what was read for it, in words.

    Raises `ExportFailed` where they are too large.
    """
    graph = modules["model.onnx"]
    halves = precision == "fp16-weights"
    sessions = {name: open_graph(folder / name, device, halves=halves) for name in modules}
    read = ""
    if precision == "int8":
        errors = agreement(sessions, modules, [proof_ids(tokenizer, graph, PASSAGE, 128)])
    elif precision == "int4":
        texts = texts_read(tokenizer, graph)
        read = f"{len(texts)} texts of {sum(map(len, texts)):,} tokens in all"
        errors = agreement(sessions, modules, texts)
    else:
        errors = check(sessions, modules, proof_ids(tokenizer, graph, TEXT, 24))
    judge(errors, precision)
    return errors, read


def load(checkpoint: Checkpoint) -> tuple[PreTrainedModel, Layout]:
    """Load a checkpoint in float32, with our attention, and the layout that fits it.

    An encoder whose checkpoint lacks the output matrix is loaded without; any other gap is refused.
    """
    plan = layout_of(checkpoint.config, checkpoint.name)
    if checkpoint.config.get("alibi"):
        # Falcon's eager attention adds the slope twice, its other ones once as it was trained.
        plan = replace(plan, positions="alibi", reference="sdpa", notes=(ALIBI,))
    model, missing = _read(checkpoint, plan.head)
    if missing and plan.family == "encoder":
        model, missing = _read(checkpoint, plan.base)
        plan = plan.bare()
        missing = {name for name in missing if "pooler" not in name}
    if missing:
        raise ExportFailed(
            f"{checkpoint.name} lacks {len(missing)} of its weights ({sorted(missing)[0]}, say). "
            "Download it again, or choose the full model."
        )
    attach(model, checkpoint.folder)
    # Set afterwards: some families look the name up in a list of their own while they are built.
    model.set_attn_implementation(NAME)
    return model.eval(), replace(plan, notes=(*plan.notes, *remarks(model, plan)))


def _read(checkpoint: Checkpoint, kind: str) -> tuple[PreTrainedModel, set[str]]:
    """The model as a transformers class, and the weights that the checkpoint does not have."""
    try:
        model, info = getattr(transformers, kind).from_pretrained(
            checkpoint.folder,
            dtype=torch.float32,
            attn_implementation="eager",
            use_safetensors=True,
            local_files_only=True,
            trust_remote_code=False,
            output_loading_info=True,
        )
    except (OSError, ValueError, RuntimeError, KeyError, TypeError, AttributeError) as error:
        raise ExportFailed(
            f"{checkpoint.name} cannot be loaded ({_first_line(error)}). Download it again; if "
            "that does not help, its configuration and its weights do not fit each other."
        ) from None
    return model, set(info["missing_keys"])


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0][:200] if lines else type(error).__name__


def _converted(name: str, graph: Graph, source: str) -> ir.Model:
    try:
        return convert(graph)
    except Exception as error:  # the exporter raises whatever the model's code leads it to
        raise ExportFailed(
            f"{name} of {source} could not be made ({type(error).__name__}: "
            f"{_first_line(error)}). Please report the model's name."
        ) from error


def texts_read(tokenizer: Tokenizer, graph: Graph) -> list[list[int]]:
    """Texts that exist as ids that the model has; refuse where its tokenizer reads none of them."""
    found = []
    for text in TEXTS:
        with suppress(Exception):  # the library raises bare Exception
            found.append(_ids(tokenizer, graph, text, 128))
    found = [ids for ids in found if len(ids) >= LEAST]
    if not found:
        raise ExportFailed(
            "The model's tokenizer reads none of the texts on which int4 is measured, so nothing "
            "says what it would cost. Export it with --precision int8."
        )
    return found


def _ids(tokenizer: Tokenizer, graph: Graph, text: str, most: int) -> list[int]:
    """A text as ids that the model has, fewer than it has positions."""
    room = min((limit(graph.model, graph.layout) or most + 1) - 1, most)
    return [i for i in tokenizer.encode(text).ids if i < rows(graph.model)][:room]


def proof_ids(tokenizer: Tokenizer, graph: Graph, text: str, most: int) -> list[int]:
    """A fixed text as ids that the model has, fewer than it has positions.

    A tokenizer may not know the text: one without an unknown token raises, one of another script
    drops most of it. Then tokens of its vocabulary are taken as they come.
    """
    model = graph.model
    count = rows(model)
    room = min((limit(model, graph.layout) or most + 1) - 1, most)
    try:
        ids = _ids(tokenizer, graph, text, most)
    except Exception:  # the library raises bare Exception
        ids = []
    if len(ids) >= LEAST:
        return ids
    # Padding has no position in some families, which a text that is read never has either.
    padding = getattr(model.config, "pad_token_id", None)
    here = [i for i in sorted(set(tokenizer.get_vocab().values())) if i < count and i != padding]
    here = here or list(range(count))
    return [here[k % len(here)] for k in range(1, 13)][:room]
