"""Attention, Layers: what the parts add, the block opened, its units, and the commitment strip."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from engine.api import Reading, local
from engine.blocks.units import strongest
from engine.settings import settings
from engine.tokenizers import reader_pool
from pages.attention.layers import commitment, commitment_picture
from pages.attention.layers.block import parts_picture, section, units_picture, updates_picture
from tests.engine.checkpoints import Bundles
from tests.pages.conftest import Open, components, crash

PAGE = "3_Attention"
TEXT = "Once upon a time there was an old king who"
HERE = Reading("tales-gpt", TEXT)
LAST = 9


def shown(app: AppTest, holding: str) -> str:
    """The picture that is described so."""
    assert not crash(app) and not app.error
    (one,) = (c for c in components(app, "atlas_picture") if holding in c["alt"])
    return one["svg"]


def captions(app: AppTest) -> list[str]:
    return [one.value.replace("\\", "") for one in app.caption]


@pytest.fixture
def mixture(bundles: Bundles, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    (tmp_path / "mixtral").symlink_to(bundles("mixtral"), target_is_directory=True)
    monkeypatch.setenv("ATLAS_MODELS", str(tmp_path))
    settings.cache_clear()
    yield
    reader_pool.close()
    settings.cache_clear()


def test_what_each_part_adds_is_drawn_and_said_with_its_numbers(open_page: Open) -> None:
    app = open_page(PAGE, model="tales-gpt", text=TEXT, view="Layers", layer="2")
    names = local().token_names(HERE, "decoder")[0]
    found, block = local().updates(HERE, "decoder"), local().parts(HERE, "decoder", 1)
    said = updates_picture.says(found, names[LAST], LAST)
    svg = shown(app, said)
    assert f"attention {found.norms[1, 0, LAST]:.3g}, cosine" in svg
    assert said in captions(app)
    assert parts_picture.says(block, names[LAST], LAST) in captions(app)


def test_a_token_and_a_layer_are_opened_by_the_link(open_page: Open) -> None:
    app = open_page(PAGE, model="tales-gpt", text=TEXT, view="Layers", layer="4", spot="q3")
    block = local().parts(HERE, "decoder", 3)
    assert block.units is not None
    best = strongest(block, 3, section.STRONGEST)
    svg = shown(app, f"unit {best[0] + 1:,} fires most at “time”")
    assert all(f'data-id="u{unit + 1}"' in svg for unit in best)
    assert f"{block.units[3, best[0]]:.2f}" in svg


def test_a_unit_of_ones_own_is_followed_through_the_text_and_shown_among_the_strongest(
    open_page: Open,
) -> None:
    app = open_page(PAGE, model="tales-gpt", text=TEXT, view="Layers", layer="4", unit="17")
    block = local().parts(HERE, "decoder", 3)
    names = local().token_names(HERE, "decoder")[0]
    assert block.units is not None and 16 not in strongest(block, LAST, section.STRONGEST)
    said = units_picture.firing_says(block.units[:, 16], names, 16)
    strip = shown(app, said)
    for value in block.units[:, 16]:
        assert f"{value:.2f}".replace("-", "−") in strip
    assert 'data-id="u17"' in shown(app, "hidden units, unit")
    assert app.number_input(key="unit").value == 17


def test_a_unit_that_the_network_lacks_is_said_and_the_strongest_shown(open_page: Open) -> None:
    app = open_page(PAGE, model="tales-gpt", text=TEXT, view="Layers", unit="5000")
    assert any("Unit 5,000: this network has 1,024 hidden units" in one for one in captions(app))


def test_no_whole_run_is_needed_for_another_token_or_layer(
    open_page: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    from engine.models.runtime import Bundle

    app = open_page(PAGE, model="tales-gpt", text=TEXT, view="Layers", layer="2")
    whole: list[str] = []
    real = Bundle.run

    def run(self: Bundle, graph: str, *given: object) -> object:
        whole.append(graph)
        return real(self, graph, *given)  # type: ignore[arg-type]

    monkeypatch.setattr(Bundle, "run", run)
    app.number_input(key="layer").set_value(5).run()
    app.session_state["spot"] = "q4"
    app.run()
    assert not crash(app)
    assert "model" not in whole and "Layer 5, opened" in [one.value for one in app.subheader]


def test_the_commitment_strip_shows_the_layer_of_every_place(open_page: Open) -> None:
    app = open_page(PAGE, model="tales-gpt", text=TEXT, view="Layers", spot="q4")
    found = local().commitment(HERE, "decoder", 4)
    names = local().token_names(HERE, "decoder")[0]
    said = local().texts("tales-gpt", found.ids.tolist())
    words = commitment_picture.says(found, names, said, 4, at=False)
    strip = shown(app, words)
    for layer in found.settled.tolist():
        assert f">L{layer}<" in strip
    assert words in captions(app)
    assert f"{found.settled.mean():.1f} of 6" in words


def test_a_side_without_an_output_matrix_says_so_and_shows_its_units(open_page: Open) -> None:
    app = open_page(
        PAGE, model="fr-en", text="Le vieux roi dort.", view="Layers", kind="encoder", layer="2"
    )
    assert commitment.WITHOUT in captions(app)
    assert any(section.NO_MATRIX in one for one in captions(app))
    assert "pushes" not in shown(app, "hidden units, unit")


@pytest.mark.parametrize("kind", ["decoder", "cross"])
def test_cross_attention_is_a_part_of_its_own(open_page: Open, kind: str) -> None:
    app = open_page(PAGE, model="fr-en", text="Le vieux roi dort.", view="Layers", kind=kind)
    svg = shown(app, "adds the longest vector")
    assert ">added by<" in svg and ">cross-attention<" in svg
    assert any("normalized after each part" in one for one in captions(app))


@pytest.mark.timeout(900)
@pytest.mark.usefixtures("mixture")
def test_a_mixture_of_experts_is_said_not_to_be_opened(open_page: Open) -> None:
    app = open_page(PAGE, model="mixtral", text="The river bank was steep.", view="Layers")
    assert not crash(app) and captions(app).count(section.EXPERTS) == 2
    assert not any("hidden units, unit" in c["alt"] for c in components(app, "atlas_picture"))


def test_every_way_in_which_logits_are_counted_is_told_with_what_is_left_out() -> None:
    block = local().parts(HERE, "decoder", 1)
    assert block.units is not None
    told = section._explained(local().pushes(HERE, "decoder", 1, 3, (1, 2)))
    assert section.HEADS["norm"] in told and told.endswith(section.LEFT_OUT)
    assert all(len(text.split()) <= 60 for text in (told, section.EXPERTS, section.HIDDEN))
    assert np.isfinite(block.units).all()
