"""A model's card before anything is exported, from its configuration and its files' sizes alone.

In: a Hub id or a folder. Out: a plain dictionary for the screen: what the model is, what it would
cost, what it can show, or the sentence that says why it cannot be exported. Neither torch nor
transformers is needed, so it takes about a second.
"""

from __future__ import annotations

import json
import os
import struct
from pathlib import Path
from typing import Any

from engine.errors import ExportFailed
from engine.export.families import Layout, layout
from engine.export.fetch import Found
from engine.export.hub import read_config

LAYERS = ("num_hidden_layers", "n_layer", "num_layers", "n_layers", "encoder_layers")
HEADS = ("num_attention_heads", "n_head", "num_heads", "n_heads", "encoder_attention_heads")
WIDTH = ("hidden_size", "n_embd", "d_model", "dim", "embedding_size")
LIMIT = ("max_position_embeddings", "n_positions", "n_ctx")
# The model in float32, its weights as a bundle, and a session that the proof opens on them.
BYTES_A_PARAMETER = 10
REST = 1.5e9  # torch, transformers and the graph itself


def look(model: str, revision: str | None = None) -> dict[str, Any]:
    """What a Hub id or a folder holds; `refusal` is None or the sentence why it cannot be had."""
    folder = Path(model).expanduser()
    if folder.is_dir():
        config, licence, gated = read_config(folder), "", False
        parameters, size = counted(folder)
        name = folder.resolve().name
    else:
        found = Found(model, revision)
        config, licence, gated = found.config, found.licence, found.gated
        size = found.weights
        parameters = found.parameters or size // 4
        name = model
    return {
        "name": name,
        "type": str(config.get("model_type", "")),
        "parameters": parameters,
        "bytes": size,
        "licence": licence,
        "gated": gated,
        "layers": _first(config, LAYERS),
        "heads": _first(config, HEADS),
        "key_heads": config.get("num_key_value_heads"),
        "width": _first(config, WIDTH),
        "limit": _first(config, LIMIT),
        "vocabulary": config.get("vocab_size"),
        **judged(config, parameters),
    }


def judged(config: dict[str, Any], parameters: int) -> dict[str, Any]:
    """Family, what it cannot show, and why it is refused."""
    try:
        plan = known(config)
        fits(parameters)
    except ExportFailed as error:
        return {"family": None, "notes": [], "refusal": str(error)}
    return {"family": plan.family, "notes": list(plan.notes), "refusal": None}


def known(config: dict[str, Any]) -> Layout:
    """The layout of a configuration; raise `ExportFailed` for kinds that are not for us."""
    kind = str(config.get("model_type", ""))
    try:
        return layout(kind)
    except ExportFailed:
        if config.get("auto_map"):
            raise ExportFailed(
                "This model brings its own code, which is never run here. Choose one whose code "
                "is part of transformers."
            ) from None
        if any(
            key in config for key in ("vision_config", "image_size", "audio_config", "num_mel_bins")
        ):
            raise ExportFailed(
                f"This is a vision or speech model ({kind or 'no type'}); only models of text can "
                "be shown."
            ) from None
        raise


def fits(parameters: int) -> None:
    """Raise `ExportFailed` when the export would need more memory than there is."""
    needed, free = parameters * BYTES_A_PARAMETER + REST, free_memory()
    if free is not None and needed > free:
        raise ExportFailed(
            f"Exporting {parameters / 1e9:,.2f} billion parameters takes about {needed / 1e9:,.0f} "
            f"GB of memory; {free / 1e9:,.0f} GB are free. Choose a smaller model or a larger "
            "machine."
        )


def free_memory() -> float | None:
    """Bytes of memory that can be had, None where the system does not tell."""
    try:
        for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024.0
        return float(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    except (OSError, ValueError, AttributeError):
        return None


def counted(folder: Path) -> tuple[int, int]:
    """Parameters and bytes of a folder's safetensors, read from their headers."""
    parameters = size = 0
    for path in sorted(folder.glob("*.safetensors")):
        size += path.stat().st_size
        for tensor in _header(path).values():
            count = 1
            for length in tensor.get("shape", ()):
                count *= int(length)
            parameters += count
    if not size:
        raise ExportFailed(
            f"{folder.name} has no safetensors weights. Save the model with "
            "safe_serialization=True and try again."
        )
    return parameters, size


def _header(path: Path) -> dict[str, Any]:
    """The header of a safetensors file: 8 bytes of length, then JSON."""
    try:
        with path.open("rb") as file:
            (length,) = struct.unpack("<Q", file.read(8))
            if length > 100_000_000:
                raise ValueError("header too long")
            found = json.loads(file.read(length))
    except (struct.error, ValueError) as error:
        raise ExportFailed(f"{path.name} is damaged ({error}). Download it again.") from None
    return {name: value for name, value in found.items() if name != "__metadata__"}


def _first(config: dict[str, Any], names: tuple[str, ...]) -> Any:
    return next((config[name] for name in names if config.get(name) is not None), None)
