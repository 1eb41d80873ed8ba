"""Columns as the component's data, as a picture, as a table; plans read from links."""

import json
import xml.etree.ElementTree as xml
from dataclasses import replace

import numpy as np
import pytest

from engine.decoding.choosing import choose
from engine.decoding.continuation import Line
from engine.decoding.sampling import Sampling
from engine.decoding.writing import Column, statistics
from engine.jobs.registry import Job
from pages.decoding import plan
from pages.decoding.columns import sheet as view
from pages.decoding.columns.picture import picture
from pages.decoding.columns.sheet import Sheet

PIECES = ["the", " cat", " <b>", "\n", "", " sat", " on", " it"]


def column(line: Line, count: int = 6, seed: int = 0) -> Column:
    made = Column(line)
    ids: list[int] = []
    for place in range(count):
        logits = np.random.default_rng([seed, place]).normal(size=8).astype(np.float32)
        token = choose(logits, line, ids, start=0, seed=1)
        ids.append(token.id)
        made.tokens.append(replace(token, end="limit" if place == count - 1 else ""))
        made.texts.append(PIECES[token.id])
        made.seconds.append(0.01)
    return made


def sheet(*columns: Column, **options: object) -> Sheet:
    names = tuple(str(c.line) for c in columns)
    return Sheet(columns, names, "Once upon a time", PIECES.__getitem__, **options)  # type: ignore[arg-type]


GREEDY, FREE = Line(Sampling(temperature=0)), Line(Sampling(temperature=2.0))


def test_the_data_follow_the_tokens_one_to_one():
    one = column(FREE)
    (data,) = view.payload(sheet(one))["columns"]
    assert data["t"] == one.texts
    for key in "pakrbh":
        assert len(data[key]) == 6
    assert data["p"] == pytest.approx([t.probability for t in one.tokens], rel=5e-3)
    assert data["b"][0][0] == PIECES[int(one.tokens[0].best[0])]
    assert (data["end"], data["w"]) == ("Limit reached.", False)


def test_the_first_token_that_differs_from_the_chosen_column_is_marked():
    first, second = column(GREEDY), column(FREE, seed=5)
    data = view.payload(sheet(first, second, chosen=0))["columns"]
    differing = [i for i, (a, b) in enumerate(zip(first.ids, second.ids, strict=True)) if a != b]
    assert data[1]["d"] == differing[0]
    assert data[0]["d"] == -1
    assert view.payload(sheet(first, first))["columns"][1]["d"] == -1


def test_six_long_columns_are_small_enough_to_be_sent_eight_times_a_second():
    columns = [column(FREE, 256, seed) for seed in range(6)]
    assert len(json.dumps(view.payload(sheet(*columns)))) < 160_000
    live = Column(FREE)
    live.job = Job("test")
    assert len(json.dumps(view.payload(sheet(*columns[1:], live)))) < 50_000


def test_figures_are_shown_when_a_column_is_done():
    done = column(FREE)
    shown = {label: value for label, value, _ in view.figures(statistics(done))}
    assert shown["tokens"] == "6" and shown["tokens a second"] == "100"
    assert view.payload(sheet(done))["columns"][0]["s"]


def test_the_picture_escapes_pieces_and_keeps_every_token():
    one = column(Line(Sampling(temperature=5.0)), 40)
    svg = picture(sheet(one, column(GREEDY)), "Two")
    tree = xml.fromstring(svg)
    assert "<b>" not in svg
    named = {node.get("data-id") for node in tree.iter() if node.get("data-id")}
    visible = [i for i, text in enumerate(one.texts) if text.strip("\n")]
    assert {f"c1t{i + 1}" for i in visible} <= named


def test_the_table_has_a_row_for_every_token():
    table = view.table(sheet(column(GREEDY), column(FREE)))
    assert {len(values) for values in table.values()} == {12}
    assert table["setting"][0] == "greedy" and table["column"][-1] == 2


def test_the_summary_names_columns_and_numbers():
    words = view.summary(sheet(column(GREEDY, 40), column(FREE, 40, seed=5)))
    assert "Column 2 leaves column 1 at token" in words and "perplexity" in words
    assert len(words.split()) <= 60
    assert view.summary(sheet(Column(GREEDY))) == ""


def test_a_long_prompt_shows_its_end():
    assert view.tail("short") == "short"
    assert view.tail("a" * 10 + " some words " * 20).startswith("…")
    assert len(view.tail("x" * 500)) == view.TAIL + 1


@pytest.mark.parametrize("at", ["c0", "c7 t1", "c1 t0", "x", "", "c1 t99999", "c1 t1 t2"])
def test_places_that_are_none_are_refused(at: str):
    assert plan.place(at, 6) is None


def test_presets_read_back_and_new_columns_are_new():
    assert [str(Line.parse(text)) for text in plan.PRESETS] == list(plan.PRESETS)
    lines = tuple(Line.parse(text) for text in plan.START)
    assert plan.spare(lines) not in lines


def test_the_room_kept_for_a_text_grows_with_its_length_and_ends():
    assert plan.height(10, 6) < plan.height(60, 6) < plan.height(1000, 6) == plan.height(256, 6)
