"""The card of a bundle, from a model and the files it was written to."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer
from transformers import PreTrainedModel
from transformers import __version__ as transformers_version

from engine.bundle import Card, Generation, Matrix
from engine.export.families import Layout
from engine.export.graph import Graph, limit, predicts, takes_pairs, tower_stack
from engine.export.hub import Checkpoint
from engine.export.storage import Weights
from engine.export.tokenizer import kind, settings_of, special

VERSION = 1  # of the exporter: raise it when bundles come out differently

QUANTITIES = ("query", "key", "value", "scores", "weights", "output")


def make_card(
    checkpoint: Checkpoint,
    graphs: dict[str, Graph],
    outputs: set[str],
    tokenizer: Tokenizer,
    weights: Weights,
    errors: dict[str, float],
    precision: str,
) -> Card:
    """Everything the app knows of a model without opening its graphs."""
    graph = graphs["model.onnx"]
    model, layout = graph.model, graph.layout
    decides = layout.family != "encoder"
    has_encoder = layout.encoder is not None
    return Card(
        name=checkpoint.name,
        title=checkpoint.name.rsplit("/", 1)[-1],
        family=layout.family,
        architecture=model.config.model_type,
        encoder=tower_stack(model, "encoder") if has_encoder else None,
        decoder=tower_stack(model, "decoder") if decides else None,
        width=model.config.hidden_size,
        vocabulary=model.get_input_embeddings().weight.shape[0],  # type: ignore[union-attr]
        positions=layout.positions,
        limit=limit(model, layout),
        precision=precision,
        parameters=sum(parameter.numel() for parameter in model.parameters()),
        licence=checkpoint.licence,
        source=checkpoint.source,
        revision=checkpoint.revision,
        exporter=f"{VERSION} (transformers {transformers_version})",
        given=tuple(name for name in QUANTITIES if f"layer.0.{name}" in outputs),
        files=digests(weights.folder),
        errors=errors,
        generation=generation(model, checkpoint.folder, tokenizer),
        vectors=vectors(model, layout, weights),
        predicts=predicts(model),
        pairs=takes_pairs(model) and layout.family == "encoder",
        mask=special(checkpoint.folder, tokenizer, "mask_token") if not decides else None,
        tokenizer=kind(tokenizer),
        template=template(checkpoint.folder),
    )


def generation(model: PreTrainedModel, folder: Path, tokenizer: Tokenizer) -> Generation:
    """Ids that generation starts, ends and is forced with."""
    config = getattr(model, "generation_config", None) or model.config

    def read(name: str) -> Any:
        value = getattr(config, name, None)
        return getattr(model.config, name, None) if value is None else value

    ends = read("eos_token_id")
    banned = [words[0] for words in read("bad_words_ids") or () if len(words) == 1]
    start = read("decoder_start_token_id") if model.config.is_encoder_decoder else None
    return Generation(
        start=read("bos_token_id") if start is None else start,
        ends=tuple(ends) if isinstance(ends, list) else () if ends is None else (ends,),
        pad=read("pad_token_id"),
        forced_first=read("forced_bos_token_id"),
        forced_last=read("forced_eos_token_id"),
        banned=tuple(banned),
    )


def vectors(model: PreTrainedModel, layout: Layout, weights: Weights) -> dict[str, Matrix]:
    """Where the token and position matrices lie."""
    found: dict[str, Matrix] = {}
    tower = layout.encoder or layout.decoder
    assert tower is not None
    for name, path in (("token", tower.token), ("position", tower.position)):
        weight = getattr(model.get_submodule(path), "weight", None) if path else None
        matrix = None if weight is None or weight.ndim != 2 else weights.matrix(weight)
        if matrix is not None:
            found[name] = matrix
    return found


def template(folder: Path) -> str | None:
    """The chat template of the checkpoint, if it has one."""
    path = folder / "chat_template.jinja"
    if path.is_file():
        return path.read_text(encoding="utf-8")
    found = settings_of(folder).get("chat_template")
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
