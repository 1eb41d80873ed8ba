"""Tokenization, Wrong tokenizer: ids of one model's tokenizer read by another."""

from __future__ import annotations

import re

import numpy as np
import pytest

from engine.api import local
from engine.whatif.foreign import Foreign
from pages.pictures.not_as_made import WORDS
from pages.tokenization.foreign import picture as view
from pages.tokenization.foreign import words
from tests.pages.conftest import Open
from tests.pages.test_attention import picture, tables

PAGE = "1_Tokenization"
TEXT = "The old king lived in a castle by the sea, and he had three sons."


def said(app) -> str:
    return " ".join(one.value for one in app.markdown).replace("\\", "")


@pytest.mark.feature("Ids of a wrong tokenizer read by another model")
def test_what_comes_out_is_nonsense_and_is_measured(open_page: Open) -> None:
    app = open_page(PAGE, model="tales-gpt", view="Wrong tokenizer", text=TEXT, maker="tales-bert")
    assert not app.exception and not app.error
    found = local().foreign("tales-gpt", "tales-bert", TEXT)
    bits = re.search(r"Surprise: ([\d.]+) bits a token, with its own ids ([\d.]+)", said(app))
    assert bits and float(bits[1]) == pytest.approx(found.mean, abs=0.06)
    assert "worse than guessing" in said(app) and WORDS in said(app)
    assert "After these ids it writes" in said(app)
    svg = picture(app, "foreign")["svg"]
    assert WORDS in svg and ">·brook<" in svg and ">sons<" in svg


@pytest.mark.parametrize(("model", "told"), [("tales-bert", "Surprise"), ("fr-en", "translation")])
def test_every_family_reads_them(open_page: Open, model: str, told: str) -> None:
    app = open_page(PAGE, model=model, view="Wrong tokenizer", text=TEXT)
    assert not app.exception and told in said(app)


def test_a_maker_that_is_the_reader_is_not_offered(open_page: Open) -> None:
    app = open_page(PAGE, model="tales-gpt", view="Wrong tokenizer", text=TEXT, maker="tales-gpt")
    assert not app.exception
    assert "tales-gpt" not in app.selectbox(key="maker").options


def test_the_table_has_a_line_for_each_id(open_page: Open) -> None:
    app = open_page(PAGE, model="tales-gpt", view="Wrong tokenizer", text=TEXT)
    app.session_state["table-foreign"] = True
    app.run()
    assert not app.exception and any("read as" in table for table in tables(app))


def test_ids_outside_of_the_vocabulary_are_drawn_and_said() -> None:
    made = local().tokenized("tales-gpt", "a <b> c")
    count = len(made)
    gone = np.arange(count) == 1
    found = Foreign(
        reader="r",
        maker="m",
        made=made,
        outside=gone,
        taken_for=tuple("" if out else "<x>" for out in gone),
        bits=np.full(count, 9.0, dtype=np.float32),
        own_bits=np.full(2, 3.0, dtype=np.float32),
        written="w",
        own_written="o",
        left_out=0,
    )
    svg = view.drawing(found, [str(i) for i in range(count)])
    assert ">none<" in svg and "not in this vocabulary" in svg and "<x>" not in svg
    assert "1 is outside its 100 tokens and left out" in words.said(found, "R", "M", 100)
