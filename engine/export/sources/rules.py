"""What cannot be exported, and why: the same rules for who looks at a model and who exports it.

Each check raises `ExportFailed` with one sentence, from what is known before anything large is
read: a configuration, names of files, sizes. torch is not imported. What only one kind of source
has (a GGUF header, the Hub's cache, a package) is checked beside it, with these.
"""

from __future__ import annotations

from fnmatch import fnmatch
from typing import Any

from engine.errors import ExportFailed
from engine.export.families import Layout, layout

WEIGHTS = "model*.safetensors"
# What only configurations of models that see or hear have (CLIP, ViT, Whisper, wav2vec 2 ...).
SENSES = ("vision_config", "image_size", "audio_config", "num_mel_bins", "feat_extract_norm")


def layout_of(config: dict[str, Any], source: str) -> Layout:
    """The layout for a configuration; refuse where nothing here can run it."""
    if config.get("quantization_config"):
        raise ExportFailed(
            f"{source} is stored quantized, which cannot be exported. Choose the model it was "
            "made from."
        )
    try:
        return layout(str(config.get("model_type", "")))
    except ExportFailed:
        if config.get("auto_map"):
            raise ExportFailed(
                f"{source} needs code from its own repository, which is never run here. Choose a "
                "model of a family that transformers knows."
            ) from None
        if any(key in config for key in SENSES):
            raise ExportFailed(
                f"{source} is a vision or speech model; only models of text can be shown."
            ) from None
        raise


def check_files(names: list[str], source: str) -> None:
    """Refuse what has no safetensors weights."""
    if any(fnmatch(name, WEIGHTS) for name in names):
        return
    if any(name.endswith((".bin", ".pt", ".pth", ".ckpt")) for name in names):
        raise ExportFailed(
            f"{source} keeps its weights as pickles only, which could run foreign code. Choose a "
            "model with safetensors, or convert it with save_pretrained on a machine you trust."
        )
    raise ExportFailed(f"{source} has no weights in safetensors files. Choose another model.")
