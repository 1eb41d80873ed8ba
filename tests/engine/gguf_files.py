"""GGUF files for the tests: by hand, byte for byte, and of tiny checkpoints as llama.cpp has them.

    made(values={...}, tensors=[...])     the bytes of a file, right or wrong
    written(folder, path, "llama")        a transformers checkpoint as a GGUF file

`written` undoes what transformers' loader does: it is the second opinion on what the loader gives.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

Value = tuple[int, bytes]  # a type's number and the value's bytes


def text(value: str | bytes) -> bytes:
    """A text with its length before it."""
    data = value.encode() if isinstance(value, str) else value
    return struct.pack("<Q", len(data)) + data


def string(value: str | bytes) -> Value:
    return 8, text(value)


def whole(value: int) -> Value:
    return 4, struct.pack("<I", value)


def array(kind: int, items: list[bytes], count: int | None = None) -> Value:
    return 9, struct.pack("<IQ", kind, len(items) if count is None else count) + b"".join(items)


ARCHITECTURE = ("general.architecture", string("llama"))
TENSOR = ("token_embd.weight", (32, 4), 0, 0)  # name, shape, type, offset
DATA = bytes(32 * 4 * 4)


def made(
    values: Sequence[tuple[str | bytes, Value]] | None = None,
    tensors: Sequence[tuple[str | bytes, tuple[int, ...], int, int]] | None = None,
    *,
    magic: bytes = b"GGUF",
    version: int = 3,
    counts: tuple[int | None, int | None] = (None, None),
    data: bytes = DATA,
    alignment: int = 32,
) -> bytes:
    """The bytes of a GGUF file; `counts` are what it says of its tensors and values."""
    values = [ARCHITECTURE] if values is None else values
    tensors = [TENSOR] if tensors is None else tensors
    said = [len(x) if n is None else n for n, x in zip(counts, (tensors, values), strict=True)]
    found = magic + struct.pack("<IQQ", version, *said)
    for key, (kind, content) in values:
        found += text(key) + struct.pack("<I", kind) + content
    for name, shape, kind, offset in tensors:
        found += text(name) + struct.pack(f"<I{len(shape)}Q", len(shape), *shape)
        found += struct.pack("<IQ", kind, offset)
    return found + bytes(-len(found) % alignment) + data


def written(
    folder: Path,
    path: Path,
    kind: str,
    quantized: str = "F32",
    *,
    title: str = "tiny",
    left_out: str = "nothing",
    extra: Sequence[str] = (),
) -> Path:
    """The checkpoint in `folder` as a GGUF file of the architecture `kind`.

    Tensors with `left_out` in their names are left out; `extra` names tensors that are added.
    """
    import gguf
    from safetensors.numpy import load_file

    config = json.loads((folder / "config.json").read_text())
    weights = load_file(folder / "model.safetensors")
    writer = gguf.GGUFWriter(path, kind)
    facts(writer, kind, config)
    writer.add_string("general.name", title)
    words(writer, folder, config)
    arch = next(a for a, name in gguf.MODEL_ARCH_NAMES.items() if name == kind)
    layers = config.get("num_hidden_layers") or config["n_layer"]
    names = gguf.get_tensor_name_map(arch, layers)
    for name, weight in together(weights).items():
        for ours, part in turned(kind, config, name, weight):
            known = (names.get_name(n, try_suffixes=(".weight", ".bias")) for n in spellings(ours))
            given = next((one for one in known if one), None)
            assert given is not None, ours
            if left_out in given:
                continue
            form = gguf.GGMLQuantizationType[quantized if part.ndim == 2 else "F32"]
            writer.add_tensor(given, gguf.quantize(part, form), raw_dtype=form)
    for name in extra:
        writer.add_tensor(name, np.ones(16, np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def together(weights: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The experts of a block in one tensor each, as llama.cpp has them."""
    found: dict[str, Any] = {}
    for name, weight in weights.items():
        stem, _, rest = name.partition(".experts.")
        if rest:
            number, part = rest.split(".", 1)
            found.setdefault(f"{stem}.experts.{part}", {})[int(number)] = weight
        else:
            found[name] = weight
    return {
        name: np.stack([one[k] for k in sorted(one)]) if isinstance(one, dict) else one
        for name, one in found.items()
    }


def spellings(name: str) -> tuple[str, ...]:
    """A name as it is, and as older families call it in llama.cpp."""
    return name, name.removeprefix("transformer.")


def facts(writer: Any, kind: str, config: dict[str, Any]) -> None:
    """What a header says of a model's shape."""

    def of(*names: str) -> Any:
        return next((config[name] for name in names if config.get(name) is not None), None)

    heads, width = of("num_attention_heads", "n_head"), of("hidden_size", "n_embd")
    numbers = {
        "block_count": of("num_hidden_layers", "n_layer"),
        "context_length": of("max_position_embeddings", "n_positions"),
        "embedding_length": width,
        "feed_forward_length": of("intermediate_size", "n_inner") or 4 * width,
        "attention.head_count": heads,
        "attention.head_count_kv": of("num_key_value_heads") or heads,
        "attention.sliding_window": of("sliding_window"),
        "expert_count": of("num_experts", "num_local_experts"),
        "expert_used_count": of("num_experts_per_tok"),
        "expert_feed_forward_length": of("moe_intermediate_size"),
        "expert_shared_feed_forward_length": of("shared_expert_intermediate_size"),
        "vocab_size": config["vocab_size"],
    }
    rope = config.get("rope_parameters") or {}
    if "head_dim" in config:
        numbers["attention.key_length"] = config["head_dim"]
    if rope:
        dim = config.get("head_dim") or width // heads
        rope = next(iter(rope.values())) if "rope_type" not in rope else rope
        numbers["rope.dimension_count"] = int(dim * rope.get("partial_rotary_factor", 1.0))
        writer.add_float32(f"{kind}.rope.freq_base", rope["rope_theta"])
    for name, number in numbers.items():
        if number is not None:
            writer.add_uint32(f"{kind}.{name}", number)
    square = of("rms_norm_eps")
    plain = of("layer_norm_epsilon", "layer_norm_eps", "norm_epsilon")
    name = "rms_epsilon" if square is not None else "epsilon"
    writer.add_float32(f"{kind}.attention.layer_norm_{name}", square or plain)
    writer.add_string("general.license", "mit")


def words(writer: Any, folder: Path, config: dict[str, Any]) -> None:
    """The tokenizer, byte-level as the checkpoint's, with its chat template."""
    plan = json.loads((folder / "tokenizer.json").read_text())
    vocabulary = sorted(plan["model"]["vocab"], key=plan["model"]["vocab"].__getitem__)
    special = {one["content"] for one in plan["added_tokens"]}
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("default")
    writer.add_token_list(vocabulary)
    writer.add_token_types([3 if word in special else 1 for word in vocabulary])
    merges = [m if isinstance(m, str) else " ".join(m) for m in plan["model"]["merges"]]
    writer.add_token_merges(merges)
    writer.add_bos_token_id(0)
    writer.add_eos_token_id(0)
    writer.add_chat_template("{% for m in messages %}{{ m['content'] }}{% endfor %}")
    assert config["vocab_size"] == len(vocabulary)


def turned(
    kind: str, config: dict[str, Any], name: str, weight: np.ndarray
) -> list[tuple[str, np.ndarray]]:
    """A tensor of transformers as llama.cpp keeps it: name and values, more than one of experts."""
    heads = config.get("num_attention_heads") or config["n_head"]
    if kind == "llama" and ("q_proj" in name or "k_proj" in name):
        count = heads if "q_proj" in name else config["num_key_value_heads"]
        split = weight.reshape(count, 2, weight.shape[0] // count // 2, *weight.shape[1:])
        return [(name, split.swapaxes(1, 2).reshape(weight.shape))]
    if kind == "gpt2" and weight.ndim == 2 and ".h." in name:
        return [(name, np.ascontiguousarray(weight.T))]
    if kind == "bloom" and "query_key_value" in name:
        split = weight.reshape(heads, 3, -1, *weight.shape[1:])
        return [(name, np.ascontiguousarray(split.swapaxes(0, 1)).reshape(weight.shape))]
    if kind in ("gemma2", "gemma3") and "norm" in name:
        return [(name, weight + 1)]
    if "shared_expert_gate" in name:
        return [(name, weight[0])]
    return [(name, weight)]
