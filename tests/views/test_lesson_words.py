"""What the pages say of attention: a token attends; nothing looks."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from engine.learn.reader import FOLDER, shipped

ROOT = Path(__file__).parents[2]
LOOKS = re.compile(
    r"\b(tokens?|heads?|words?|queries|model|decoder|encoder) (looks?|looked)\b(?! up)|look at all"
)


def written(path: Path) -> list[str]:
    """The texts of a module, its docstrings left out."""
    tree = ast.parse(path.read_text("utf-8"))
    docs = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.FunctionDef | ast.ClassDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    return [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docs
    ]


def test_a_token_attends_and_does_not_look() -> None:
    found = {
        f"{path.relative_to(ROOT)}: {text[:60]}"
        for folder in ("pages", "engine/learn", "engine/attention")
        for path in (ROOT / folder).rglob("*.py")
        for text in written(path)
        if LOOKS.search(text)
    }
    assert not found


def test_lessons_speak_of_attention_in_the_same_words() -> None:
    for path in (FOLDER / "en").glob("*.toml"):
        assert not LOOKS.search(path.read_text("utf-8")), path.name
    assert shipped()["5.2"].title == "Cross-attention"


def test_a_share_is_written_in_one_form() -> None:
    """`43 %`, with a space, as on every other page: never `43%`."""
    tight = re.compile(r"\d%(?!\w)")
    for path in (FOLDER / "en").glob("*.toml"):
        assert not tight.search(path.read_text("utf-8")), path.name
    for path in (ROOT / "engine" / "learn").rglob("*.py"):
        assert ":.0%}" not in path.read_text("utf-8"), path.name
