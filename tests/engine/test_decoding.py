"""Rows that change places: copied only where they do, and in bundles of the first exporter too."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from typing import Any

import numpy as np
import pytest

from engine.decoding import batch
from engine.decoding.batch import Decoder, encode
from engine.decoding.beams import Search
from engine.decoding.continuation import Line
from engine.decoding.generation import generate
from engine.decoding.translation import translate_all
from engine.models.runtime import Bundle, open_bundle
from engine.values import Reading
from tests.engine.checkpoints import Bundles
from tests.engine.earlier import as_before
from tests.engine.reference import past_of, run, session

SETTINGS = ("greedy", "pure sampling", "top-k 5", "top-p 0.5, repetition penalty 1.3", "beam 3")
PROMPT = [9, 20, 31]


@pytest.fixture
def moves(monkeypatch: pytest.MonkeyPatch) -> list[list[int]]:
    """The rows of every run of the graph that puts rows in order."""
    seen: list[list[int]] = []
    original = batch.run_bound

    def watched(bundle: Bundle, graph: Any, feeds: dict[str, np.ndarray], **more: Any) -> Any:
        if "input_ids" not in feeds:
            seen.append(feeds["rows"].tolist())
        return original(bundle, graph, feeds, **more)

    monkeypatch.setattr(batch, "run_bound", watched)
    return seen


def test_columns_that_go_on_in_their_places_copy_no_past(bundles: Bundles, moves: list[list[int]]):
    lines = [Line.parse(text) for text in SETTINGS[:4]]
    for step in generate(open_bundle(bundles("gpt2")), PROMPT, lines, seed=1, limit=12):
        assert {token.end for token in step.written} <= {"", "limit"}
    assert moves == [[0, 0, 0, 0]]  # one prompt for all, then nothing more


def test_a_source_that_every_row_reads_is_put_in_order_once(
    bundles: Bundles, moves: list[list[int]]
):
    bundle = open_bundle(bundles("marian"))
    with Decoder(bundle, source=encode(bundle, np.array([[5, 6, 7, 1]]))) as decoder:
        decoder.prefill(np.array([[0]]))
        decoder.step([4, 5, 6], [0, 0, 0])
        assert moves == [[0, 0, 0], [0, 0, 0]]  # the past and the source
        decoder.step([7, 8, 9], [2, 0, 1])
        assert moves[2:] == [[2, 0, 1]]  # the past alone


def test_the_graph_of_rows_copies_exactly(bundles: Bundles):
    folder = bundles("gpt2")
    prompt = run(folder / "model.onnx", input_ids=np.array([[4, 5, 6], [7, 8, 9]]))
    given = {name: value for name, value in prompt.items() if name.startswith("present.")}
    graph, rows = session(folder / "rows.onnx"), np.array([1, 0, 1, 1])
    names = [node.name for node in graph.get_outputs()]
    found = dict(zip(names, graph.run(names, {"rows": rows, **given}), strict=True))
    past = past_of(prompt)
    assert set(found) == set(past) and (folder / "rows.onnx").stat().st_size < 4000
    assert all(np.array_equal(found[name], past[name][rows]) for name in past)


@pytest.fixture(scope="module")
def earlier(bundles: Bundles, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Bundle]:
    """A model's bundle as the first exporter wrote it."""
    root = tmp_path_factory.mktemp("earlier")
    return lambda name: open_bundle(as_before(bundles(name), root / name))


def test_a_bundle_of_the_first_exporter_writes_the_same(
    bundles: Bundles, earlier: Callable[[str], Bundle]
):
    lines = [Line.parse(text) for text in SETTINGS]
    old, new = earlier("gpt2"), open_bundle(bundles("gpt2"))
    assert "rows" in old.session().inputs and "rows.onnx" not in old.card.files
    assert "rows" not in new.session().inputs and "rows.onnx" in new.card.files
    before, now = (
        [
            (token.line, token.place, token.id, token.probability, token.after, token.entropy)
            for step in generate(bundle, PROMPT, lines, seed=3, limit=16)
            for token in step.written
        ]
        for bundle in (old, new)
    )
    assert before == now and len(now) == 16 * len(lines)


@pytest.mark.parametrize("width", [1, 4])
def test_a_bundle_of_the_first_exporter_translates_the_same(
    bundles: Bundles, earlier: Callable[[str], Bundle], width: int
):
    """Two sources of unlike lengths in one batch: beams cross over, and one search ends first."""
    readings = [Reading("marian", text) for text in ("the cat", "dogs sat on a mat by the sea")]
    old, new = earlier("marian"), open_bundle(bundles("marian"))
    assert {"rows", "sources"} <= set(old.session().inputs)
    search = Search(width, limit=14)
    pairs = zip(
        translate_all(old, readings, search), translate_all(new, readings, search), strict=True
    )
    for before, now in pairs:
        assert before.texts == now.texts
        for field in fields(now.found.tree):
            name = field.name
            assert np.array_equal(getattr(before.found.tree, name), getattr(now.found.tree, name))
