"""Downloads that break off: what arrived is kept, and the next try asks for the rest alone."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from tests.engine import hub_stand_in
from tests.engine.hub_stand_in import Manners, hub
from tests.engine.test_fetch import ask

CASE = [("maker/large", None)]
SMALL_PIECES = """
from huggingface_hub import constants
constants.DOWNLOAD_CHUNK_SIZE = 100_000  # 10 MB else: what is written at once
"""
# Its own tries in a process, a second apart, end with the network.
NETWORK_GONE = (
    SMALL_PIECES
    + """
import httpx2, time
from types import SimpleNamespace
from huggingface_hub import file_download
def gone(seconds):
    raise httpx2.ConnectError("no network")
file_download.time = SimpleNamespace(**{**vars(time), "sleep": gone})
"""
)


@pytest.fixture
def large(tmp_path: Path) -> Path:
    folder = tmp_path / "large"
    folder.mkdir()
    (folder / "config.json").write_text('{"model_type": "gpt2"}')
    numbers = np.random.default_rng(0).normal(size=(1000, 500)).astype(np.float32)
    save_file({"a": numbers}, folder / "model.safetensors")
    return folder


def fetched(large: Path, manners: Manners, cache: Path, before: str = "") -> dict:
    with hub({"maker/large": large}, manners=manners) as address:
        found = ask(CASE, before, HF_ENDPOINT=address, HF_HOME=str(cache))
    return found["maker/large@None"]


def test_a_broken_download_goes_on_where_it_was(large: Path, tmp_path: Path) -> None:
    size = (large / "model.safetensors").stat().st_size
    broken = Manners(cut=700_000)
    said = fetched(large, broken, tmp_path / "cache", NETWORK_GONE)["error"]
    assert "broke off" in said and "0.7 MB of it are kept" in said and "goes on" in said
    assert not broken.ranges
    whole = Manners()
    found = fetched(large, whole, tmp_path / "cache")
    assert "model.safetensors" in found["files"]
    assert whole.ranges == ["bytes=700000-"]
    config = (large / "config.json").stat().st_size
    assert size - 700_000 <= whole.sent <= size - 700_000 + config
    # The bar begins where the last one ended.
    shares = [share for stage, share in found["said"] if "Downloading" in stage]
    assert 0.3 < min(share for share in shares if share > 0.01) and shares[-1] == 1.0
    kept = list((tmp_path / "cache").rglob("*.incomplete"))
    assert not kept
    blob = next(p for p in (tmp_path / "cache").rglob("model.safetensors"))
    assert blob.read_bytes() == (large / "model.safetensors").read_bytes()


def test_a_connection_that_breaks_again_and_again_is_taken_up_in_the_same_try(
    large: Path, tmp_path: Path
) -> None:
    manners = Manners(cut=900_000)
    found = fetched(large, manners, tmp_path / "cache", SMALL_PIECES)
    assert "model.safetensors" in found["files"]
    assert manners.ranges == ["bytes=900000-", "bytes=1800000-"]


def test_what_is_longer_than_the_file_is_not_gone_on_with(large: Path, tmp_path: Path) -> None:
    blobs = tmp_path / "cache" / "hub" / "models--maker--large" / "blobs"
    blobs.mkdir(parents=True)
    name = hub_stand_in.digest((large / "model.safetensors").read_bytes())
    (blobs / f"{name}.atlas.incomplete").write_bytes(b"x" * 3_000_000)
    found = fetched(large, Manners(), tmp_path / "cache")
    assert "model.safetensors" in found["files"]


def test_what_was_kept_is_compared_with_the_digest(
    large: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half of another file: said, thrown away, and the next try brings the right one."""
    monkeypatch.setattr(hub_stand_in, "digest", lambda data: hashlib.sha256(data).hexdigest())
    name = hub_stand_in.digest((large / "model.safetensors").read_bytes())
    blobs = tmp_path / "cache" / "hub" / "models--maker--large" / "blobs"
    blobs.mkdir(parents=True)
    (blobs / f"{name}.atlas.incomplete").write_bytes(b"x" * 1000)
    said = fetched(large, Manners(), tmp_path / "cache")["error"]
    assert "arrived damaged" in said and not list(blobs.glob("*.atlas.incomplete"))
    assert "files" in fetched(large, Manners(), tmp_path / "cache")


@pytest.mark.parametrize(
    ("status", "words"),
    [(429, ["429", "in 90 seconds"]), (500, ["500", "later"]), (503, ["503", "later"])],
)
def test_a_refusal_of_the_hub_says_when_to_come_again(
    status: int, words: list[str], large: Path, tmp_path: Path
) -> None:
    quick = "from huggingface_hub.utils import _http\n_http.time.sleep = lambda _: None\n"
    manners = Manners(status=status, retry_after="90" if status == 429 else "")
    said = fetched(large, manners, tmp_path / "cache", quick)["error"]
    assert all(word in said for word in words), said
