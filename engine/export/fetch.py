"""Checkpoints from the Hugging Face Hub: looked at first, then fetched, safetensors only.

In: an id and a revision. Out: a `Checkpoint` in the Hub's own cache (`HF_HOME`), or one sentence
that says why not and what to do. Only the files that an export reads are fetched: no pickled
weights, no code. `HF_TOKEN` and `HF_HUB_OFFLINE` are honoured by the library beneath.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from errno import ENOSPC
from pathlib import Path
from typing import Any

import httpx2
from huggingface_hub import HfApi, hf_hub_download, snapshot_download
from huggingface_hub.constants import HF_HUB_CACHE
from huggingface_hub.errors import (
    EntryNotFoundError,
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
UNREACHABLE = (OSError, httpx2.HTTPError)

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
        self.gated = bool(info.gated)
        total = getattr(info.safetensors, "total", None)
        self.parameters = int(total) if total else None

    @property
    def weights(self) -> int:
        """Bytes of safetensors weights to be fetched; raise `ExportFailed` where there are none."""
        found = sum(size for file, size in self.sizes.items() if _weight(file))
        if not found:
            pickled = any(
                file.endswith((".bin", ".pt", ".ckpt", ".msgpack")) for file in self.sizes
            )
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
    except Offline as error:
        return _cached(name, revision, patterns, str(error))
    total = found.weights
    room(total)
    with _sentences(name, revision):
        # By its branch, so that the cache remembers it and answers when there is no network.
        folder = Path(
            snapshot_download(
                name, revision=revision, allow_patterns=patterns, tqdm_class=_bar(report, total)
            )
        )
    title = name.rsplit("/", 1)[-1]
    return Checkpoint(folder, title, name, folder.name, found.licence, read_config(folder))


def room(size: int) -> None:
    """Raise `ExportFailed` when the Hub's cache cannot hold `size` bytes more."""
    cache = Path(HF_HUB_CACHE)
    there = next(folder for folder in (cache, *cache.parents) if folder.exists())
    free = shutil.disk_usage(there).free
    if free < size * 1.05:
        raise ExportFailed(
            f"The download takes {size / 1e9:,.1f} GB; {free / 1e9:,.1f} GB are free in {cache}. "
            "Free some space or move HF_HOME."
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
    return Checkpoint(folder, name.rsplit("/", 1)[-1], name, folder.name, "", read_config(folder))


def _weight(file: str) -> bool:
    return re.fullmatch(r"model(-[\w-]+)?\.safetensors", file) is not None


class Offline(ExportFailed):
    """The Hub cannot be asked; the cache may still hold the model."""


@contextmanager
def _sentences(name: str, revision: str | None) -> Iterator[None]:
    """Turn the library's exceptions into sentences with a remedy."""
    try:
        yield
    except (*REFUSED, *UNREACHABLE, ValueError) as error:
        raise _sentence(error, name, revision) from None


def _sentence(error: Exception, name: str, revision: str | None) -> ExportFailed:
    if isinstance(error, GatedRepoError):
        return ExportFailed(
            f"{name} asks for your consent: accept its terms at https://huggingface.co/{name}, "
            "then set HF_TOKEN to a token of that account."
        )
    if isinstance(error, RevisionNotFoundError):
        return ExportFailed(f"{name} has no revision {str(revision)[:80]!r} on the Hub.")
    if isinstance(error, RepositoryNotFoundError):
        return ExportFailed(
            f"There is no model {name} on the Hub, or it is private. Check the spelling; for a "
            "private one set HF_TOKEN."
        )
    if isinstance(error, EntryNotFoundError):
        return ExportFailed(f"{name} has no config.json: it is not a transformer.")
    status = error.response.status_code if isinstance(error, HfHubHTTPError) else 500
    if status < 500:
        return ExportFailed(f"The Hub refused {name} (status {status}). Check HF_TOKEN.")
    if isinstance(error, OSError) and error.errno == ENOSPC:
        return ExportFailed(
            f"The disk is full: {name} was not fetched. Free some space or move HF_HOME."
        )
    if isinstance(error, (*REFUSED, *UNREACHABLE)):
        return Offline(
            f"The Hub cannot be reached and {name} is not in its cache on this machine. "
            "Check the network and HF_HUB_OFFLINE, or give a folder."
        )
    return ExportFailed(f"The Hub's answer about {name} cannot be read. Try again later.")


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
