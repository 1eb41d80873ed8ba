"""The engine as a whole: its list of modules, and that it stands alone."""

from __future__ import annotations

import ast
import importlib
from pathlib import Path

import pytest

import engine

FOLDER = Path(engine.__file__).parent
MODULES = sorted(path.stem for path in FOLDER.glob("*.py") if path.stem != "__init__")
PARTS = sorted(path.parent.name for path in FOLDER.glob("*/__init__.py"))
APART = {"export", "training"}  # programs of their own


def test_every_module_is_listed_and_the_list_is_sorted():
    assert engine.__all__ == sorted([*MODULES, *(set(PARTS) - APART)])


@pytest.mark.parametrize("name", MODULES)
def test_a_module_says_what_it_is_for_and_what_its_public_names_are(name: str):
    module = importlib.import_module(f"engine.{name}")
    assert module.__doc__ and len(module.__doc__) > 80
    tree = ast.parse((FOLDER / f"{name}.py").read_text(encoding="utf-8"))
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            assert ast.get_docstring(node), f"engine.{name}.{node.name}"
