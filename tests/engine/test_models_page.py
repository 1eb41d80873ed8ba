"""docs/models.md names every type that can be exported, and only those."""

from __future__ import annotations

import re

from engine.export.families import HYBRID, LAYOUTS, RECURRENT
from tests.models_table import HEAD, PAGE, tail


def test_the_page_has_a_line_of_every_family() -> None:
    text = PAGE.read_text(encoding="utf-8")
    lines = re.findall(
        r"^\| (\S+) \| (encoder|decoder|encoder-decoder) \|.*\| (\de[+-]\d+) \|$", text, re.M
    )
    assert [kind for kind, *_ in lines] == sorted(LAYOUTS)
    for kind, family, error in lines:
        assert LAYOUTS[kind].family == family and 0 < float(error) <= 1e-4, kind
    assert all(kind in text for kind in {*RECURRENT, *HYBRID})


def test_what_stands_around_the_table_is_what_would_be_written_now() -> None:
    """The architectures of GGUF files, the packages and what is refused, word for word."""
    text = PAGE.read_text(encoding="utf-8")
    assert text.startswith(HEAD) and text.endswith(tail())
    lines = text.removeprefix(HEAD).removesuffix(tail()).splitlines()
    assert len(lines) == len(LAYOUTS) and all(line.startswith("| ") for line in lines)
