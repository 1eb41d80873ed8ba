"""A GGUF header's facts in the configuration that transformers' loader leaves without them.

    check_positions(header, name)     refuse positions stretched in a way that cannot be read
    complete(config, header, path)    put the facts in

The proof cannot see what is missing here: it compares with the same configuration. So each fact has
a test that compares with the checkpoint that a file was made of.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from engine.errors import ExportFailed
from engine.export.sources.gguf_header import Header

# Facts of a header, and what they may be called in a configuration.
FACTS = {
    "block_count": ("num_hidden_layers",),
    "embedding_length": ("hidden_size",),
    "attention.head_count": ("num_attention_heads",),
    "attention.head_count_kv": ("num_key_value_heads",),
    "attention.key_length": ("head_dim",),
    "attention.sliding_window": ("sliding_window",),
    "context_length": ("max_position_embeddings",),
    "expert_feed_forward_length": ("moe_intermediate_size",),
    "expert_shared_feed_forward_length": ("shared_expert_intermediate_size",),
    "attention.layer_norm_rms_epsilon": ("rms_norm_eps",),
    "attention.layer_norm_epsilon": (
        "layer_norm_epsilon",
        "layer_norm_eps",
        "norm_epsilon",
        "norm_eps",
    ),
}
# Gemma's largest divide scores by the root of width over heads, the others by that of a head's own
# size; a file does not say which: https://github.com/ggml-org/llama.cpp/blob/master/src/llama-model.cpp
WHOLE_WIDTH = {("gemma2", 46), ("gemma3", 62)}
FREQUENCIES = "rope_freqs.weight"  # what LLaMA 3's rotary frequencies are divided by
ORIGINAL = 8192  # positions that LLaMA 3 was trained with before they were stretched


def check_positions(header: Header, name: str) -> None:
    """Refuse positions that are stretched in a way that cannot be read from a GGUF file."""
    kind = header.fact("rope.scaling.type")
    tensors = {tensor.name: tensor for tensor in header.tensors}
    known = kind in (None, "none", "linear", "yarn") or FREQUENCIES in tensors
    if not known or "rope_factors_long.weight" in tensors:
        raise ExportFailed(
            f"{name} stretches its positions ({str(kind or 'longrope')[:20]!r}) in a way that "
            "cannot be read from a GGUF file. Choose the model's safetensors files instead."
        )
    if FREQUENCIES in tensors and tensors[FREQUENCIES].kind != "F32":
        raise ExportFailed(f"The rotary factors of {name} are no floats. Choose another file.")
    factor = header.fact("rope.scaling.factor")
    if kind in ("linear", "yarn") and not (isinstance(factor, int | float) and factor >= 1):
        raise ExportFailed(
            f"{name} stretches its positions ({kind}) by {str(factor)[:20]!r}, which is no factor. "
            "Choose another file."
        )


def complete(config: Any, header: Header, path: Path) -> None:
    """Put facts of the header into a configuration that was read without them."""
    for fact, names in FACTS.items():
        value = header.fact(fact)
        known = next((name for name in names if hasattr(config, name)), None)
        if known and isinstance(value, int | float) and getattr(config, known) != value:
            setattr(config, known, value or None)  # a window of 0 tokens is none
    count = header.vocabulary
    if count and (getattr(config, "pad_token_id", None) or 0) >= count:
        config.pad_token_id = None  # a default of the class, not this model's
    if any(tensor.name == "output.weight" for tensor in header.tensors):
        config.tie_word_embeddings = False  # the loader takes BLOOM's to be tied whatever it has
    if hasattr(config, "query_pre_attn_scalar"):
        whole = (header.architecture, header.fact("block_count")) in WHOLE_WIDTH
        key = header.fact("attention.key_length") or config.head_dim
        config.query_pre_attn_scalar = (
            config.hidden_size // config.num_attention_heads if whole else key
        )
    rules = getattr(config, "rope_parameters", None)
    if not isinstance(rules, dict):
        return
    # Where two kinds of layers have two rules the file speaks of those that see everything.
    rope = rules.get("full_attention", rules)
    if isinstance(theta := header.fact("rope.freq_base"), float):
        rope["rope_theta"] = theta
    _part_of_a_head(config, rope, header)
    _stretched(rope, header, path)
    config.rope_parameters = rules


def _part_of_a_head(config: Any, rope: dict[str, Any], header: Header) -> None:
    """Only so many numbers of each head are rotated."""
    turned = header.fact("rope.dimension_count")
    dim = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    if isinstance(turned, int) and turned != dim * rope.get("partial_rotary_factor", 1.0):
        rope["partial_rotary_factor"] = turned / dim


def _stretched(rope: dict[str, Any], header: Header, path: Path) -> None:
    """Positions stretched beyond those of the training, which the loader leaves out."""
    check_positions(header, path.name)
    kind = header.fact("rope.scaling.type")
    one = next((tensor for tensor in header.tensors if tensor.name == FREQUENCIES), None)
    if one is not None:
        factors = np.fromfile(path, np.float32, one.elements, offset=one.start)
        rope.update(_llama3(factors, rope["rope_theta"]))
    elif kind in ("linear", "yarn"):
        rope.update({"rope_type": kind, "factor": float(header.fact("rope.scaling.factor"))})
        original = header.fact("rope.scaling.original_context_length")
        if kind == "yarn" and original:
            rope["original_max_position_embeddings"] = original


def _llama3(factors: np.ndarray, theta: float) -> dict[str, Any]:
    """LLaMA 3's rule (1 to 4 turns in 8,192 positions), if the file's factors follow it."""
    turns = theta ** -(np.arange(len(factors)) / len(factors))
    factor = float(factors.max())
    smooth = np.clip((ORIGINAL * turns / (2 * np.pi) - 1.0) / 3.0, 0, 1)
    expected = 1 / ((1 - smooth) / factor + smooth)
    if not np.allclose(expected, factors, rtol=1e-3):
        raise ExportFailed(
            "The rotary factors of this GGUF file follow no rule that is known here. Choose the "
            "model's safetensors files instead."
        )
    return {
        "rope_type": "llama3",
        "factor": factor,
        "low_freq_factor": 1.0,
        "high_freq_factor": 4.0,
        "original_max_position_embeddings": ORIGINAL,
    }
