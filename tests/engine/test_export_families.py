"""Every supported family, exported by the command and compared with transformers, one test each.

All that is seen inside (`parity`), and what is written: greedily and with beams, as `generate`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from engine.decoding.beams import Search
from engine.decoding.continuation import Line
from engine.decoding.generation import generate
from engine.decoding.sampling import Sampling
from engine.decoding.translation import translate_all
from engine.models.bundle import Card, read_card
from engine.models.runtime import open_bundle
from engine.tokenizers.tokens import tokenize
from engine.values import Reading
from tests.engine.checkpoints import Bundles
from tests.engine.parity import TOLERANCE, equals_pytorch, offered
from tests.engine.recipes import RECIPES
from tests.engine.reference import TEXTS, continued, cut, generated, load

FEW = (TEXTS[0], TEXTS[1], TEXTS[6])
LAYERS = 2


@pytest.mark.timeout(1200)  # an export takes 7 s of one core; a busy machine has fewer
@pytest.mark.parametrize("name", sorted(RECIPES))
def test_family_equals_pytorch(bundles: Bundles, name: str) -> None:
    folder, source = bundles(name), bundles.checkpoint(name)
    card = read_card(folder)
    model = load(source, card.positions)
    equals_pytorch(folder, model, FEW)
    if card.family == "decoder":
        writing_equals_generate(folder, model)
    elif card.family == "encoder-decoder":
        translations_equal_generate(folder, model)
    # Of every comparison that the proof makes: none is missing, none is too large.
    assert set(card.errors) >= compared(card)
    assert all(value <= TOLERANCE for value in card.errors.values())
    assert card.tower.layers == LAYERS
    assert set(card.given) == offered(card)
    assert ("scores" in card.given) == (name not in ("deberta-v2", "xlnet"))


def compared(card: Card) -> set[str]:
    """The least that the proof of every family compares."""
    return {"hidden", *card.given} | ({"logits"} if card.predicts else set())


def writing_equals_generate(folder: Path, model: Any) -> None:
    """Greedy and with three beams, token for token."""
    bundle = open_bundle(folder)
    ids = tokenize(bundle, TEXTS[0]).ids.tolist()[:10]
    ends = bundle.card.generation.ends
    for width, line in ((1, Line(Sampling(temperature=0))), (3, Line(beams=3))):
        expected = continued(model, ids, 8, beams=width)
        steps = generate(bundle, ids, [line], seed=0, limit=8)
        written = [token.id for step in steps for token in step.written]
        assert cut(written, ends) == cut(expected, ends), line


def translations_equal_generate(folder: Path, model: Any) -> None:
    """Greedy and with three beams, in a padded batch, token for token."""
    bundle = open_bundle(folder)
    readings = [Reading(folder.name, text) for text in FEW]
    start = bundle.card.generation.start
    assert start is not None
    for width in (1, 3):
        search = Search(width, limit=8)
        expected = generated(model, bundle, FEW, search, [start])
        for mine, theirs in zip(translate_all(bundle, readings, search), expected, strict=True):
            assert [h.ids for h in mine.found.hypotheses] == [ids for ids, _ in theirs]
