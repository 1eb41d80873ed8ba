"""Columns as the component's data, as a picture, as a table; plans read from links."""

import json
import re
import xml.etree.ElementTree as xml
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.decoding.choosing import Written, choose
from engine.decoding.continuation import Line, Task
from engine.decoding.generated import Generated, statistics
from engine.decoding.sampling import Sampling
from pages.decoding import plan
from pages.pictures import palette
from pages.pictures.columns import sheet as view
from pages.pictures.columns.drawing import picture
from pages.pictures.columns.sheet import Sheet
from pages.pictures.svg import visible

PIECES = ["the", " cat", " <b>", "\n", "", " sat", " on", " it"]


def column(line: Line, count: int = 6, seed: int = 0) -> Generated:
    tokens: list[Written] = []
    for place in range(count):
        logits = np.random.default_rng([seed, place]).normal(size=8).astype(np.float32)
        token = choose(logits, line, [one.id for one in tokens], start=0, seed=1)
        tokens.append(replace(token, end="limit" if place == count - 1 else ""))
    texts = tuple(PIECES[token.id] for token in tokens)
    return Generated(line, tuple(tokens), texts, (0.01,) * count)


def sheet(*columns: Generated, **options: Any) -> Sheet:
    return Sheet(columns, "Once upon a time", PIECES.__getitem__, **options)


GREEDY, FREE = Line(Sampling(temperature=0)), Line(Sampling(temperature=2.0))


def test_the_data_follow_the_tokens_one_to_one():
    one = column(FREE)
    (data,) = view.payload(sheet(one))["columns"]
    assert data["t"] == list(one.texts)
    for key in "pakrbhv":
        assert len(data[key]) == 6
    assert data["p"] == pytest.approx([t.probability for t in one.tokens], rel=5e-3)
    assert data["b"][0][0] == visible(PIECES[int(one.tokens[0].best[0])])
    assert (data["end"], data["w"]) == ("Length limit reached.", False)


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
    live = Generated(FREE, writing=True)
    assert len(json.dumps(view.payload(sheet(*columns[1:], live)))) < 50_000


def test_figures_are_shown_when_a_column_is_done():
    done = column(FREE)
    shown = {label: value for label, value, _ in view.figures(statistics(done))}
    assert shown["tokens"] == "6" and shown["tokens per s"] == "100"
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
    assert "Column 2 differs from column 1 from token" in words and "Perplexity" in words
    assert len(words.split()) <= 60
    assert view.summary(sheet(Generated(GREEDY))) == ""


def test_the_summary_tells_equal_texts_from_one_that_begins_the_other():
    whole = column(GREEDY, 8)
    part = replace(whole, tokens=whole.tokens[:5], texts=whole.texts[:5], seconds=whole.seconds[:5])
    assert "All columns have the same text." in view.summary(sheet(whole, whole))
    assert "No column differs from column 1 as far as both go." in view.summary(sheet(whole, part))


def test_a_forced_token_is_named_by_its_piece():
    line = Line(Sampling(temperature=0), forced=((0, 2), (3, 3)))
    one = sheet(column(line))
    assert one.names == ["greedy, “·<b>” forced at token 1, “⏎” at token 4"]
    assert view.payload(one)["columns"][0]["name"] == one.names[0]
    assert view.table(one)["setting"][0] == one.names[0]
    assert "@" not in picture(one, "One")


def test_pieces_look_the_same_in_tooltips_as_in_pictures():
    one = column(Line(Sampling(temperature=5.0)), 40)
    (data,) = view.payload(sheet(one))["columns"]
    assert data["v"] == [visible(text) for text in one.texts]
    assert "⏎" in data["v"] and {b[0] for b in data["b"]} <= {visible(piece) for piece in PIECES}


def test_an_unfinished_column_says_why():
    def end(one: Generated, **options: Any) -> tuple[str, str]:
        (data,) = view.payload(sheet(one, **options))["columns"]
        return data["end"], data["idle"]

    part = replace(column(FREE), tokens=column(FREE).tokens[:3], texts=("a",) * 3)
    assert end(part) == ("Stopped.", "")
    assert end(replace(part, writing=True)) == ("", "generating …")
    assert end(Generated(Line(beams=4), writing=True))[1] == "beam search: 4 hypotheses …"
    assert end(Generated(FREE), idle="press Generate") == ("", "press Generate")


def test_a_long_prompt_shows_its_end():
    assert view.tail("short") == "short"
    assert view.tail("a" * 10 + " some words " * 20).startswith("…")
    assert len(view.tail("x" * 500)) == view.TAIL + 1


@pytest.mark.parametrize("at", ["c0", "c7 t1", "c1 t0", "x", "", "c1 t99999", "c1 t1 t2"])
def test_places_that_are_none_are_refused(at: str):
    assert plan.place(at, 6) is None


def test_presets_read_back_and_new_columns_are_new():
    assert [str(Line.parse(text)) for text in plan.PRESETS] == list(plan.PRESETS)
    assert plan.spare(plan.START) not in plan.START
    assert {line.setting for line in plan.START} <= set(plan.PRESETS)


def test_a_fresh_page_is_known_from_one_that_somebody_changed():
    task = Task("m", (1,), seed=1, limit=plan.QUICK)
    fresh = plan.Plan(task, "", plan.START, 0, None, True)
    assert fresh.untouched
    for changes in ({"seed": 2}, {"limit": 21}, {"stops": (".",)}):
        assert not replace(fresh, task=replace(task, **changes)).untouched
    assert not replace(fresh, lines=plan.START[:2]).untouched
    assert not replace(fresh, runs=8).untouched


def test_the_column_to_run_many_times_is_one_that_samples():
    lines = tuple(map(Line.parse, ("greedy", "beam 4", "top-k 5", "top-p 0.9")))
    assert [plan.sampled(lines, column) for column in range(4)] == [2, 2, 2, 3]
    assert plan.sampled(lines[:2], 1) == 1


def test_the_room_kept_for_a_text_grows_with_its_length_and_ends():
    assert plan.height(10, 6) < plan.height(60, 6) < plan.height(1000, 6) == plan.height(256, 6)


def test_the_page_imports_values_and_nothing_that_computes_with_a_model():
    """Jobs, bundles and sessions stand behind the engine's doorway."""
    behind = (
        r"engine\.(decoding\.(writing|generation|batch|translation)|jobs|models\.runtime|local)"
    )
    for path in Path(plan.__file__).parent.rglob("*.py"):
        assert not re.search(rf"^\s*(from|import) {behind}\b", path.read_text(), re.M), path


def test_the_picture_is_tinted_by_what_was_chosen():
    one = column(FREE)
    grounds = {
        tint: [
            (rect.get("fill"), rect.get("fill-opacity"))
            for group in xml.fromstring(picture(sheet(one, tint=tint), "t")).iter()
            if group.get("data-id")
            for rect in group
            if rect.tag.endswith("rect")
        ]
        for tint in ("probability", "rank")
    }
    bands = [palette.rank_band(t.rank) for t, text in zip(one.tokens, one.texts, strict=True)
             if text.strip("\n")]  # fmt: skip
    assert [fill for fill, _ in grounds["rank"]] == bands
    assert {alpha for _, alpha in grounds["rank"]} == {"1"}
    assert {fill for fill, _ in grounds["probability"]} == {palette.PROBABILITY}
    assert len({alpha for _, alpha in grounds["probability"]}) > 1
