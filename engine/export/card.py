"""The card of a bundle, from a model and the files it was written to."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
from tokenizers import Tokenizer
from torch import Tensor
from transformers import PreTrainedModel
from transformers import __version__ as transformers_version

from engine.export.families import Layout
from engine.export.graphs.graph import Graph
from engine.export.model import experts, limit, module, predicts, rows, stack, takes_pairs, width
from engine.export.sources.hub import Checkpoint
from engine.export.sources.tokenizer import beyond, kind, named, settings_of, special
from engine.export.weights.storage import Weights
from engine.models.bundle import Card, Generation, Matrix, Stack
from engine.objectives.example import PAIR
from engine.trace import quantities
from engine.values import Side

VERSION = 2  # of the exporter: raise it when bundles come out differently


def make_card(
    checkpoint: Checkpoint,
    graphs: dict[str, Graph],
    outputs: set[str],
    tokenizer: Tokenizer,
    weights: Weights,
    errors: dict[str, float],
) -> Card:
    """Everything the app knows of a model without opening its graphs."""
    graph = graphs["model.onnx"]
    model, layout = graph.model, graph.layout
    decides = layout.family != "encoder"
    has_encoder = layout.encoder is not None
    # Before the digests: scales of small matrices are written when they are looked for.
    located = vectors(model, layout, weights)
    return Card(
        name=checkpoint.name,
        title=checkpoint.name.rsplit("/", 1)[-1],
        family=layout.family,
        architecture=model.config.model_type,
        encoder=_tower(graphs.get("encoder.onnx", graph), "encoder") if has_encoder else None,
        decoder=_tower(graph, "decoder") if decides else None,
        width=width(model),
        vocabulary=rows(model),
        positions=layout.positions,
        limit=limit(model, layout),
        precision="fp32",
        parameters=sum(parameter.numel() for parameter in model.parameters()),
        licence=checkpoint.licence,
        source=checkpoint.source,
        revision=checkpoint.revision,
        exporter=f"{VERSION} (transformers {transformers_version})",
        given=tuple(q.name for q in quantities.at("attention") if q.output() in outputs),
        files=digests(weights.folder),
        errors=errors,
        generation=generation(model, checkpoint.folder, tokenizer),
        vectors=located,
        predicts=predicts(model),
        pairs=takes_pairs(model) and layout.family == "encoder",
        mask=masking(model, checkpoint.folder, tokenizer) if not decides else None,
        tokenizer=kind(tokenizer),
        template=template(checkpoint.folder),
        named=named(checkpoint.folder) if template(checkpoint.folder) else {},
        rotary=rotary(model),
        follows=PAIR in outputs,
        experts=experts(model) if any(name.startswith("experts.") for name in outputs) else 0,
        notes=(
            *checkpoint.notes,
            *layout.notes,
            *beyond(tokenizer, rows(model)),
        ),
    )


def _tower(graph: Graph, side: Side) -> Stack:
    shape = stack(graph.model, side)
    return replace(shape, scale=graph.scales.get("layer", shape.dim**-0.5))


def generation(model: PreTrainedModel, folder: Path, tokenizer: Tokenizer) -> Generation:
    """Ids that generation starts, ends and is forced with; those without a vector are left out."""
    count = rows(model)
    config = getattr(model, "generation_config", None) or model.config

    def read(name: str) -> Any:
        value = getattr(config, name, None)
        value = getattr(model.config, name, None) if value is None else value
        return None if isinstance(value, int) and not 0 <= value < count else value

    ends = read("eos_token_id")
    ends = ends if isinstance(ends, list) else [] if ends is None else [ends]
    banned = [words[0] for words in read("bad_words_ids") or () if len(words) == 1]
    start = read("decoder_start_token_id") if model.config.is_encoder_decoder else None
    return Generation(
        start=read("bos_token_id") if start is None else start,
        ends=tuple(end for end in ends if 0 <= end < count),
        pad=read("pad_token_id"),
        forced_first=read("forced_bos_token_id"),
        forced_last=read("forced_eos_token_id"),
        banned=tuple(one for one in banned if 0 <= one < count),
        languages=languages(model, tokenizer),
        prefixes=tuple(
            task["prefix"]
            for task in (getattr(model.config, "task_specific_params", None) or {}).values()
            if isinstance(task, dict) and task.get("prefix")
        ),
    )


def masking(model: PreTrainedModel, folder: Path, tokenizer: Tokenizer) -> int | None:
    """The id of the mask token, if the model has a vector for it."""
    found = special(folder, tokenizer, "mask_token")
    count = rows(model)
    return found if found is not None and found < count else None


def languages(model: PreTrainedModel, tokenizer: Tokenizer) -> dict[str, int]:
    """The language codes that a translation may be forced to begin with, by their token."""
    if model.config.model_type not in ("mbart", "m2m_100"):
        return {}
    code = re.compile(r"[a-z]{2,3}_[A-Z][A-Za-z]{1,3}|__[a-z]{2,3}__")
    added = tokenizer.get_added_tokens_decoder()
    count = rows(model)
    return {
        token.content: k
        for k, token in added.items()
        if k < count and code.fullmatch(token.content)
    }


def vectors(model: PreTrainedModel, layout: Layout, weights: Weights) -> dict[str, Matrix]:
    """Where the token and position matrices lie; row i is token i's or position i's.

    With two towers they are the encoder's; "target" is the decoder's tokens where those differ.
    """
    tower = layout.encoder or layout.decoder
    assert tower is not None
    found: dict[str, Matrix] = {}
    paths = {"token": (tower.token, 0), "position": (tower.position, tower.skipped)}
    if layout.encoder and layout.decoder:
        paths["target"] = (layout.decoder.token, 0)
    for name, (path, skipped) in paths.items():
        holder = module(model, path)
        weight = getattr(holder, "weight", getattr(holder, "weights", None))
        matrix = weights.matrix(weight) if isinstance(weight, Tensor) else None
        if matrix is not None and matrix != found.get("token"):
            found[name] = _without(matrix, skipped)
    return found


def _without(matrix: Matrix, rows: int) -> Matrix:
    """The matrix without its first rows."""
    count, width = matrix.shape
    start = matrix.scales_offset
    return replace(
        matrix,
        shape=(count - rows, width),
        offset=matrix.offset + rows * width * np.dtype(matrix.dtype).itemsize,
        scales_offset=None if start is None else start + rows * 4,
    )


def rotary(model: PreTrainedModel) -> tuple[float, ...]:
    """The turn of each pair from one position to the next, in radians; empty where none is."""
    for name, buffer in model.named_buffers():
        if name.rsplit(".", 1)[-1] == "inv_freq":
            return tuple(round(float(turn), 9) for turn in buffer.flatten())
    return ()


def template(folder: Path) -> str | None:
    """The chat template of the checkpoint, if it has one."""
    path = folder / "chat_template.jinja"
    if path.is_file():
        return path.read_text(encoding="utf-8")
    found = settings_of(folder).get("chat_template")
    if isinstance(found, list):
        # Several by name: the one that answers without tools.
        several = {one.get("name"): one.get("template") for one in found if isinstance(one, dict)}
        found = several.get("default")
    return found if isinstance(found, str) else None


def digests(folder: Path) -> dict[str, str]:
    """sha256 of each file of a bundle but its card."""
    return {
        path.name: sha256(path) for path in sorted(folder.iterdir()) if path.name != "card.json"
    }


def sha256(path: Path) -> str:
    """The digest of a file."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_card(card: Card, folder: Path) -> None:
    """Write `card.json`."""
    text = json.dumps(asdict(card), indent=1, ensure_ascii=False)
    (folder / "card.json").write_text(text + "\n", encoding="utf-8")
