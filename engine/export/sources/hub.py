"""Where checkpoints come from: a folder or the Hugging Face Hub, safetensors only.

Nothing of a repository is ever run and no pickled weights are read. HF_HOME, HF_TOKEN, HF_ENDPOINT
and HF_HUB_OFFLINE are honoured by huggingface_hub itself; its errors become sentences here.
"""

from __future__ import annotations

import json
import math
import struct
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from fnmatch import fnmatch
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.errors import ExportFailed, HubUnreachable, UnknownModel
from engine.export.sources.download import arrived, bring
from engine.export.sources.place import check_download, check_memory, full_disk_explained
from engine.export.sources.rules import WEIGHTS, check_files, layout_of

if TYPE_CHECKING:
    from huggingface_hub.errors import HfHubHTTPError

FILES = (
    "config.json",
    "generation_config.json",
    "*token*.json",  # tokenizer, its configuration, special and added tokens
    "*.safetensors.index.json",
    "*vocab*.json",
    "vocab.txt",
    "merges.txt",
    "spiece.model",
    "sentencepiece.bpe.model",
    "tokenizer.model",
    "*.spm",
    "chat_template.jinja",
    WEIGHTS,
)

PATIENCE = 5.0  # seconds for an answer of the Hub where there is another source

Report = Callable[[str, float], None]


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A checkpoint on disk: its files, its name, where it is from; sentences for the card."""

    folder: Path
    name: str
    source: str
    revision: str
    licence: str
    config: dict[str, Any]
    notes: tuple[str, ...] = ()

    @property
    def model_type(self) -> str:
        """The type that transformers knows the model by."""
        return str(self.config.get("model_type", ""))

    @property
    def parameters(self) -> int:
        """How many numbers the weights hold, from the headers of their files."""
        return sum(_elements(path) for path in self.folder.glob(WEIGHTS))


def local(folder: Path) -> Checkpoint:
    """The checkpoint in a folder; raise `ExportFailed` where there is none."""
    config = read_config(folder)
    check_files([path.name for path in folder.iterdir()], folder.name)
    name = folder.resolve().name
    return Checkpoint(folder, name, name, "", licence_of(folder), config)


def fetch(
    source: str, revision: str | None, report: Report, *, out: Path | None = None
) -> Checkpoint:
    """Download a checkpoint into the Hub's cache, unless it is there, and describe it.

    Refused before the first large byte where cache, memory or the disk of `out` lack the room.
    """
    from huggingface_hub import constants, hf_hub_download, try_to_load_from_cache

    cache = Path(constants.HF_HUB_CACHE)
    with full_disk_explained(cache), explained(source):
        report(f"Asking the Hub for {source}", 0.0)
        config = read_config(Path(hf_hub_download(source, "config.json", revision=revision)).parent)
        files, commit, licence, parameters = listing(source, revision)
        check(source, revision, config, files, parameters, out or cache)
        total, done = max(1, sum(files.values())), 0
        folder = Path()
        for name, size in files.items():

            def progress(arrived: int, before: int = done) -> None:
                got = min(total, before + arrived)
                report(f"Downloading: {got / 1e6:,.0f} of {total / 1e6:,.0f} MB", got / total)

            counting = _counting(progress)
            if fnmatch(name, WEIGHTS) and not constants.is_offline_mode():
                if not isinstance(try_to_load_from_cache(source, name, revision=revision), str):
                    bring(source, name, revision, counting)
            # By its branch, so that the cache remembers it and answers when there is no network.
            path = hf_hub_download(source, name, revision=revision, tqdm_class=counting)
            folder, done = Path(path).parent, done + size
            progress(0, done)
    name = source.rsplit("/", 1)[-1]
    return Checkpoint(folder, name, source, commit or folder.name, licence, config)


def check(
    source: str,
    revision: str | None,
    config: dict[str, Any],
    files: dict[str, int],
    parameters: int,
    out: Path,
) -> None:
    """Refuse what cannot be exported to `out` or fetched for it, before the first large byte."""
    from huggingface_hub import constants

    cache = Path(constants.HF_HUB_CACHE)
    layout_of(config, source)
    check_files(list(files), source)
    check_memory(source, parameters)
    check_download(source, _missing(source, revision, files), cache, parameters, out)


def _missing(source: str, revision: str | None, files: dict[str, int]) -> int:
    """Bytes of the files that the cache does not have."""
    from huggingface_hub import try_to_load_from_cache

    sizes = files.items()
    return sum(
        size
        for name, size in sizes
        if not isinstance(try_to_load_from_cache(source, name, revision=revision), str)
    )


def ask(source: str, revision: str | None) -> tuple[dict[str, Any], dict[str, int], str, int]:
    """Configuration, sizes of the files, licence and parameters of a model on the Hub."""
    from huggingface_hub import hf_hub_download

    with explained(source):
        config = read_config(Path(hf_hub_download(source, "config.json", revision=revision)).parent)
        files, _, licence, parameters = listing(source, revision)
    return config, files, licence, parameters


def check_answers(source: str) -> None:
    """Raise `HubUnreachable` where the Hub does not answer at once; without a network by choice
    nothing is asked: its cache may have the model.

    Its own client tries for some 25 seconds: too long where the model can be had elsewhere.
    """
    from huggingface_hub import constants
    from huggingface_hub.utils import get_session

    if constants.is_offline_mode():
        return
    with explained(source):
        status = get_session().head(constants.ENDPOINT, timeout=PATIENCE).status_code
    if status == 429 or status >= 500:
        raise HubUnreachable(f"The Hub refused {source} ({status}). Try again later.")


def listing(source: str, revision: str | None) -> tuple[dict[str, int], str, str, int]:
    """Sizes of the files, commit, licence, parameters; offline, of what the cache has."""
    from huggingface_hub import HfApi, constants, snapshot_download

    if constants.is_offline_mode():
        folder = Path(snapshot_download(source, revision=revision, local_files_only=True))
        sizes = {path.name: path.stat().st_size for path in folder.iterdir() if path.is_file()}
        return _with_others(sizes), folder.name, licence_of(folder), 0
    info = HfApi().model_info(source, revision=revision, files_metadata=True)
    sizes = {file.rfilename: file.size or 0 for file in info.siblings or []}
    tags = [tag.removeprefix("license:") for tag in info.tags or [] if tag.startswith("license:")]
    named = str(getattr(info.card_data, "license", None) or "")
    count = info.safetensors.total if info.safetensors else 0
    return _with_others(sizes), info.sha or "", tags[0] if tags else named, count


def wanted(sizes: dict[str, int]) -> dict[str, int]:
    """The files of a repository that an export reads, with their sizes."""
    return {
        name: size
        for name, size in sizes.items()
        if "/" not in name and any(fnmatch(name, pattern) for pattern in FILES)
    }


def _with_others(sizes: dict[str, int]) -> dict[str, int]:
    # Without safetensors the other files are named, so that the refusal can say what they are.
    found = wanted(sizes)
    return found if any(fnmatch(name, WEIGHTS) for name in found) else sizes


def read_config(folder: Path) -> dict[str, Any]:
    """Read `config.json`; raise `ExportFailed` when it is missing or no JSON object."""
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        if not isinstance(config, dict):
            raise ValueError("no object")
    except FileNotFoundError:
        raise ExportFailed(
            f"{folder.name} has no config.json. Give a Hugging Face id or a folder saved by "
            "save_pretrained."
        ) from None
    except ValueError as error:
        raise ExportFailed(
            f"config.json of {folder.name} cannot be read ({error}). Download the model again."
        ) from None
    return config


@contextmanager
def explained(source: str) -> Iterator[None]:
    """Turn what goes wrong with the Hub into one sentence with a remedy."""
    import httpx2
    from huggingface_hub import constants, errors

    guest = constants.HF_HUB_DISABLE_IMPLICIT_TOKEN  # the host's token is not theirs
    page = f"https://huggingface.co/{source}"
    try:
        yield
    except errors.GatedRepoError:
        raise ExportFailed(
            f"{source} asks for a consent, so only the host of this app can add it."
            if guest
            else f"{source} asks for a consent. Accept its terms at {page}, then set HF_TOKEN to "
            "your access token and try again."
        ) from None
    except errors.RevisionNotFoundError:
        raise UnknownModel(f"{source} has no such revision. Choose one at {page}.") from None
    except (errors.RepositoryNotFoundError, errors.HFValidationError):
        remedy = "can be added by the host only" if guest else "needs HF_TOKEN set to your token"
        raise UnknownModel(
            f"The Hub has no model called {source[:80]!r}. Check the spelling; a private one "
            f"{remedy}."
        ) from None
    except errors.RemoteEntryNotFoundError:
        raise ExportFailed(
            f"{source} has no config.json, so it is no transformers model. Choose another."
        ) from None
    except errors.HfHubHTTPError as error:
        raise _refused(source, error) from None
    except (
        errors.LocalEntryNotFoundError,
        errors.OfflineModeIsEnabled,
        errors.IncompleteSnapshotError,
        httpx2.HTTPError,
        ConnectionError,
    ) as error:
        if isinstance(error.__cause__, errors.HfHubHTTPError):
            # The Hub answered, and was asked for a file that might be in the cache.
            raise _refused(source, error.__cause__) from None
        if kept := arrived(source):
            raise HubUnreachable(
                f"The download of {source} broke off. {kept / 1e6:,.1f} MB of it are kept: try "
                "again, and it goes on from there."
            ) from None
        raise HubUnreachable(
            f"{source} is not on this computer and the Hub cannot be reached. Connect to the "
            "network (and unset HF_HUB_OFFLINE), or give the folder of a downloaded model."
        ) from None


def _refused(source: str, error: HfHubHTTPError) -> ExportFailed:
    """The sentence for an answer that is a refusal."""
    lines = str(error).splitlines() or [type(error).__name__]
    status = error.response.status_code
    wait = retry_after(error.response.headers) if status == 429 else None
    when = f"in {wait:,} seconds" if wait else "later"
    busy = status == 429 or status >= 500
    return (HubUnreachable if busy else ExportFailed)(
        f"The Hub refused {source} ({lines[0][:200]}). Try again {when}."
    )


def retry_after(headers: Mapping[str, str]) -> int | None:
    """Seconds that a server asks to wait, a day at most; None where it names no time.

    >>> retry_after({"Retry-After": "120"})
    120
    """
    said = headers.get("Retry-After", "").strip()
    if said.isascii() and said.isdigit():
        wait = float(said[:9])
    else:
        try:
            wait = parsedate_to_datetime(said).timestamp() - time.time()
        except (ValueError, TypeError, OverflowError):
            return None
    return min(math.ceil(wait), 24 * 3600) if wait > 0 else None


def _elements(path: Path) -> int:
    """The numbers in a safetensors file; raise `ExportFailed` when it is damaged."""
    try:
        with open(path, "rb") as file:
            (length,) = struct.unpack("<Q", file.read(8))
            if length > path.stat().st_size:
                raise ValueError("its header says more than the file holds")
            header = json.loads(file.read(length))
        tensors = [entry for name, entry in header.items() if name != "__metadata__"]
        ends = max((entry["data_offsets"][1] for entry in tensors), default=0)
        if path.stat().st_size != 8 + length + ends:
            raise ValueError(f"{path.stat().st_size:,} bytes instead of {8 + length + ends:,}")
        return sum(math.prod(entry["shape"]) for entry in tensors)
    except (ValueError, KeyError, TypeError, AttributeError, struct.error) as error:
        raise ExportFailed(
            f"{path.name} is damaged ({error}). Delete it and download the model again."
        ) from None


def licence_of(folder: Path) -> str:
    """The licence that the front matter of the checkpoint's README names."""
    path = folder / "README.md"
    if not path.is_file():
        return ""
    text = path.read_text(encoding="utf-8", errors="replace")
    head = text.split("---")[1] if text.startswith("---") and text.count("---") > 1 else ""
    lines = [line.partition(":") for line in head.splitlines()]
    return next((value.strip()[:80] for key, _, value in lines if key == "license"), "")


def _counting(progress: Callable[[int], None]) -> type:
    """A tqdm that reports the bytes of one file instead of drawing."""
    from tqdm.auto import tqdm

    class Counting(tqdm):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            kwargs.pop("name", None)
            super().__init__(*args, **{**kwargs, "disable": True})
            self.arrived = int(kwargs.get("initial") or 0)

        def update(self, n: float | None = 1) -> bool | None:
            self.arrived += int(n or 0)
            progress(self.arrived)
            return None

    return Counting
