"""Attention, Layers: which experts each token is sent to; models without experts say so."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from engine.api import Reading, local
from engine.settings import settings
from engine.tokenizers import reader_pool
from engine.trace.routing import used
from pages.attention.layers import experts_picture as view
from pages.attention.layers.experts import WITHOUT
from pages.pictures.scale import number
from tests.engine.checkpoints import Bundles
from tests.pages.conftest import Open, components, crash, tables

TEXT = "The river bank was steep, but he had money."
SIDE = "decoder"


@pytest.fixture
def mixtures(bundles: Bundles, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """Tiny mixtures as if somebody had exported them."""
    for name in ("mixtral", "deepseek-v3", "gpt-oss"):
        (tmp_path / name).symlink_to(bundles(name), target_is_directory=True)
    monkeypatch.setenv("ATLAS_MODELS", str(tmp_path))
    settings.cache_clear()
    yield
    reader_pool.close()
    settings.cache_clear()


@pytest.mark.timeout(900)
@pytest.mark.usefixtures("mixtures")
@pytest.mark.parametrize("name", ["mixtral", "deepseek-v3"])
def test_tokens_and_their_experts_are_drawn_and_said(open_page: Open, name: str) -> None:
    app = open_page("3_Attention", model=name, text=TEXT, view="Layers", spot="q3")
    assert not crash(app) and not app.error
    found = local().routing(Reading(name, TEXT), SIDE)
    names = local().token_names(Reading(name, TEXT), SIDE)[0]
    drawn = [one for one in components(app, "atlas_picture") if "Experts" in one["svg"]]
    assert len(drawn) == 1
    for layer in found.layers.tolist():
        assert f'data-id="e{layer + 1}.4"' in drawn[0]["svg"]
    assert f'data-id="e1.{len(names) + 1}"' not in drawn[0]["svg"]
    captions = [one.value.replace("\\", "") for one in app.caption]
    assert view.says(found, names[3], 3) in captions
    assert any("each token to 2 of 4 feed-forward networks" in one for one in captions)
    assert any("Layers without experts" in one for one in captions) == (name == "deepseek-v3")
    # DeepSeek multiplies what its router says: no shares of one, and so no percent.
    assert any("sum to 2.5 in this model" in one for one in captions) == (name == "deepseek-v3")
    assert ("%" in drawn[0]["svg"]) == (name == "mixtral")
    assert WITHOUT not in captions


@pytest.mark.timeout(900)
@pytest.mark.usefixtures("mixtures")
def test_the_table_has_every_choice(open_page: Open) -> None:
    app = open_page("3_Attention", model="mixtral", text=TEXT, view="Layers")
    app.session_state["table-experts"] = True
    app.run()
    found = local().routing(Reading("mixtral", TEXT), SIDE)
    assert not crash(app)
    (table,) = [one for one in tables(app) if "expert" in one]
    assert table["expert"] == [str(one + 1) for one in found.experts.ravel().tolist()]
    assert [float(one) for one in table["weight"]] == pytest.approx(found.weights.ravel(), abs=1e-3)


def test_a_model_without_experts_says_that_it_has_none(open_page: Open) -> None:
    app = open_page("3_Attention", model="tales-gpt", text=TEXT, view="Layers")
    assert not crash(app) and [one.value for one in app.caption].count(WITHOUT) == 1
    assert not any("Experts" in one["svg"] for one in components(app, "atlas_picture"))


@pytest.mark.timeout(900)
@pytest.mark.usefixtures("mixtures")
def test_the_map_of_a_head_with_a_sink_has_its_column(open_page: Open) -> None:
    app = open_page("3_Attention", model="gpt-oss", text=TEXT, view="Map", spot="q3")
    assert not crash(app) and not app.error
    attention = local().attention(Reading("gpt-oss", TEXT), SIDE, 0)
    assert attention.sink is not None
    assert attention.weights.sum(-1) + attention.sink == pytest.approx(1, abs=1e-5)
    (drawn,) = [p for p in components(app, "atlas_picture") if "attention to" not in p["svg"]
                and 'data-columns="sink"' in p["svg"]]  # fmt: skip
    assert "the sink, no token" in drawn["svg"]
    said = [one.value for one in app.caption if "sink " in one.value and "· row" in one.value]
    assert said and all("row sum 100 %" in one for one in said)


@pytest.mark.usefixtures("mixtures")
def test_what_is_said_is_counted(bundles: Bundles) -> None:
    found = local().routing(Reading("mixtral", TEXT), SIDE)
    counts = np.stack([used(found, row) for row in range(len(found.layers))])
    said = view.says(found, "steep", 5)
    assert f"takes {counts.max()} of the {len(found.tokens)} tokens" in said
    assert f"(even: {counts[0].sum() / 4:.1f})" in said
    row = int(found.weights[:, 5, 0].argmax())
    shares = ", ".join(number(float(one), True) for one in found.weights[row, 5]).split(", ")
    experts = [f"{e + 1} ({share})" for e, share in zip(found.experts[row, 5], shares, strict=True)]
    assert f"in layer {row + 1}: it goes to experts {' and '.join(experts)}." in said
    assert len(said.split()) <= 60
