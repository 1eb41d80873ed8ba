"""Where checkpoints come from: a folder or the Hugging Face Hub, safetensors only.

Nothing of a repository is ever run, and no pickled weights are read.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.errors import ExportFailed


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A checkpoint on disk: its files, its name and where it is from."""

    folder: Path
    name: str
    source: str
    revision: str
    licence: str
    config: dict[str, Any]

    @property
    def model_type(self) -> str:
        """The type that transformers knows the model by."""
        return str(self.config.get("model_type", ""))


def local(folder: Path) -> Checkpoint:
    """The checkpoint in a folder; raise `ExportFailed` where there is none."""
    config = read_config(folder)
    if not any(folder.glob("*.safetensors")):
        raise ExportFailed(
            f"{folder.name} has no safetensors weights. Save the model with "
            "safe_serialization=True and try again."
        )
    name = folder.resolve().name
    return Checkpoint(folder, name, name, "", "", config)


def read_config(folder: Path) -> dict[str, Any]:
    """Read `config.json`."""
    try:
        return json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ExportFailed(
            f"{folder.name} has no config.json. Give a folder saved by save_pretrained."
        ) from None
    except ValueError as error:
        raise ExportFailed(
            f"config.json of {folder.name} cannot be read ({error}). Download the model again."
        ) from None
