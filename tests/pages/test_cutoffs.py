"""Decoding, Sampling: the running total with its cuts, a sharp and a flat place, temperatures."""

from __future__ import annotations

import re

import pytest

from engine.api import local
from engine.distributions import cutoffs
from engine.values import Reading
from tests.pages.conftest import Open
from tests.pages.test_attention import picture, pictures, tables

PAGE = "5_Decoding"
TALE = "Once upon a time there was an old king who had three sons, and the youngest"


def said(app) -> str:
    return " ".join(one.value for one in app.markdown).replace("\\", "")


@pytest.mark.feature("Running total with the cut at the smallest set")
def test_the_same_filters_keep_other_sets_at_a_sharp_and_at_a_flat_place(open_page: Open) -> None:
    app = open_page(PAGE, model="tales-gpt", view="Sampling", text=TALE, p="0.8", k="5")
    assert not app.exception and not app.error
    engine, reading = local(), Reading("tales-gpt", TALE)
    places = cutoffs.sharp_and_flat(engine.next_token_entropies(reading))
    settings = (("top_p", 0.8), ("top_k", 5), ("min_p", 0.05))
    sharp, flat = (
        cutoffs.ranked(engine.logits(reading, (at,)).logits[0], settings) for at in places
    )
    assert f"top-p 0.8 keeps {sharp.cuts[0].kept:,} and {flat.cuts[0].kept:,}" in said(app)
    assert "top-k 5 keeps 5," in said(app)
    held = re.search(
        r"at the flat place ([\d.]+) %; one token less would hold ([\d.]+) %", said(app)
    )
    assert held and float(held[1]) >= 80 > float(held[2])
    for name, one in (("sharp", sharp), ("flat", flat)):
        svg = picture(app, f"cutoffs-{name}")["svg"]
        assert f"top-p 0.8: {one.cuts[0].kept:,} token" in svg
    assert app.slider(key="sharp").value == places[0] + 1


def test_places_are_chosen_and_follow_another_text_where_nobody_chose(open_page: Open) -> None:
    app = open_page(PAGE, model="tales-gpt", view="Sampling", text=TALE, flat="3")
    assert not app.exception and app.slider(key="flat").value == 3
    assert any("Once upon a" in one.value and "Flat" in one.value for one in app.caption)
    sharp = app.slider(key="sharp").value
    other = "The cat and the dog went to the forest"
    app.text_area[0].set_value(other).run()
    bits = local().next_token_entropies(Reading("tales-gpt", other))
    expected = cutoffs.sharp_and_flat(bits)[0] + 1
    assert app.slider(key="sharp").value == expected != sharp


@pytest.mark.feature("Temperature as a family of curves")
def test_the_chosen_temperature_is_marked_among_others(open_page: Open) -> None:
    app = open_page(PAGE, model="tales-gpt", view="Sampling", text=TALE, heat="1.3")
    assert not app.exception
    svg = picture(app, "cutoffs-heat-flat")["svg"]
    assert all(f"T = {heat:g}:" in svg for heat in (0.5, 1, 1.3, 1.5, 2))
    assert svg.count('stroke-width="3.4"') == 4 and "Temperature 1.3 flattens" in said(app)


def test_a_translator_is_sampled_at_its_target(open_page: Open) -> None:
    app = open_page(PAGE, model="fr-en", view="Sampling", text="Le chat noir dort.")
    assert not app.exception and "cutoffs-sharp" in " ".join(pictures(app))


def test_tables_have_every_rank(open_page: Open) -> None:
    app = open_page(PAGE, model="tales-gpt", view="Sampling", text=TALE)
    for name, column in (
        ("running-total", "flat: running total"),
        ("temperatures", "sharp: T = 2"),
    ):
        app.session_state[f"table-{name}"] = True
        app.run()
        assert not app.exception and any(column in table for table in tables(app))
