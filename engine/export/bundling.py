"""Checkpoint in, bundle out: the stages of an export, in order.

The bundle is written in a folder beside its place, whose name begins with a dot, and renamed when
it is complete and proved; whatever goes wrong before leaves nothing that is ever listed.
"""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import onnx_ir as ir
import torch
import transformers
from tokenizers import Tokenizer
from transformers import PreTrainedModel

from engine.bundle import Card
from engine.errors import ExportFailed
from engine.export.capture import NAME
from engine.export.card import make_card, write_card
from engine.export.convert import convert
from engine.export.families import Layout
from engine.export.graph import Graph, graphs
from engine.export.hub import Checkpoint
from engine.export.keeping import gate
from engine.export.look import layout_of
from engine.export.proof import check, judge
from engine.export.storage import Store, Weights, round_weights
from engine.export.tokenizer import write_tokenizer

Report = Callable[[str, float], None]  # a stage and the share of the whole work that is done

COPIES = 3  # of the weights in memory at the most: the model, the graph's, the session's
TEXT = "The cat sat on the mat because it was warm, and then it slept for 12 hours."


def export(
    checkpoint: Checkpoint,
    out: Path,
    *,
    store: Store = "float32",
    report: Report = lambda stage, progress: None,
) -> Card:
    """Make the bundle of a checkpoint at `out`, replacing what is there."""
    layout_of(checkpoint.config, checkpoint.name)  # refused before anything large is read
    check_room(checkpoint, out)
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
        judge(errors)
        report("Writing the card", 0.95)
        card = make_card(checkpoint, modules, outputs, tokenizer, weights, errors)
        write_card(card, folder)
    report("Done", 1.0)
    return card


def load(checkpoint: Checkpoint) -> tuple[PreTrainedModel, Layout]:
    """Load a checkpoint in float32, with our attention, and the layout that fits it.

    An encoder whose checkpoint lacks the output matrix is loaded without; any other gap is refused.
    """
    plan = layout_of(checkpoint.config, checkpoint.name)
    if checkpoint.config.get("alibi"):
        # Falcon's eager attention adds the slope twice, its other ones once as it was trained.
        plan = replace(plan, positions="alibi", reference="sdpa")
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
    # Set afterwards: some families look the name up in a list of their own while they are built.
    model.set_attn_implementation(NAME)
    return model.eval(), plan


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


def check_room(checkpoint: Checkpoint, out: Path) -> None:
    """Refuse, with the numbers, what would not fit in memory or on the disk."""
    needed = checkpoint.parameters * 4
    free = memory_free()
    if free is not None and needed * COPIES > free:
        raise ExportFailed(
            f"{checkpoint.name} needs about {needed * COPIES / 1e9:,.1f} GB of memory to be "
            f"exported; {free / 1e9:,.1f} GB are free. Choose a smaller model or close programs."
        )
    place = next(folder for folder in (out, *out.resolve().parents) if folder.exists())
    space = shutil.disk_usage(place).free
    if needed * 1.1 > space:
        raise ExportFailed(
            f"{checkpoint.name} needs {needed * 1.1 / 1e9:,.1f} GB on the disk of {place}; "
            f"{space / 1e9:,.1f} GB are free. Free some space and try again."
        )


def memory_free() -> int | None:
    """Bytes of memory that can be taken; None where the system does not say."""
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    found = {line.split(":")[0]: line.split()[1] for line in lines}
    return int(found["MemAvailable"]) * 1024 if "MemAvailable" in found else None


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
    _sweep(out)
    part.mkdir()
    try:
        yield part
        if out.exists():
            out.rename(old)
        part.rename(out)
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        free = shutil.disk_usage(out.parent).free
        raise ExportFailed(
            f"The disk of {out.parent} is full ({free / 1e6:,.0f} MB free). Free some space and "
            "try again; nothing half-made was kept."
        ) from None
    finally:
        shutil.rmtree(part, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)


def _sweep(out: Path) -> None:
    """Remove what exports of this bundle left that were killed; their process is gone."""
    for path in out.parent.glob(f".{out.name}.*-*"):
        process = path.name.rpartition("-")[2]
        if process.isdigit() and not _running(int(process)):
            shutil.rmtree(path, ignore_errors=True)


def _running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
