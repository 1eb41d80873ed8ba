"""Rows that change places: copied only where they do."""

from __future__ import annotations

import json
import shutil
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.decoding.batch import Decoder, encode
from engine.decoding.beams import Search
from engine.decoding.continuation import Line
from engine.decoding.generation import generate
from engine.decoding.rows import in_place, keys
from engine.decoding.translation import translate_all
from engine.errors import BrokenBundle
from engine.models.catalog import SHIPPED
from engine.models.runtime import Bundle, open_bundle
from engine.values import Reading
from tests.engine.checkpoints import Bundles
from tests.engine.reference import past_of, run, session

SETTINGS = ("greedy", "pure sampling", "top-k 5", "top-p 0.5, repetition penalty 1.3")
PROMPT = [9, 20, 31]


@pytest.fixture
def moves(monkeypatch: pytest.MonkeyPatch) -> list[list[int]]:
    """The rows of every run of the graph that puts rows in order."""
    seen: list[list[int]] = []
    original = keys.run_bound

    def watched(bundle: Bundle, graph: Any, feeds: dict[str, np.ndarray], **more: Any) -> Any:
        if "input_ids" not in feeds:
            seen.append(feeds["rows"].tolist())
        return original(bundle, graph, feeds, **more)

    monkeypatch.setattr(keys, "run_bound", watched)
    monkeypatch.setattr(in_place, "proved", lambda bundle: None)
    return seen


def test_columns_that_go_on_in_their_places_copy_no_past(bundles: Bundles, moves: list[list[int]]):
    lines = [Line.parse(text) for text in SETTINGS]
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


@pytest.mark.parametrize("name", ["gpt2", "marian"])
def test_a_bundle_of_the_first_exporter_is_refused_with_what_to_do(
    bundles: Bundles, tmp_path: Path, name: str
):
    """It put the rows in order inside its one graph, and wrote no graph of rows."""
    folder = shutil.copytree(bundles(name), tmp_path / name)
    (folder / "rows.onnx").unlink()
    card = json.loads((folder / "card.json").read_text())
    card["files"].pop("rows.onnx")
    (folder / "card.json").write_text(json.dumps(card | {"exporter": "1 (transformers 5.23.0)"}))
    with pytest.raises(BrokenBundle, match="does not list rows.onnx. Export the model again."):
        open_bundle(folder)


@pytest.mark.parametrize("name", sorted(path.parent.name for path in SHIPPED.glob("*/model.onnx")))
def test_shipped_models_have_a_graph_of_rows_where_they_write(name: str):
    bundle = open_bundle(SHIPPED / name)
    assert not {"rows", "sources"} & set(bundle.session().inputs)
    assert ("rows.onnx" in bundle.card.files) == (bundle.card.decoder is not None)


@pytest.mark.parametrize("width", [1, 4])
def test_a_batch_of_searches_that_end_apart_writes_as_each_alone(bundles: Bundles, width: int):
    """Two sources of unlike lengths in one batch: beams cross over, and one search ends first."""
    texts = ("the cat", "dogs sat on a mat by the sea")
    readings = [Reading("marian", text) for text in texts]
    bundle, search = open_bundle(bundles("marian")), Search(width, limit=14)
    for together, reading in zip(translate_all(bundle, readings, search), readings, strict=True):
        (alone,) = translate_all(bundle, [reading], search)
        assert together.texts == alone.texts
        for field in fields(alone.found.tree):
            ours, theirs = (getattr(x.found.tree, field.name) for x in (together, alone))
            if np.asarray(theirs).dtype.kind == "f":
                np.testing.assert_allclose(ours, theirs, atol=1e-5)
            else:
                np.testing.assert_array_equal(ours, theirs)
