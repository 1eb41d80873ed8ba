"""What is installed in two steps: the app itself, and what adds models and computes maps.

    python -m engine.installing host        the app, with the ONNX Runtime for this machine
    python -m engine.installing exporter    the rest: PyTorch, transformers, onnx, UMAP, ...
    python -m engine.installing room        make room for requirements.txt: one ONNX Runtime only

With `--json` each line on stdout is {"stage", "progress", "result", "error"}. Both builds of ONNX
Runtime fill the same folder, so that whichever is there stays, and none is put on top of another;
the CUDA build is taken where an NVIDIA driver is, with NVIDIA's libraries. Needs nothing but Python
and pip, as it runs before anything is there.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from importlib import metadata, util
from pathlib import Path
from typing import Literal

ROOT = Path(__file__).resolve().parents[1]
WHOLE, LIGHT = "requirements.txt", "requirements-host.txt"
Part = Literal["models", "maps", "training"]
NEEDS: dict[Part, tuple[str, ...]] = {
    "models": (
        "torch",
        "transformers",
        "onnx",
        "onnxscript",
        "safetensors",
        "sentencepiece",
        "gguf",
        "accelerate",
    ),
    "maps": ("umap", "sklearn"),
    "training": ("torch", "transformers", "onnx", "onnxscript", "safetensors", "peft"),
}
WHAT: dict[Part, str] = {
    "models": "Adding models",
    "maps": "Computing this map",
    "training": "Training a model",
}
RUNTIMES = ("onnxruntime", "onnxruntime-gpu")
DRIVER = ("/proc/driver/nvidia/version", "/dev/dxg")  # Linux; Windows' Linux
NAME = re.compile(r"[A-Za-z0-9._-]+")
WHERE_FROM = "make exporter (or python -m engine.installing exporter)"
ELSEWHERE: list[Callable[[Part], bool]] = []
"""Who may say that a part is done by another process, which has what it needs."""
# Packages that come, roughly; the bar never waits for the last of them.
EXPECTED = 60

Tell = Callable[[str, float], None]


def missing(part: Part) -> tuple[str, ...]:
    """The modules that a part needs and this environment lacks."""
    importlib.invalidate_caches()
    return tuple(name for name in NEEDS[part] if util.find_spec(name) is None)


def told(part: Part) -> str:
    """What is missing for a part and how to get it, as a sentence; "" where nothing is."""
    lacking = missing(part)
    if not lacking or any(has(part) for has in ELSEWHERE):
        return ""
    return (
        f"{WHAT[part]} needs {', '.join(lacking)}, which this installation lacks. Run {WHERE_FROM}."
    )


def listed(name: str) -> Iterator[str]:
    """The requirements of a file, one a line, without remarks."""
    for line in (ROOT / name).read_text(encoding="utf-8").splitlines():
        text = re.split(r"(?:^|\s)#", line)[0].strip()
        if text:
            yield text


def package(requirement: str) -> str:
    """The name of what a requirement asks for: `package("Pillow>=11")` is `"pillow"`."""
    found = NAME.match(requirement)
    assert found, requirement
    return re.sub(r"[._-]+", "-", found[0]).lower()


def light(runtime: str) -> list[str]:
    """What the app needs, with the build of ONNX Runtime of that name."""
    (plain,) = (one for one in listed(LIGHT) if package(one) == RUNTIMES[0])
    version = plain.partition("==")[2]
    chosen = plain if runtime == RUNTIMES[0] else f"{runtime}[cuda,cudnn]=={version}"
    return [chosen if one == plain else one for one in listed(LIGHT)]


def rest() -> list[str]:
    """What the whole list has beyond the light one, ONNX Runtime left as it is."""
    here = {package(one) for one in listed(LIGHT)} | set(RUNTIMES)
    return [one for one in listed(WHOLE) if package(one) not in here]


def has_driver(places: Sequence[str] = DRIVER) -> bool:
    """Whether an NVIDIA driver is on this machine."""
    return shutil.which("nvidia-smi") is not None or any(Path(one).exists() for one in places)


def runtime(*, driver: bool, system: str, machine: str) -> str:
    """Which build of ONNX Runtime fits: CUDA's exists for two kinds of machine.

    `runtime(driver=True, system="darwin", machine="arm64")` is `"onnxruntime"`.
    """
    built = (system, machine) in (("linux", "x86_64"), ("win32", "AMD64"))
    return RUNTIMES[1] if driver and built else RUNTIMES[0]


def installed() -> tuple[str, ...]:
    """The builds of ONNX Runtime that are installed."""
    found = []
    for name in RUNTIMES:
        try:
            metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
        found.append(name)
    return tuple(found)


def host(tell: Tell) -> None:
    """Install the app; a build of ONNX Runtime that is here stays, whichever it is."""
    # A folder of packages (make offline) holds the plain build.
    driver = has_driver() and not os.environ.get("PIP_NO_INDEX")
    fits = runtime(driver=driver, system=sys.platform, machine=platform.machine())
    here = installed()
    wanted = [one for one in light(fits) if not (here and package(one) in RUNTIMES)]
    _install(wanted, tell)


def exporter(tell: Tell) -> None:
    """Install what adds models and computes maps."""
    _install(rest(), tell)


def room(tell: Tell) -> None:
    """Remove the build of ONNX Runtime that the whole list does not name for this machine."""
    fits = runtime(driver=True, system=sys.platform, machine=platform.machine())
    for name in installed():
        if name != fits:
            tell(f"Removing {name}", 0.0)
            # Both, as they share a folder: what is left of the other would be half of it.
            _pip(["uninstall", "--yes", *installed()], tell)
            return


def main(arguments: list[str] | None = None) -> int:
    """Install a part, saying how far it is; the exit status."""
    reader = argparse.ArgumentParser(prog="python -m engine.installing")
    reader.add_argument("part", choices=("host", "exporter", "room"))
    reader.add_argument("--json", action="store_true", help="say it as JSON lines")
    chosen = reader.parse_args(arguments)

    def tell(stage: str, share: float) -> None:
        if chosen.json:
            print(json.dumps({"stage": stage, "progress": share}), flush=True)
        else:
            print(stage, flush=True)

    try:
        {"host": host, "exporter": exporter, "room": room}[chosen.part](tell)
    except RuntimeError as error:
        if chosen.json:
            print(json.dumps({"error": str(error)}), flush=True)
        else:
            print(error, file=sys.stderr)
        return 1
    if chosen.json:
        print(json.dumps({"result": chosen.part, "progress": 1.0}), flush=True)
    return 0


def _install(requirements: Sequence[str], tell: Tell) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "requirements.txt"
        path.write_text("\n".join(requirements) + "\n", encoding="utf-8")
        _pip(["install", "-r", str(path)], tell)


def _pip(command: list[str], tell: Tell) -> None:
    """Run pip, telling what it collects; raise `RuntimeError` with its last words on failure."""
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input", *command]
    run = subprocess.Popen(
        pip,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
        env=os.environ | {"PIP_PROGRESS_BAR": "off", "NO_COLOR": "1"},
    )
    assert run.stdout is not None
    collected, last = 0, ""
    for line in run.stdout:
        words = line.strip()
        last = words if "ERROR" in words or not last.startswith("ERROR") else last
        if words.startswith("Collecting "):
            collected += 1
            tell(f"Fetching {package(words.split()[1])}", 0.8 * min(1.0, collected / EXPECTED))
        elif words.startswith("Downloading "):
            tell(words[:120], 0.8 * min(1.0, collected / EXPECTED))
        elif words.startswith("Installing collected"):
            tell("Installing", 0.8)
    if run.wait():
        raise RuntimeError(f"pip could not do it: {last[:300] or 'it says nothing'}")


if __name__ == "__main__":
    sys.exit(main())
