"""Rotary angles: those of the model, and what follows from them."""

from __future__ import annotations

import numpy as np
import pytest

from engine.attention.rotary import angles, circles, periods
from engine.models.bundle import read_card
from tests.engine.checkpoints import Bundles

TURNS = tuple(10_000 ** -(k / 8) for k in range(8))


def test_angles_grow_with_the_position_and_are_not_wound_back() -> None:
    assert angles([0.5, 2.0], 4)[:, 1].tolist() == [0, 2, 4, 6]
    assert periods([np.pi])[0] == pytest.approx(2)


def test_how_alike_two_positions_are_depends_on_their_distance_alone() -> None:
    vectors = circles(TURNS, 40).astype(np.float64)
    gram = vectors @ vectors.T / len(TURNS)
    for distance in (1, 5, 20):
        same = np.diagonal(gram, distance)
        np.testing.assert_allclose(same, same[0], atol=1e-6)
    # Turning a query by its position and a key by its own gives the angle between them.
    assert gram[3, 10] == pytest.approx(np.mean(np.cos(7 * np.array(TURNS))), abs=1e-6)


def test_a_bundle_says_by_how_much_its_model_turns_each_pair(bundles: Bundles) -> None:
    card = read_card(bundles("llama"))
    assert card.decoder is not None and card.positions == "rotary"
    pairs = card.decoder.dim // 2
    expected = [10_000 ** -(2 * k / card.decoder.dim) for k in range(pairs)]
    assert card.rotary == pytest.approx(expected, rel=1e-5)
