"""Checkpoints from the Hugging Face Hub: looked at first, then fetched, safetensors only.

In: an id and a revision. Out: a `Checkpoint` in the Hub's own cache (`HF_HOME`), or one sentence
that says why not and what to do. Only the files that an export reads are fetched: no pickled
weights, no code. `HF_TOKEN` and `HF_HUB_OFFLINE` are honoured by the library beneath.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import httpx
from huggingface_hub import HfApi, hf_hub_download, snapshot_download
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    LocalEntryNotFoundError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from tqdm.auto import tqdm

from engine.errors import ExportFailed
from engine.export.hub import Checkpoint, read_config

ID = re.compile(r"[A-Za-z0-9][\w.-]{0,95}(/[A-Za-z0-9][\w.-]{0,95})?")
WEIGHTS = ("model.safetensors", "model-*.safetensors", "model.safetensors.index.json")
TEXTS = (
    "config.json",
    "generation_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "chat_template.jinja",
    "vocab.json",
    "vocab.txt",
    "merges.txt",
    "*.spm",
    "*.model",
)
REFUSED = (HfHubHTTPError, OfflineModeIsEnabled, LocalEntryNotFoundError, HFValidationError)
UNREACHABLE = (OSError, httpx.HTTPError)

Report = Callable[[str, float], None]


class Found:
    """What the Hub tells of a repository before anything large is fetched."""

    def __init__(self, name: str, revision: str | None) -> None:
        """Ask the Hub; raise `ExportFailed` with a sentence when it says no."""
        if not ID.fullmatch(name):
            raise ExportFailed(
                f"{name[:80]!r} is not a Hub id. An id looks like openai-community/gpt2."
            )
        self.name = name
        with _sentences(name, revision):
            info = HfApi().model_info(name, revision=revision, files_metadata=True)
            self.revision = str(info.sha)
            path = hf_hub_download(name, "config.json", revision=self.revision)
        self.sizes = {file.rfilename: file.size or 0 for file in info.siblings or []}
        self.config: dict[str, Any] = read_config(Path(path).parent)
        self.licence = str(getattr(info.card_data, "license", None) or "")
        total = getattr(info.safetensors, "total", None)
        self.parameters = int(total) if total else None

    @property
    def weights(self) -> int:
        """Bytes of safetensors weights to be fetched; raise `ExportFailed` where there are none."""
        found = sum(size for file, size in self.sizes.items() if _weight(file))
        if not found:
            pickled = any(file.endswith((".bin", ".pt", ".ckpt", ".msgpack")) for file in self.sizes)
            held = "pickled weights only, which can run code" if pickled else "no weights"
            raise ExportFailed(
                f"{self.name} holds {held}. Choose a repository with model.safetensors."
            )
        return found


def fetch(name: str, revision: str | None, report: Report) -> Checkpoint:
    """Fetch what an export reads, telling the bytes; offline, what the cache holds is enough."""
    patterns = [*TEXTS, *WEIGHTS]
    try:
        found = Found(name, revision)
    except _Offline as error:
        return _cached(name, revision, patterns, str(error))
    total = found.weights
    with _sentences(name, revision):
        folder = snapshot_download(
            name,
            revision=found.revision,
            allow_patterns=patterns,
            tqdm_class=_bar(report, total),
        )
    return Checkpoint(
        Path(folder), name.rsplit("/", 1)[-1], name, found.revision, found.licence, found.config
    )


def _cached(name: str, revision: str | None, patterns: Sequence[str], why: str) -> Checkpoint:
    try:
        folder = Path(
            snapshot_download(
                name, revision=revision, allow_patterns=list(patterns), local_files_only=True
            )
        )
    except (OSError, ValueError):
        raise ExportFailed(why) from None
    if not any(folder.glob("*.safetensors")):
        raise ExportFailed(why)
    return Checkpoint(
        folder, name.rsplit("/", 1)[-1], name, folder.name, "", read_config(folder)
    )


def _weight(file: str) -> bool:
    return re.fullmatch(r"model(-[\w-]+)?\.safetensors", file) is not None


class _Offline(ExportFailed):
    """The Hub cannot be asked; the cache may still hold the model."""


class _sentences:
    """Turns the library's exceptions into sentences with a remedy."""

    def __init__(self, name: str, revision: str | None) -> None:
        self.name, self.revision = name, revision

    def __enter__(self) -> None:
        """Nothing to prepare."""

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        """Raise `ExportFailed` in place of what the library raised."""
        name = self.name
        if isinstance(error, GatedRepoError):
            raise ExportFailed(
                f"{name} asks for your consent: accept its terms at https://huggingface.co/{name}, "
                "then set HF_TOKEN to a token of that account."
            ) from None
        if isinstance(error, RevisionNotFoundError):
            raise ExportFailed(f"{name} has no revision {self.revision!r} on the Hub.") from None
        if isinstance(error, RepositoryNotFoundError):
            raise ExportFailed(
                f"There is no model {name} on the Hub, or it is private. Check the spelling; for a "
                "private one set HF_TOKEN."
            ) from None
        if isinstance(error, HfHubHTTPError) and error.response is not None:
            status = error.response.status_code
            if status == 404:
                raise ExportFailed(f"{name} has no config.json: it is not a transformer.") from None
            if status < 500:
                raise ExportFailed(
                    f"The Hub refused {name} (status {status}). Check HF_TOKEN."
                ) from None
        if isinstance(error, OSError) and error.errno == 28:
            raise ExportFailed(
                f"The disk is full: {name} was not fetched. Free some space or move HF_HOME."
            ) from None
        if isinstance(error, (*REFUSED, *UNREACHABLE)):
            raise _Offline(
                f"The Hub cannot be reached and {name} is not in its cache on this machine. "
                "Check the network and HF_HUB_OFFLINE, or give a folder."
            ) from None
        if isinstance(error, json.JSONDecodeError):
            raise ExportFailed(f"The Hub's answer about {name} cannot be read.") from None


def _bar(report: Report, total: int) -> type[tqdm]:
    """A progress bar that draws nothing and reports the bytes that are on disk."""

    class Bar(tqdm):
        def __init__(self, *args: Any, **options: Any) -> None:
            self._bytes = options.get("unit") == "B" and options.get("desc") != "Downloading bytes"
            super().__init__(*args, **{**options, "disable": True})
            self._seen = int(options.get("initial") or 0)

        def update(self, n: float | None = 1) -> bool | None:
            self._seen += int(n or 0)
            if self._bytes:
                share = min(self._seen / total, 1.0)
                report(f"Downloading {self._seen / 1e6:,.0f} of {total / 1e6:,.0f} MB", share)
            return None

    return Bar
