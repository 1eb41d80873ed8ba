"""Facts about a loaded model that the graphs, the proof and the card all need."""

from __future__ import annotations

import inspect

from torch import nn
from transformers import PreTrainedModel

from engine.export.families import Layout, Tower
from engine.models.bundle import Stack
from engine.values import Side


def stack(model: PreTrainedModel, side: Side) -> Stack:
    """The shape of one tower, from the model's configuration."""
    config = model.config
    layers, heads = config.num_hidden_layers, config.num_attention_heads
    if config.is_encoder_decoder:
        # T5 names its decoder's layers alone, BART's kin both towers'.
        named = {"encoder": "encoder_layers", "decoder": "num_decoder_layers"}[side]
        layers = getattr(config, f"{side}_layers", None) or getattr(config, named, None) or layers
        heads = getattr(config, f"{side}_attention_heads", None) or heads
    dim = getattr(config, "head_dim", None) or config.hidden_size // heads
    return Stack(layers=layers, heads=heads, key_heads=_key_heads(model, heads), dim=dim)


def _key_heads(model: PreTrainedModel, heads: int) -> int:
    if model.config.model_type == "falcon":
        # The newest Falcons spread their shared keys before they are kept.
        alone = model.config.multi_query and not model.config.new_decoder_architecture
        return 1 if alone else heads
    return getattr(model.config, "num_key_value_heads", None) or heads


def blocks(model: PreTrainedModel, tower: Tower) -> list[nn.Module]:
    """The blocks in the order they run; ALBERT runs the same ones again and again."""
    found = list(model.get_submodule(tower.blocks).children())
    if tower.shared is None:
        return found
    config = model.config
    layers, groups = config.num_hidden_layers, config.num_hidden_groups
    chosen = [found[int(layer / (layers / groups))] for layer in range(layers)]
    return [block for group in chosen for block in group.get_submodule(tower.shared).children()]


def module(model: nn.Module, path: str | None) -> nn.Module | None:
    """The sub-module at a path; None where there is no path or nothing at its end."""
    if path is None:
        return None
    found: object = model
    for name in path.split("."):
        found = getattr(found, name, None)
    return found if isinstance(found, nn.Module) else None


def limit(model: PreTrainedModel, layout: Layout) -> int | None:
    """The most tokens the model has positions for; None where it has no limit of its own."""
    if layout.positions == "alibi":
        return None
    tower = layout.encoder or layout.decoder
    assert tower is not None
    weight = getattr(module(model, tower.position), "weight", None)
    if weight is not None:
        return weight.shape[0] - tower.skipped
    most = getattr(model.config, "max_position_embeddings", None)
    return most if isinstance(most, int) else None


def accepts(model: PreTrainedModel, name: str) -> bool:
    """Whether the model's forward has an argument of that name."""
    return name in inspect.signature(type(model).forward).parameters


def predicts(model: PreTrainedModel) -> bool:
    """Whether the model has an output matrix."""
    return model.get_output_embeddings() is not None


def takes_pairs(model: PreTrainedModel) -> bool:
    """Whether the model tells two texts apart."""
    types = getattr(model.config, "type_vocab_size", 0)
    return accepts(model, "token_type_ids") and types > 1
