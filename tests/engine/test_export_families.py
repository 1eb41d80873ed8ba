"""Every supported family, exported by the command and compared with transformers, one test each."""

from __future__ import annotations

import pytest

pytest.importorskip("torch")

from engine.bundle import read_card
from tests.engine.checkpoints import RECIPES, Bundles
from tests.engine.parity import TOLERANCE, equals_pytorch
from tests.engine.reference import TEXTS, load

FEW = (TEXTS[0], TEXTS[1], TEXTS[6])
LAYERS = 2


@pytest.mark.slow
@pytest.mark.timeout(1200)  # an export takes 7 s of one core; a busy machine has fewer
@pytest.mark.parametrize("name", sorted(RECIPES))
def test_family_equals_pytorch(bundles: Bundles, name: str) -> None:
    folder, source = bundles(name), bundles.checkpoint(name)
    card = read_card(folder)
    equals_pytorch(folder, load(source, card.positions), FEW)
    assert all(value <= TOLERANCE for value in card.errors.values())
    assert card.tower.layers == LAYERS
    assert ("scores" in card.given) == (name != "deberta-v2")
