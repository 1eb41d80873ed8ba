"""The lock pins all that the requirements ask for, and is the same on every machine."""

from __future__ import annotations

import ast
import runpy
import sys
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).resolve().parents[1]
LOCK = [line for line in (ROOT / "requirements.lock").read_text().splitlines() if line[0] != "#"]
PINS = {canonicalize_name(Requirement(line).name): Requirement(line) for line in LOCK}
SCRIPT = runpy.run_path(str(ROOT / ".ci" / "lock.py"))


def version(pin: Requirement) -> Version:
    (only,) = pin.specifier
    assert only.operator == "==", str(pin)
    return Version(only.version)


def test_every_requirement_is_pinned_within_its_range() -> None:
    asked = list(SCRIPT["listed"](ROOT / "requirements-dev.txt"))
    assert len(asked) > 20
    for requirement in asked:
        pin = PINS[canonicalize_name(requirement.name)]
        assert version(pin) in requirement.specifier, str(requirement)
        assert pin.marker == requirement.marker, str(requirement)


def test_pins_name_no_build_no_hash_and_no_place() -> None:
    names = [Requirement(line).name for line in LOCK]
    assert names == sorted(set(names))
    for line in LOCK:
        pin = Requirement(line)
        assert pin.url is None and not pin.extras and version(pin).local is None, line
        assert not any(mark in line for mark in ("/", "@", "--", "+")), line
    assert str(PINS["torch"]) == "torch==2.13.0"


def test_what_the_pinned_packages_need_is_pinned_too() -> None:
    """Of what is installed here: other platforms need what only they need, besides."""
    for name, pin in PINS.items():
        if pin.marker is not None and not pin.marker.evaluate():
            continue
        for text in metadata.requires(name) or ():
            needed = Requirement(text)
            if needed.marker is not None and not needed.marker.evaluate({"extra": ""}):
                continue
            if needed.name.startswith(("nvidia-", "cuda-", "triton")):
                continue  # PyTorch's, which pins them itself
            assert canonicalize_name(needed.name) in PINS, f"{name} needs {text}"


def test_development_and_ci_install_by_the_lock() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert "LOCK ?= -c requirements.lock\n" in makefile
    assert "$(LOCK) -r requirements-dev.txt" in makefile
    assert "exec make test" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")


def test_the_light_list_names_what_the_app_imports_at_its_start() -> None:
    """A package that another of the whole list happens to bring is missing on a light host."""
    listed = {
        canonicalize_name(one.name) for one in SCRIPT["listed"](ROOT / "requirements-host.txt")
    }
    brought = {
        canonicalize_name(Requirement(one).name) for one in metadata.requires("streamlit") or ()
    }
    makers = metadata.packages_distributions()
    missing = set()
    for path in [*(ROOT / "engine").rglob("*.py"), *(ROOT / "pages").rglob("*.py")]:
        if path.relative_to(ROOT).parts[1] in ("export", "training"):
            continue
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            names = [one.name for one in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            for name in {name.split(".")[0] for name in names} - sys.stdlib_module_names:
                if name in ("engine", "pages", "onnxruntime"):  # the runtime has two builds
                    continue
                if not {canonicalize_name(one) for one in makers[name]} & (listed | brought):
                    missing.add(name)
    assert listed and not missing
