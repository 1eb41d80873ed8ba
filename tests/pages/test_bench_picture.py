"""The picture of the report: every row that compares two, where its numbers put it."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest

from bench.measure import Row, Times, table, versus
from bench.picture import compared, drawn

SLOW, QUICK = Times((0.2, 0.2, 0.2)), Times((0.1, 0.1, 0.1))


def report() -> str:
    """Tables as the benchmarks write them."""
    rows = [
        versus("ours <b>", QUICK, SLOW, 1.5),
        versus("theirs", SLOW, QUICK, 1 / 1.2),
        versus("even", QUICK, QUICK, None),
        Row("not compared", "12.3 ms (11.9-15.0)", "under 20 ms", True),
        Row("a rival", "not measured: it ended: 2.0x of something"),
    ]
    return "\n\n".join([table("Traces", rows), table("Clicks", rows[3:4])])


def test_rows_are_read_as_they_were_written():
    (title, rows), *others = compared(report()).items()
    assert title == "Traces" and not others
    assert [(row.what, row.ratio, row.verdict) for row in rows] == [
        ("ours <b>", 2.0, "met"),
        ("theirs", 0.5, "missed"),
        ("even", 1.0, ""),
    ]
    assert [row.goal for row in rows] == [1.5, pytest.approx(1 / 1.2, rel=0.01), None]


def test_twice_as_fast_is_as_far_from_even_as_half_as_fast():
    page = drawn(compared(report()))
    root = ElementTree.fromstring(page)
    circles = [one for one in root if one.tag.endswith("circle") and float(one.get("cy", 0)) > 40]
    quick, slow, even = (float(one.get("cx", 0)) for one in circles)
    assert quick - even == pytest.approx(even - slow, abs=0.2) and quick > even
    assert [one.get("class") for one in circles] == ["met", "missed", "none"]
    assert "ours &lt;b&gt;" in page and not re.search(r"<b>", page)


def test_a_report_that_compares_nothing_is_said():
    with pytest.raises(ValueError, match="compares nothing"):
        drawn({})
