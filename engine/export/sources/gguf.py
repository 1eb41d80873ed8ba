"""A GGUF file as a checkpoint: its numbers turned into floats, its tokenizer and template beside.

`gguf_header` reads the file first and strictly; only then transformers' loader does, into a folder
that the rest of the exporter reads as any other. What is exported, and what the proof compares
with, are the de-quantized weights. Facts that the loader leaves out are taken from the header.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from engine.errors import ExportFailed
from engine.export.families import HYBRID, RECURRENT, layout
from engine.export.sources.gguf_header import Header, read
from engine.export.sources.hub import Checkpoint, read_config
from engine.export.sources.place import check_disk, check_memory

# What llama.cpp calls a shape, and the type that transformers de-quantizes it to.
ARCHITECTURES = {
    "llama": "llama",
    "qwen2": "qwen2",
    "qwen3": "qwen3",
    "qwen2moe": "qwen2_moe",
    "phi3": "phi3",
    "bloom": "bloom",
    "stablelm": "stablelm",
    "gpt2": "gpt2",
    "starcoder2": "starcoder2",
    "gemma2": "gemma2",
    "gemma3": "gemma3_text",
}
# Facts of a header, and what they may be called in a configuration.
FACTS = {
    "block_count": ("num_hidden_layers",),
    "embedding_length": ("hidden_size",),
    "attention.head_count": ("num_attention_heads",),
    "attention.head_count_kv": ("num_key_value_heads",),
    "attention.key_length": ("head_dim",),
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
DIGITS = {"smollm", "starcoder", "refact", "command-r", "codeshell", "exaone", "minerva-7b"}
ORIGINAL = 8192  # positions that LLaMA 3 was trained with before they were stretched


def model_type(header: Header, name: str) -> str:
    """The type that transformers knows the model by; `ExportFailed` where it knows none."""
    found = ARCHITECTURES.get(header.architecture)
    if found is None:
        if header.architecture in {*RECURRENT, *HYBRID}:
            layout(header.architecture)  # which says what it is
        raise ExportFailed(
            f"{name} is of llama.cpp's architecture {header.architecture[:40]!r}; those that can "
            f"be read from a GGUF file are {', '.join(sorted(ARCHITECTURES))}. Choose the model's "
            "safetensors files instead."
        )
    if found == "llama" and "mistral" in str(header.metadata.get("general.name", "")).lower():
        return "mistral"
    if found == "llama" and header.fact("expert_count"):
        raise ExportFailed(
            f"{name} is a mixture of experts of LLaMA's kind, which transformers does not read "
            "from a GGUF file. Choose the model's safetensors files instead."
        )
    return found


def licence(header: Header) -> str:
    """The license that the file names."""
    return str(header.metadata.get("general.license", ""))[:80]


def words(header: Header) -> int | None:
    """How many tokens the vocabulary has."""
    found = header.metadata.get("tokenizer.ggml.tokens")
    return found if isinstance(found, int) else None


def note(header: Header) -> str:
    """What the card says of the numbers."""
    stored = header.quantization
    if stored in ("F32", "F16", "BF16"):
        return f"Made from a GGUF file whose weights are stored as {stored}."
    bits = sum(t.size for t in header.tensors) * 8 / header.elements
    return (
        f"Made from a GGUF file whose weights are quantized ({stored}, {bits:.1f} bits each on "
        "average). What is shown is exact for the de-quantized weights; the unquantized model "
        "differs a little."
    )


def checkpoint(path: Path, name: str, folder: Path, out: Path) -> Checkpoint:
    """De-quantize a file into `folder` (empty) and describe it; room is checked before."""
    header = read(path)
    kind = model_type(header, name)
    _plausible(header, path.name)
    check_memory(name, header.elements)
    check_disk(name, 2 * header.elements, out)  # the de-quantized checkpoint, then the bundle
    with _linked(path, folder) as alone:
        try:
            _convert(alone, kind, header, folder)
        except ExportFailed:
            raise
        except ImportError as error:
            raise ExportFailed(
                f"GGUF files are read with the packages gguf and accelerate ({error.name} is "
                "missing). Install requirements.txt and try again."
            ) from None
        except Exception as error:  # the libraries raise whatever a header leads them to
            raise ExportFailed(
                f"{path.name} cannot be de-quantized ({type(error).__name__}: "
                f"{str(error).strip()[:200]}). Choose the model's safetensors files instead."
            ) from None
    notes = (note(header), *_unknown_splitting(header))
    return Checkpoint(folder, name, name, "", licence(header), read_config(folder), notes)


def _plausible(header: Header, name: str) -> None:
    """Refuse sizes that the weights in the file cannot have: a model would be built by them."""
    numbers = header.elements
    most = {"block_count": len(header.tensors), "context_length": 2**27, "expert_count": numbers}
    for fact in ("block_count", "embedding_length", "feed_forward_length", "attention.head_count",
                 "attention.head_count_kv", "attention.key_length", "rope.dimension_count",
                 "context_length", "vocab_size", "expert_count", "expert_feed_forward_length",
                 "expert_shared_feed_forward_length"):  # fmt: skip
        value = header.fact(fact)
        if value is None and fact not in ("block_count", "embedding_length"):
            continue
        if not isinstance(value, int) or not 0 < value <= most.get(fact, numbers):
            raise ExportFailed(
                f"{name} says that its {fact.replace('.', ' ').replace('_', ' ')} is "
                f"{str(value)[:40]}, which cannot be: it holds {numbers:,} numbers in "
                f"{len(header.tensors):,} tensors. Choose another file."
            )


@contextmanager
def _linked(path: Path, folder: Path) -> Iterator[Path]:
    """The file in a folder without any other, so that nothing beside it is read."""
    link = folder / "model.gguf"
    try:
        link.symlink_to(path.resolve())
    except OSError:  # Windows asks for a right
        os.link(path.resolve(), link)
    try:
        yield link
    finally:
        link.unlink(missing_ok=True)


def _convert(path: Path, kind: str, header: Header, folder: Path) -> None:
    for package in ("accelerate", "gguf"):
        importlib.import_module(package)  # transformers asks for them late, in longer sentences
    import torch
    import transformers

    where = {"gguf_file": path.name, "local_files_only": True, "trust_remote_code": False}
    config = transformers.AutoConfig.from_pretrained(path.parent, **where)
    _complete(config, header, path)
    model, info = getattr(transformers, layout(kind).head).from_pretrained(
        path.parent, config=config, dtype=torch.float32, attn_implementation="eager",
        output_loading_info=True, **where,
    )  # fmt: skip
    if info["missing_keys"]:
        raise ExportFailed(
            f"The GGUF file lacks {len(info['missing_keys'])} of the weights "
            f"({sorted(info['missing_keys'])[0]}, say). Choose another file."
        )
    # Its weights are floats now: saved as those of a model that never was quantized.
    model.hf_quantizer = None
    model.config.__dict__.pop("quantization_config", None)
    model.save_pretrained(folder)
    tokenizer = transformers.AutoTokenizer.from_pretrained(path.parent, **where)
    if header.metadata.get("tokenizer.ggml.pre") in DIGITS:
        _split_digits(tokenizer)
    tokenizer.save_pretrained(folder)


def _complete(config: Any, header: Header, path: Path) -> None:
    """Put facts of the header into a configuration that was read without them."""
    for fact, names in FACTS.items():
        value = header.fact(fact)
        known = next((name for name in names if hasattr(config, name)), None)
        if known and isinstance(value, int | float) and getattr(config, known) != value:
            setattr(config, known, value)
    count = words(header)
    if count and (getattr(config, "pad_token_id", None) or 0) >= count:
        config.pad_token_id = None  # a default of the class, not this model's
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
    kind = header.fact("rope.scaling.type")
    tensors = {tensor.name: tensor for tensor in header.tensors}
    if "rope_freqs.weight" in tensors:
        one = tensors["rope_freqs.weight"]
        if one.kind != "F32":
            raise ExportFailed(f"The rotary factors of {path.name} are no floats.")
        factors = np.fromfile(path, np.float32, one.elements, offset=one.start)
        rope.update(_llama3(factors, rope["rope_theta"]))
    elif kind in ("linear", "yarn"):
        rope.update({"rope_type": kind, "factor": float(header.fact("rope.scaling.factor"))})
        original = header.fact("rope.scaling.original_context_length")
        if kind == "yarn" and original:
            rope["original_max_position_embeddings"] = original
    elif kind not in (None, "none") or "rope_factors_long.weight" in tensors:
        raise ExportFailed(
            f"This GGUF file stretches its positions ({str(kind or 'longrope')[:20]}) in a way "
            "that cannot be read from it. Choose the model's safetensors files instead."
        )


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


def _split_digits(tokenizer: Any) -> None:
    """Digits one by one, then words as GPT-2 splits them, which the loader knows nothing of."""
    from tokenizers import pre_tokenizers

    steps = [
        pre_tokenizers.Digits(individual_digits=True),
        pre_tokenizers.ByteLevel(add_prefix_space=False),
    ]
    tokenizer.backend_tokenizer.pre_tokenizer = pre_tokenizers.Sequence(steps)


def _unknown_splitting(header: Header) -> tuple[str, ...]:
    """A sentence where nobody here knows how the file's tokenizer splits a text into words."""
    if header.metadata.get("tokenizer.ggml.model") != "gpt2":
        return ()
    from transformers.integrations.gguf.gguf_tokenizer_mapping import GGUF_PRE_TOKENIZER_SPLITS

    splitting = str(header.metadata.get("tokenizer.ggml.pre", "default"))[:40]
    if splitting in {*DIGITS, *GGUF_PRE_TOKENIZER_SPLITS, "default", "gpt-2", "phi-2", "olmo"}:
        return ()
    return (
        f"The file splits texts into words by a rule called {splitting!r}, unknown here: GPT-2's "
        "is used, so a text may have other tokens than in llama.cpp.",
    )
