"""The benchmark finds what it turns and whom it compares; its figures are not judged here."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from bench import app, attention, contest, gpu, rivals
from bench.contest import Player, turns
from bench.measure import Row, Times, merged, table
from bench.report import every, tell
from tests.engine.checkpoints import Bundles


def test_the_controls_that_it_times_are_there() -> None:
    rows = app.clicks(quick=True)
    assert len(rows) == 3
    assert all(row.what in table("Clicks", rows) for row in rows)


def test_times_are_a_median_with_its_spread() -> None:
    assert str(Times((0.003, 0.001, 0.002))) == "2.0 ms (1.0-3.0)"


@pytest.fixture
def tiny(bundles: Bundles, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Tiny models in the place of the true sizes, and no environment of rivals."""
    monkeypatch.setattr(rivals, "folder", lambda name, precision="fp32": bundles(name))
    monkeypatch.setattr(rivals, "checkpoint", lambda name: bundles.checkpoint(name))
    monkeypatch.setattr(rivals, "rival_python", lambda: None)
    monkeypatch.setattr(rivals, "MODELS", {n: ("", "", 32) for n in ("gpt2", "marian")})
    monkeypatch.setattr(rivals, "LENGTHS", (24, 48))
    monkeypatch.setattr(rivals, "WRITTEN", 4)
    monkeypatch.setattr(rivals, "SOURCE", 8)
    monkeypatch.setattr(rivals, "TRANSLATORS", ("marian",))
    monkeypatch.setattr(rivals, "effort", lambda quick, share=1.0: {"times": 1, "seconds": 1.0})
    yield


@pytest.mark.timeout(600)
def test_every_player_knows_its_part_and_a_missing_rival_is_said(tiny: None) -> None:
    rows = rivals.traces(True, models=("gpt2",))
    assert [row.measured for row in rows if "TransformerLens" in row.what] == [
        "not measured: its environment could not be made"
    ]
    assert sum("against transformers" in row.what for row in rows) == 1  # 48 tokens are too many
    rows += rivals.decoding(True, models=("gpt2",))
    rows += rivals.translation(True, models=("marian",))
    measured = [row for row in rows if "not measured" not in row.measured]
    assert len(rows) - len(measured) == 3
    assert all(" ms (" in row.measured for row in measured), rows


def test_a_model_that_cannot_be_made_is_said_and_stops_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(name: str, precision: str = "fp32") -> Path:
        raise RuntimeError(f"{name} was not exported: no room")

    monkeypatch.setattr(rivals, "folder", broken)
    monkeypatch.setattr(rivals, "checkpoint", lambda name: Path())
    rows = rivals.opening(True, models=("one", "two"))
    assert [row.measured for row in rows] == [
        "not measured: one was not exported: no room",
        "not measured: two was not exported: no room",
    ]


def test_what_a_player_cannot_do_is_told(tmp_path: Path) -> None:
    with closing(Player("nobody", Path(contest.sys.executable), tmp_path, 1)) as player:
        found = turns({"nobody": player}, {"do": "trace"}, times=2, seconds=1)
    assert found == {"nobody": "it ended"}


def test_parts_of_a_report_replace_their_own_and_keep_the_rest() -> None:
    order = ["A", "B"]
    old = merged("# Title\n\nWords.", {"B": table("B", [Row("x", "1")])}, order)
    old += "\n## Why\n\nBecause.\n"
    new = merged(old, {"A": table("A", [Row("y", "2")], "a machine")}, order)
    assert new.startswith("# Title\n\nWords.\n\n## A\n\na machine")
    assert new.index("## A") < new.index("## B") < new.index("## Why")
    again = merged(new, {"B": table("B", [Row("z", "3")])}, order)
    assert "| x |" not in again and "| z | 3 |" in again and again.count("## ") == 3
    assert again.endswith("Because.\n")


def test_the_share_of_the_memorys_limit_is_what_a_step_reads_of_what_the_device_moves() -> None:
    times = Times((gpu.WRITTEN / 100,))  # 100 tokens a second
    row = gpu.share("m", times, size=3 * 10**9, speed=10**12, ours=True)
    assert row.measured == "100 tokens/s, 30% of 1,000 GB/s" and row.met is False
    assert gpu.share("m", times, size=4 * 10**9, speed=10**12, ours=True).met is True
    assert gpu.share("m", times, size=4 * 10**9, speed=10**12, ours=False).goal == ""


def test_an_engine_that_fell_back_to_the_processor_is_no_figure_of_a_gpu(bundles: Bundles) -> None:
    with closing(Player("atlas", Path(contest.sys.executable), bundles("gpt2"), 1)) as player:
        gpu.refuse_other(player, "cpu")
        with pytest.raises(RuntimeError, match="runs on cpu, not on cuda"):
            gpu.refuse_other(player, "cuda")


def test_a_row_is_told_at_once_and_a_part_that_fails_leaves_the_others(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken() -> Iterator[Row]:
        yield Row("one", "1")
        assert "| one | 1 |" in capsys.readouterr().out
        raise OSError("no browser\nno more")

    parts = {"first": broken, "second": lambda: [Row("two", "2")]}
    tell("A title", every(parts), tmp_path / "deep" / "report.md", also="; a try")
    text = (tmp_path / "deep" / "report.md").read_text()
    assert text.startswith("# Benchmarks") and "; a try" in text
    assert text.endswith(
        "| one | 1 |  |  |\n| first | not measured: no browser |  |  |\n| two | 2 |  |  |\n"
    )


def test_the_parts_of_the_attention_pages_bench_are_offered_in_order() -> None:
    assert list(attention.PARTS) == ["grid", "short", "long", "second"]
