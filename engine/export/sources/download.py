"""A large file of the Hub, downloaded in as many tries as it takes: what arrived is kept.

huggingface_hub goes on where a connection broke, but throws away what it has when its process ends
or its tries are used up. Here the bytes lie under a name of their own among the blobs of its cache,
and the next try asks for the rest. What is complete is compared with the digest that the Hub names
it by and becomes the blob, so that `hf_hub_download` finds it there.
"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from filelock import FileLock

from engine.errors import ExportFailed

NAME = re.compile(r"[A-Za-z0-9_-]{8,128}")  # how the Hub names a blob; a path is none
SHA256 = re.compile(r"[0-9a-f]{64}")  # of a large file; small ones have git's digest
LARGEST = 50 * 10**9  # bytes: the Hub gives larger files another way
UNFINISHED = ".atlas.incomplete"


def bring(source: str, name: str, revision: str | None, counting: type) -> None:
    """Put a file among the cache's blobs, with what an earlier try left.

    `counting` is a tqdm class that is told of the bytes. What is refused here is refused to
    `hf_hub_download` too, which is called next and says so.
    """
    from huggingface_hub import get_hf_file_metadata, hf_hub_url
    from huggingface_hub.file_download import http_get
    from huggingface_hub.utils import build_hf_headers

    url = hf_hub_url(source, name, revision=revision)
    about = get_hf_file_metadata(url)
    size, digest = about.size, about.etag
    if not size or size > LARGEST or not digest or not NAME.fullmatch(digest):
        return
    blob = blobs(source) / digest
    blob.parent.mkdir(parents=True, exist_ok=True)
    part = blob.with_name(f"{digest}{UNFINISHED}")
    with FileLock(blob.with_name(f"{digest}.atlas.lock")):
        if blob.exists():
            return
        part.touch()
        with part.open("r+b") as file:
            if file.seek(0, 2) > size:
                file.seek(0)
                file.truncate()
            http_get(
                url,
                file,
                resume_size=file.tell(),
                headers=build_hf_headers(),
                expected_size=size,
                displayed_filename=name,
                tqdm_class=counting,
            )
        _check(part, digest, size, f"{name} of {source}")
        part.replace(blob)


def arrived(source: str) -> int:
    """Bytes of a model's files whose download was begun and not ended."""
    folder = blobs(source)
    parts = folder.glob(f"*{UNFINISHED}") if folder.is_dir() else ()
    return sum(path.stat().st_size for path in parts)


def blobs(source: str) -> Path:
    """Where the cache of huggingface_hub keeps the contents of a model's files."""
    from huggingface_hub import constants
    from huggingface_hub.file_download import repo_folder_name

    folder = repo_folder_name(repo_id=source, repo_type="model")
    return Path(constants.HF_HUB_CACHE) / folder / "blobs"


def _check(part: Path, digest: str, size: int, what: str) -> None:
    """Remove what is not what the Hub has, and say so."""
    found = part.stat().st_size
    if found == size and SHA256.fullmatch(digest):
        with part.open("rb") as file:
            found = size if hashlib.file_digest(file, "sha256").hexdigest() == digest else -1
    if found != size:
        part.unlink()
        raise ExportFailed(f"{what} arrived damaged. Try again: it is downloaded anew.")
