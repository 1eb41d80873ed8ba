"""What if: a model without positions, without its mask, without heads; each marked as such."""

from __future__ import annotations

import re

import pytest

from pages.attention.whatif.orders_picture import shown
from pages.pictures.not_as_made import WORDS
from tests.pages.conftest import Open
from tests.pages.test_attention import PAGE, picture, pictures, tables

TALE = "Once upon a time there was an old king who had three sons"
MASKED = "The old king had three [MASK] who lived in the forest."
FRENCH = "Le chat noir dort dans la petite maison."


def marked(app) -> bool:
    return any(WORDS in one.value for one in app.markdown)


def said(app) -> str:
    return " ".join(one.value for one in app.markdown).replace("\\", "")


@pytest.mark.feature("Positions off or shuffled")
@pytest.mark.parametrize("change", ["Positions off", "Positions shuffled"])
def test_an_encoder_gives_the_same_numbers_permuted_and_a_decoder_does_not(
    open_page: Open, change: str
) -> None:
    app = open_page(PAGE, model="tales-bert", view="What if", text=MASKED, change=change)
    assert not app.exception and not app.error
    assert marked(app) and "The same numbers, permuted" in said(app)
    largest = re.search(r"largest difference in any layer ([\d.]+)", said(app))
    assert largest and float(largest[1]) < 1e-4
    assert WORDS in picture(app, "attention-orders")["svg"]
    assert "Most likely at the mask" in said(app) or "stays most likely" in said(app)
    app = open_page(PAGE, model="tales-gpt", view="What if", text=TALE, change=change)
    assert marked(app) and "the mask alone tells the order" in said(app)


def test_both_towers_of_a_translator_can_be_changed(open_page: Open) -> None:
    app = open_page(PAGE, model="fr-en", view="What if", text=FRENCH, change="Positions off")
    assert not app.exception and "The same numbers, permuted" in said(app)
    app = open_page(
        PAGE, model="fr-en", view="What if", text=FRENCH, kind="decoder", change="Mask off"
    )
    assert not app.exception and "Mean surprise of the next token" in said(app)


@pytest.mark.feature("Mask off in a decoder")
def test_a_decoder_that_sees_ahead_is_drawn_with_and_without(open_page: Open) -> None:
    app = open_page(PAGE, model="tales-gpt", view="What if", text=TALE, change="Mask off")
    assert not app.exception and marked(app)
    words = said(app)
    bits = re.search(r"([\d.]+) bits as made, ([\d.]+) without the mask", words)
    assert bits and float(bits[2]) > float(bits[1]) and "predicts worse" in words
    drawn = " ".join(pictures(app))
    assert "whatif-made" in drawn and "whatif-seeing" in drawn
    assert "masked" in picture(app, "whatif-made")["svg"]
    assert ">masked<" not in picture(app, "whatif-seeing")["svg"]


def test_what_a_kind_of_attention_cannot_change_is_not_offered(open_page: Open) -> None:
    app = open_page(PAGE, model="tales-bert", view="What if", text=MASKED, change="Mask off")
    assert not app.exception
    options = app.button_group(key="change").options
    assert options == ["Heads off", "Positions off", "Positions shuffled"]
    app = open_page(PAGE, model="fr-en", view="What if", text=FRENCH, kind="cross")
    assert not app.exception


def test_the_intact_model_bears_no_mark_and_one_without_heads_does(open_page: Open) -> None:
    app = open_page(PAGE, model="tales-gpt", view="What if", text=TALE)
    assert not marked(app) and WORDS not in picture(app, "attention-changes")["svg"]
    app = open_page(PAGE, model="tales-gpt", view="What if", text=TALE, off=["1.1"])
    assert marked(app) and WORDS in picture(app, "attention-changes")["svg"]


def test_other_views_stay_the_intact_models(open_page: Open) -> None:
    intact = picture(open_page(PAGE, model="tales-gpt", view="Map", text=TALE), "attention-map")
    open_page(PAGE, model="tales-gpt", view="What if", text=TALE, change="Mask off")
    after = open_page(PAGE, model="tales-gpt", view="Map", text=TALE, change="Mask off")
    assert picture(after, "attention-map")["svg"] == intact["svg"]


@pytest.mark.parametrize(
    ("change", "name", "column"),
    [
        ("Positions off", "orders", "positions off"),
        ("Mask off", "surprise", "mask off"),
        ("Positions shuffled", "changes", "before"),
    ],
)
def test_every_picture_has_a_table(open_page: Open, change: str, name: str, column: str) -> None:
    app = open_page(PAGE, model="tales-gpt", view="What if", text=TALE, change=change)
    app.session_state[f"table-{name}"] = True
    app.run()
    assert not app.exception
    assert any(column in table for table in tables(app))


def test_one_word_has_no_other_order(open_page: Open) -> None:
    app = open_page(PAGE, model="tales-gpt", view="What if", text="king", change="Positions off")
    assert not app.exception
    assert any("type two words" in one.value for one in (*app.error, *app.info, *app.warning))


def test_a_difference_is_written_with_its_size() -> None:
    assert [shown(value) for value in (0.0, 12.34, 0.5, 0.0000021)] == [
        "0",
        "12.3",
        "0.5",
        "0.000002",
    ]
