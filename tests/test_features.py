"""Every promised feature has a test of a page or a journey that names it, and none names another.

Reads the tests as text (`ast`), so that it needs neither a browser nor a model: what the named
tests find is their own business."""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
PROMISED = tomllib.loads((TESTS / "features.toml").read_text())
ROWS = [row for rows in PROMISED.values() for row in rows]


def marked(path: Path) -> Iterator[str]:
    """The features that the tests of one file name."""
    for node in ast.walk(ast.parse(path.read_text())):
        if not isinstance(node, ast.FunctionDef) or not node.name.startswith("test_"):
            continue
        for mark in node.decorator_list:
            if isinstance(mark, ast.Call) and ast.unparse(mark.func) == "pytest.mark.feature":
                yield from (ast.literal_eval(argument) for argument in mark.args)


@pytest.fixture(scope="module")
def named() -> set[str]:
    return {
        row
        for folder in ("pages", "browser")
        for path in (TESTS / folder).glob("test_*.py")
        for row in marked(path)
    }


def test_no_row_is_promised_twice() -> None:
    assert len(ROWS) == len(set(ROWS))


def test_a_page_or_a_journey_shows_every_row(named: set[str]) -> None:
    missing = [row for row in ROWS if row not in named]
    assert not missing, f"no test of a page and no journey has the mark of {missing}"


def test_no_test_names_a_feature_that_is_not_promised(named: set[str]) -> None:
    assert not named - set(ROWS)
