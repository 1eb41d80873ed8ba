"""Which experts tokens are sent to: equal to what transformers' routers say, and small."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from engine.api import local
from engine.errors import NotOffered
from engine.models.bundle import identity, read_card
from engine.models.runtime import open_bundle
from engine.settings import settings
from engine.trace.routing import check, routing, strongest, used
from engine.values import Reading
from tests.engine.checkpoints import ROOT, Bundles
from tests.engine.recipes import RECIPES
from tests.engine.reference import TEXTS, load

pytestmark = pytest.mark.timeout(900)
TEXT = TEXTS[2]
CHOSEN = 2  # experts for each token, in the recipes
KNOWN = (
    "5452cb910a125e5f7072d150081fdc260b84e27e6eabd97f64a16a130db0048e"  # before cards had experts
)


@pytest.mark.parametrize("name", ["mixtral", "qwen3-moe", "olmoe", "gpt-oss", "granitemoe"])
def test_the_experts_follow_from_the_router_logits_of_transformers(
    bundles: Bundles, name: str
) -> None:
    """Of `output_router_logits`, which no line of the exporter reads: the largest are chosen."""
    torch = pytest.importorskip("torch")
    bundle = open_bundle(bundles(name))
    found = routing(bundle, Reading(name, TEXT), "decoder")
    model = load(bundles.checkpoint(name))
    with torch.no_grad():
        logits = model(
            torch.tensor(found.tokens.ids)[None], output_router_logits=True
        ).router_logits
    assert found.layers.tolist() == list(range(len(logits)))
    few = RECIPES[name][3].get("num_experts_per_tok", CHOSEN)
    for layer, own in enumerate(logits):
        best = torch.topk(own.reshape(-1, found.count), few, dim=-1).indices.numpy()
        assert np.array_equal(np.sort(found.experts[layer]), np.sort(best)), layer
        chosen = torch.gather(own.reshape(-1, found.count), 1, torch.tensor(found.experts[layer]))
        shares = torch.softmax(chosen, -1).numpy()
        # Some routers divide by the sum of the chosen ones' shares, some do not.
        mine = found.weights[layer] / found.weights[layer].sum(axis=1, keepdims=True)
        assert np.abs(mine - shares).max() < 1e-5
        assert (np.diff(found.weights[layer], axis=1) <= 0).all()


def test_blocks_without_experts_are_left_out(bundles: Bundles) -> None:
    """DeepSeek's first block has one feed-forward network; half of Switch's have."""
    for name, sides in (
        ("deepseek-v3", ("decoder",)),
        ("switch-transformers", ("encoder", "decoder")),
    ):
        bundle = open_bundle(bundles(name))
        reading = Reading(name, TEXT, target=(0, 5, 6, 7) if len(sides) == 2 else None)
        for side in sides:
            found = routing(bundle, reading, side)  # type: ignore[arg-type]
            assert found.layers.tolist() == [1], (name, side)
            assert found.experts.shape[:2] == (1, len(found.tokens))
            assert used(found, 0).sum() == (found.experts >= 0).sum()


def test_an_answer_is_kept_and_small(
    bundles: Bundles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mixtral").symlink_to(bundles("mixtral"), target_is_directory=True)
    monkeypatch.setenv("ATLAS_MODELS", str(tmp_path))
    settings.cache_clear()
    found = local().routing(Reading("mixtral", TEXT), "decoder")
    assert local().routing(Reading("mixtral", TEXT), "decoder") is found
    tokens, layers = len(found.tokens), len(found.layers)
    assert found.experts.nbytes + found.weights.nbytes == tokens * layers * CHOSEN * (8 + 4)
    settings.cache_clear()


def test_a_model_without_experts_says_so(bundles: Bundles) -> None:
    card = read_card(bundles("gpt2"))
    assert card.experts == 0 and read_card(bundles("mixtral")).experts == 4
    with pytest.raises(NotOffered, match="no experts"):
        routing(open_bundle(bundles("gpt2")), Reading("gpt2", TEXT), "decoder")
    with pytest.raises(NotOffered, match="export it again"):
        check(SimpleNamespace(title="Old", experts=0))  # type: ignore[arg-type]


def test_cards_of_models_without_experts_are_what_they_were(bundles: Bundles) -> None:
    """Stored links and layouts are found by it."""
    card = read_card(ROOT / "assets" / "models" / "tales-gpt")
    assert identity(card) == KNOWN
    assert identity(read_card(bundles("mixtral"))) != identity(card)


def test_the_strongest_come_first_and_gaps_are_marked() -> None:
    weights = np.array([[0, 0.3, 0.7], [0, 0, 1], [0, 0, 0]], np.float32)
    experts, shares = strongest(weights)
    assert experts.tolist() == [[2, 1], [2, -1], [-1, -1]]
    assert shares == pytest.approx(np.array([[0.7, 0.3], [1, 0], [0, 0]]))
    assert strongest(np.zeros((2, 4), np.float32))[0].tolist() == [[-1], [-1]]
