"""A GGUF file as a checkpoint: its numbers turned into floats, its tokenizer and template beside.

`gguf_header` reads the file first and strictly; only then transformers' loader does, into a folder
that the rest of the exporter reads as any other. What is exported, and what the proof compares
with, are the de-quantized weights. Facts that the loader leaves out are taken from the header.
"""

from __future__ import annotations

import importlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from engine.errors import ExportFailed
from engine.export.families import HYBRID, RECURRENT, layout
from engine.export.sources.gguf_config import FREQUENCIES, check_positions, complete
from engine.export.sources.gguf_header import Header, read
from engine.export.sources.hub import Checkpoint, read_config
from engine.export.sources.place import check_disk, check_memory, full, full_disk_explained

# What llama.cpp calls a shape, and the type that transformers de-quantizes it to.
ARCHITECTURES = {
    "llama": "llama",
    "qwen2": "qwen2",
    "qwen3": "qwen3",
    "qwen2moe": "qwen2_moe",
    "qwen3moe": "qwen3_moe",
    "phi3": "phi3",
    "bloom": "bloom",
    "stablelm": "stablelm",
    "gpt2": "gpt2",
    "starcoder2": "starcoder2",
    "gemma2": "gemma2",
    "gemma3": "gemma3_text",
}
DIGITS = {"smollm", "starcoder", "refact", "command-r", "codeshell", "exaone", "minerva-7b"}


def model_type(header: Header, name: str) -> str:
    """The type that transformers knows the model by; `ExportFailed` where it knows none."""
    found = ARCHITECTURES.get(header.architecture)
    if found is None:
        if header.architecture in {*RECURRENT, *HYBRID}:
            layout(header.architecture)  # which says what it is
        raise ExportFailed(
            f"{name} is of llama.cpp's architecture {header.architecture!r}; those that can "
            f"be read from a GGUF file are {', '.join(sorted(ARCHITECTURES))}. Choose the model's "
            "safetensors files instead."
        )
    if found == "llama" and header.fact("expert_count"):
        raise ExportFailed(
            f"{name} is a mixture of experts of LLaMA's kind, which transformers does not read "
            "from a GGUF file. Choose the model's safetensors files instead."
        )
    if found == "llama" and header.fact("attention.sliding_window"):
        return "mistral"  # which is LLaMA's shape with a window, and called llama in llama.cpp
    return found


def check(header: Header, name: str, out: Path) -> str:
    """The type of a file that can be exported to `out`; refuse any other, from its header alone."""
    kind = model_type(header, name)
    _plausible(header, name)
    check_positions(header, name)
    if not header.vocabulary:
        raise ExportFailed(
            f"{name} has no tokenizer, so no text can be read with it. Choose another file."
        )
    check_memory(name, header.elements)
    check_disk(name, 2 * header.elements, out)  # the de-quantized checkpoint, then the bundle
    return kind


def licence(header: Header) -> str:
    """The license that the file names."""
    return str(header.metadata.get("general.license", ""))[:80]


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
    kind = check(header, path.name, out)
    with full_disk_explained(folder), _linked(path, folder) as alone:
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
            if full(error):
                raise
            said = " ".join(str(error).split())[:200]
            raise ExportFailed(
                f"{path.name} cannot be de-quantized ({type(error).__name__}: {said}). Choose the "
                "model's safetensors files instead."
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
        _copied(path.resolve(), link)
    try:
        yield link
    finally:
        link.unlink(missing_ok=True)


def _copied(path: Path, link: Path) -> None:
    """A second name for a file, or the file once more where the disk knows no second names."""
    try:
        os.link(path, link)
    except OSError:  # another disk, or one as exFAT
        shutil.copyfile(path, link)


def _convert(path: Path, kind: str, header: Header, folder: Path) -> None:
    for package in ("accelerate", "gguf"):
        importlib.import_module(package)  # transformers asks for them late, in longer sentences
    import torch
    import transformers

    where = {"gguf_file": path.name, "local_files_only": True, "trust_remote_code": False}
    config = transformers.AutoConfig.from_pretrained(path.parent, **where)
    # What the loader reads a file as: LLaMA's also where its window makes it Mistral's.
    read_as = ARCHITECTURES[header.architecture]
    config = _of_type(read_as, config)  # a file called "mistral" gets another one
    complete(config, header, path)
    model, info = getattr(transformers, layout(read_as).head).from_pretrained(
        path.parent, config=config, dtype=torch.float32, attn_implementation="eager",
        output_loading_info=True, **where,
    )  # fmt: skip
    if info["missing_keys"]:
        raise ExportFailed(
            f"The GGUF file lacks {len(info['missing_keys'])} of the weights "
            f"({sorted(info['missing_keys'])[0]}, say). Choose another file."
        )
    check_all_read(model, header)
    # Its weights are floats now: saved as those of a model that never was quantized.
    model.hf_quantizer = None
    model.config.__dict__.pop("quantization_config", None)
    model.save_pretrained(folder)
    if kind != read_as:
        config = _of_type(kind, model.config)
        complete(config, header, path)
        config.architectures = [layout(kind).head]
        config.save_pretrained(folder)
    tokenizer = transformers.AutoTokenizer.from_pretrained(path.parent, **where)
    if header.metadata.get("tokenizer.ggml.pre") in DIGITS:
        _split_digits(tokenizer)
    tokenizer.save_pretrained(folder)


def _of_type(kind: str, config: Any) -> Any:
    """A configuration as that of another type, with the values that both have."""
    from transformers import AutoConfig

    if config.model_type == kind:
        return config
    known = set(AutoConfig.for_model(kind).to_dict()) - {"model_type", "architectures"}
    values = {name: value for name, value in config.to_dict().items() if name in known}
    return AutoConfig.for_model(kind, **values)


def check_all_read(model: Any, header: Header) -> None:
    """Refuse a file with weights that the loader left out, which it does without a word."""
    from transformers.modeling_gguf_pytorch_utils import (
        TENSOR_PROCESSORS,
        TensorProcessor,
        get_gguf_hf_weights_map,
    )

    processor = TENSOR_PROCESSORS.get(header.architecture, TensorProcessor)
    known = {*get_gguf_hf_weights_map(model, processor()), FREQUENCIES}
    # The weights of a block's experts are known by their stem.
    left = [t for t in header.tensors if not {t.name, t.name.removesuffix(".weight")} & known]
    if left:
        raise ExportFailed(
            f"This GGUF file has {len(left):,} tensors that no weight of a {header.architecture} "
            f"model is read from ({left[0].name[:60]!r}, say): it would give other numbers "
            "without them. Choose the model's safetensors files instead."
        )
    given = sum(tensor.elements for tensor in header.tensors if tensor.name != FREQUENCIES)
    taken = sum(parameter.numel() for parameter in model.parameters())
    if given != taken:
        raise ExportFailed(
            f"This GGUF file holds {given:,} numbers, but a model of its sizes has {taken:,}. "
            "Choose another file."
        )


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
