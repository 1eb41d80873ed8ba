"""Facts about a loaded model that the graphs, the proof and the card all need."""

from __future__ import annotations

import inspect
from typing import Any

from torch import nn
from transformers import PreTrainedConfig, PreTrainedModel

from engine.export.families import Layout, Tower
from engine.models.bundle import Stack
from engine.values import Side


def settings(model: PreTrainedModel, side: Side = "decoder") -> Any:
    """The configuration of one side; T5Gemma has one for each tower inside its own."""
    own = getattr(model.config, side, None)
    return own if isinstance(own, PreTrainedConfig) else model.config


def stack(model: PreTrainedModel, side: Side) -> Stack:
    """The shape of one tower, from the model's configuration."""
    config = settings(model, side)
    layers, heads = config.num_hidden_layers, config.num_attention_heads
    if model.config.is_encoder_decoder:
        # T5 names its decoder's layers alone, BART's kin both towers'.
        named = {"encoder": "encoder_layers", "decoder": "num_decoder_layers"}[side]
        layers = getattr(config, f"{side}_layers", None) or getattr(config, named, None) or layers
        heads = getattr(config, f"{side}_attention_heads", None) or heads
    # Where keys are kept as one latent vector, `head_dim` is only the rotary part of each.
    dim = getattr(config, "qk_head_dim", None) or getattr(config, "head_dim", None)
    dim = dim or config.hidden_size // heads
    return Stack(layers=layers, heads=heads, key_heads=_key_heads(config, heads), dim=dim)


def _key_heads(config: Any, heads: int) -> int:
    if config.model_type == "falcon":
        # The newest Falcons spread their shared keys before they are kept.
        alone = config.multi_query and not config.new_decoder_architecture
        return 1 if alone else heads
    return getattr(config, "num_key_value_heads", None) or heads


def width(model: PreTrainedModel) -> int:
    """The size of the residual stream."""
    return settings(model).hidden_size


def kept_shapes(model: PreTrainedModel, tower: Stack) -> dict[str, tuple[int, int]]:
    """What is kept of each token in every layer, as (key heads, numbers): its key and its value.

    DeepSeek keeps one latent vector that all heads make their keys and values of, and in the
    value's place the rotary part of its key.
    """
    latent = getattr(model.config, "kv_lora_rank", None)
    if latent:
        return {"key": (1, latent), "value": (1, model.config.qk_rope_head_dim)}
    return dict.fromkeys(("key", "value"), (tower.key_heads, tower.dim))


def experts(model: PreTrainedModel) -> int:
    """How many experts a block of a mixture chooses among; 0 for other models."""
    found = (getattr(model.config, name, None) for name in ("num_local_experts", "num_experts"))
    return next((count for count in found if isinstance(count, int)), 0)


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


# Ways of stretching rotary positions that turn all keys anew once a text is long: keys that were
# kept are then wrong, so texts end before that.
TURNED_ANEW = {"longrope": "LongRoPE", "dynamic": "dynamic NTK scaling"}


def rotary_rules(model: PreTrainedModel) -> list[dict[str, Any]]:
    """The rules of the rotary positions; models with two kinds of layers may have two."""
    found = getattr(settings(model), "rope_parameters", None)
    if not isinstance(found, dict):
        return []
    return [found] if "rope_type" in found else [r for r in found.values() if isinstance(r, dict)]


def stretching(model: PreTrainedModel) -> tuple[str, int] | None:
    """How the model's positions are stretched and the most tokens before that, where keys change.

    None where every length is turned alike.
    """
    found: list[tuple[str, int]] = []
    for rule in rotary_rules(model):
        kind = str(rule.get("rope_type"))
        most = rule.get("original_max_position_embeddings") if kind == "longrope" else None
        most = most or getattr(settings(model), "max_position_embeddings", None)
        if kind in TURNED_ANEW and isinstance(most, int):
            found.append((kind, most))
    return min(found, key=lambda one: one[1], default=None)


def settle(model: PreTrainedModel) -> tuple[str, ...]:
    """Let a model turn all lengths alike that it will read, and say what is left out.

    Dynamic NTK scaling asks at every call how long the text is, which no graph can do; up to the
    limit the answer is always the same.
    """
    found = stretching(model)
    if found is None:
        return ()
    kind, most = found
    for part in model.modules():
        rope = getattr(part, "rope_type", None)
        if kind == "dynamic" and rope == "dynamic":
            part.rope_type = "default"  # type: ignore[assignment]
        elif kind == "dynamic" and isinstance(rope, dict):
            part.rope_type = {  # type: ignore[assignment]
                name: "default" if one == "dynamic" else one for name, one in rope.items()
            }
    whole = getattr(model.config, "max_position_embeddings", None)
    claimed = f" It could read up to {whole:,} with them." if whole and whole > most else ""
    return (
        f"Beyond {most:,} tokens its positions are stretched by {TURNED_ANEW[kind]}, which rotates "
        f"the keys of all tokens anew: texts end at {most:,} tokens here.{claimed}",
    )


def limit(model: PreTrainedModel, layout: Layout) -> int | None:
    """The most tokens the model has positions for; None where it has no limit of its own."""
    stretched = stretching(model)
    if stretched is not None:
        return stretched[1]
    if layout.positions == "alibi":
        return None
    towers = [tower for tower in (layout.encoder, layout.decoder) if tower]
    found = [positions(model, tower) for tower in towers] + [full_attention(model)]
    return min((most for most in found if most is not None), default=None)


def positions(model: PreTrainedModel, tower: Tower) -> int | None:
    """The most tokens that one tower has positions for; None where nothing says."""
    weight = getattr(module(model, tower.position), "weight", None)
    if weight is not None:
        return weight.shape[0] - tower.skipped
    most = getattr(settings(model), "max_position_embeddings", None)
    return most if isinstance(most, int) and most > 0 else None  # XLNet: -1, as many as there are


def full_attention(model: PreTrainedModel) -> int | None:
    """The most tokens that BigBird reads in full before it turns to blocks, as its own code has it.

    Two blocks that all see, three around each, and twice the random ones.
    """
    config = model.config
    if getattr(config, "attention_type", None) != "block_sparse":
        return None
    return (5 + 2 * config.num_random_blocks) * config.block_size


def rows(model: PreTrainedModel) -> int:
    """How many tokens the model has vectors for."""
    return int(model.get_input_embeddings().weight.shape[0])  # type: ignore[union-attr,arg-type]


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
