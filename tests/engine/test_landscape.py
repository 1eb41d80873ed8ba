"""The world's models: every figure has its source, and hostile tables stay tables."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from engine.export.families import LAYOUTS
from engine.landscape import known, notes, ordering
from engine.landscape.known import CREDIT, Selection, chosen, known_models
from engine.landscape.notes import claims, note_model, note_models
from engine.landscape.sources import FOLDER, links, number, source, words

# Twelve figures as the papers have them: name -> smallest, largest, tokens, FLOP (None: not asked).
PAPERS = {
    "transformer": (65e6, 213e6, None, None),
    "elmo": (93.6e6, 93.6e6, 800e6, None),
    "gpt-1": (117e6, 117e6, None, 0.96e15 * 86400),
    "bert": (110e6, 340e6, 131e9, None),
    "roberta": (125e6, 355e6, 2.1e12, 4.26e21),
    "gpt-2": (124e6, 1.558e9, None, None),
    "t5": (60e6, 11e9, 1e12, 3.30e22),
    "bart": (140e6, 400e6, None, None),
    "gpt-3": (174.6e9, 174.6e9, 300e9, 3.14e23),
    "chinchilla": (70e9, 70e9, 1.4e12, 5.76e23),
    "palm": (540e9, 540e9, 780e9, 2.53e24),
    "bloom": (176e9, 176e9, 366e9, None),
    "llama": (6.7e9, 65.2e9, 1.4e12, None),
}
# What is often said and what is right, as numbers.
SAID = {
    "BERT base: parameters": (11e6, 110e6),
    "BERT: days of training": (12, 4),
    "BERT: tokens seen": (250e9, 131e9),
    "GPT-3: GPUs of the 34 days": (10_000, 1_024),
    "GPT-3: GB of Common Crawl": (4_500, 570),
    "DistilBERT: percent of BERT's score": (95, 97),
}
HEAD = (
    "model,organization,published,parameters,training_flop,training_dataset_size,hardware,"
    "hardware_count,training_hours,base_model,open_weights,access,confidence,link\n"
)


@pytest.mark.parametrize("name", PAPERS)
def test_a_models_figures_are_those_of_its_paper(name: str) -> None:
    one = note_model(name)
    assert one is not None
    smallest, largest, tokens, compute = PAPERS[name]
    assert (one.sizes[0], one.largest) == (smallest, largest)
    assert tokens is None or one.tokens == tokens
    assert compute is None or one.compute == pytest.approx(compute, rel=1e-3)


@pytest.mark.parametrize("about", SAID)
def test_what_is_said_stands_beside_what_is_right(about: str) -> None:
    one = next(one for one in claims() if one.about == about)
    assert (one.told, one.found) == SAID[about]
    assert one.times == SAID[about][0] / SAID[about][1]


def test_every_figure_names_its_source_and_papers_are_named_by_their_number() -> None:
    for one in (*note_models(), *claims()):
        assert one.sources, one
        for where in one.sources:
            assert where.link.startswith("https://"), where
            paper = where.link.partition("arxiv.org/abs/")[2]
            assert not paper or where.name == f"arXiv {paper}", where


def test_what_grew_out_of_what_is_there_and_no_later() -> None:
    by_id = {one.id: one for one in note_models()}
    assert len(by_id) == len(note_models())
    for one in note_models():
        assert list(one.sizes) == sorted(one.sizes)
        assert not one.epoch or known.find(one.epoch), one.epoch
        for before in one.after:
            assert by_id[before].date < one.date, (one.id, before)


def test_what_can_be_opened_is_of_a_type_that_the_exporter_knows() -> None:
    found = [one for one in known_models() if one.hub]
    assert len(found) > 25
    for one in (*found, *(one for one in note_models() if one.type)):
        assert one.type in LAYOUTS, one.name
    assert all(one.hub.count("/") == 1 for one in found)


def test_the_table_is_epochs_since_2017_with_names_that_tell_apart() -> None:
    with (FOLDER / "language-models.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["published"] >= "2017"]
    models = known_models()
    assert len(models) == len(rows) == len({one.name for one in models}) == 334
    by_name = {" ".join(row["model"].split()): row for row in rows}
    for one in models:
        row = by_name[one.name]
        assert one.parameters == (float(row["parameters"]) if row["parameters"] else None)
        assert one.compute == (float(row["training_flop"]) if row["training_flop"] else None)
        assert one.sure == (row["confidence"] == "Confident")
    assert set(known.columns(models[:3])["credit"]) == {CREDIT} and "CC BY 4.0" in CREDIT


def test_a_selection_leaves_out_and_may_leave_nothing() -> None:
    every = len(known_models())
    assert len(chosen(Selection())) == every
    parts = [len(chosen(Selection(weights=one))) for one in ("open", "closed", "unknown")]
    assert sum(parts) == every and min(parts) > 0
    assert {one.name for one in chosen(Selection("gpt-3 175b"))} >= {"GPT-3 175B (davinci)"}
    openai = chosen(Selection(organization="OpenAI"))
    assert openai and all("OpenAI" in one.organizations for one in openai)
    assert all(one.sure for one in chosen(Selection(confidence="confident")))
    assert all(one.hub for one in chosen(Selection(openable=True)))
    assert chosen(Selection("no such model \u202e<b>")) == ()
    assert len(chosen(Selection("a " * 5000))) > 0


def test_hostile_cells_become_words_or_nothing(tmp_path: Path) -> None:
    path = tmp_path / "models.csv"
    evil = "<script>alert(1)</script>\u202e\x07" + "x" * 10_000
    path.write_text(
        HEAD + f'"{evil}","=cmd|calc,<b>",2020-01-01,nan,-5,1e999,,,,"{evil}",Maybe,,Sure,'
        '"javascript:alert(1) ftp://x https://arxiv.org/abs/1706.03762 https://a.b/\u202ec"\n'
        "no date,,yesterday,1,1,1,,,,,,,,\n"
        ",nobody,2020-01-01,1,1,1,,,,,,,,\n"
        "old,,1999-01-01,1,1,1,,,,,,,,\n"
        "short\n",
        encoding="utf-8",
    )
    (one,) = known.read(path, {})
    assert one.name.startswith("<script>") and len(one.name) == 200
    assert "\u202e" not in one.name and "\x07" not in one.base
    assert (one.parameters, one.compute, one.data) == (None, None, None)
    assert one.confidence == "Unknown" and one.weights == "unknown"
    assert [where.link for where in one.sources] == ["https://arxiv.org/abs/1706.03762"]


def test_only_so_many_rows_are_read(tmp_path: Path) -> None:
    path = tmp_path / "models.csv"
    path.write_text(HEAD + "a,b,2020-01-01,1,1,1,,,,,,,,\n" * (known.MOST + 50), encoding="utf-8")
    assert len(known.read(path, {})) == known.MOST


def test_a_source_is_an_address() -> None:
    with pytest.raises(ValueError, match="no address"):
        source({"name": "x", "link": "javascript:alert(1)"})
    assert links("see arxiv") == () and words("\n") == "" and number("inf") is None


@pytest.mark.parametrize("seed", range(40))
def test_six_models_are_drawn_apart_and_not_in_order(seed: int) -> None:
    drawn = ordering.six(seed)
    assert drawn == ordering.six(seed) and len({one.id for one in drawn}) == ordering.SIX
    sizes = [one.largest or 0 for one in ordering.by_size(drawn)]
    assert all(a >= 1.25 * b for a, b in zip(sizes, sizes[1:], strict=False))
    assert ordering.pairs_right(ordering.by_size(drawn)) == (15, 15)
    assert ordering.pairs_right(ordering.by_size(drawn)[::-1]) == (0, 15)
    assert ordering.pairs_right(drawn)[0] < 15


def test_columns_are_of_one_length() -> None:
    for table in (notes.model_columns(note_models()), notes.claim_columns(claims())):
        assert len({len(column) for column in table.values()}) == 1
