"""What an export leaves out or does otherwise, said on the card: each sentence with its truth."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from engine.errors import ExportFailed, TextTooLong
from engine.models.bundle import read_card
from engine.models.runtime import open_bundle
from engine.trace import tracing
from engine.values import Reading
from tests.engine.checkpoints import Bundles
from tests.engine.recipes import POSITIONS, RECIPES

torch = pytest.importorskip("torch")

pytestmark = pytest.mark.timeout(900)


def loaded(folder: Path) -> tuple[Any, Any]:
    """The model that an export is made of, and its layout."""
    from engine.export.bundling import load
    from engine.export.sources.hub import local

    return load(local(folder))


def test_big_bird_ends_where_it_would_turn_to_blocks(bundles: Bundles) -> None:
    """Its own code attends in full up to that length, and no longer to everything beyond."""
    import transformers

    source, folder = bundles.checkpoint("big-bird"), bundles("big-bird")
    card = read_card(folder)
    assert card.limit == 22 < POSITIONS
    (note,) = card.notes
    assert "texts end at 22 tokens" in note and "at random" in note
    for length, kind in ((22, "original_full"), (23, "block_sparse")):
        model = transformers.BigBirdForMaskedLM.from_pretrained(source).eval()
        with torch.no_grad():
            model(torch.arange(5, 5 + length)[None])
        assert model.bert.attention_type == kind
    with pytest.raises(TextTooLong, match="22"):
        tracing.hidden(open_bundle(folder), Reading("big-bird", "cat " * 30))


def test_a_window_is_masked_beyond_and_said(bundles: Bundles) -> None:
    card = read_card(bundles("longformer"))
    assert "at most 2 or 4 tokens on either side" in card.notes[0]
    assert "global attention" in card.notes[0]
    bundle = open_bundle(bundles("longformer"))
    found = tracing.layers(bundle, Reading("longformer", "the cat sat on the mat"), "encoder")
    for layer, reach in zip(found, (2, 4), strict=True):
        weights = layer.attention.weights
        for query, key in ((0, reach), (0, reach + 1), (reach + 1, 0)):
            assert (weights[:, query, key] > 0).all() == (abs(query - key) <= reach)


def test_led_ends_where_its_decoder_does(bundles: Bundles) -> None:
    card = read_card(bundles("led"))
    assert card.limit == POSITIONS // 2
    assert any(f"{POSITIONS} tokens, its decoder for {POSITIONS // 2}" in n for n in card.notes)


def test_the_capacity_of_an_expert_is_said(bundles: Bundles) -> None:
    config = RECIPES["switch-transformers"][3]
    card = read_card(bundles("switch-transformers"))
    assert any(f"at most {config['expert_capacity']} tokens" in note for note in card.notes)


def test_towers_of_different_width_are_refused(bundles: Bundles, tmp_path: Path) -> None:
    import transformers

    config = transformers.T5GemmaConfig.from_pretrained(bundles.checkpoint("t5gemma"))
    shutil.copytree(bundles.checkpoint("t5gemma"), tmp_path / "odd")
    given = json.loads((tmp_path / "odd" / "config.json").read_text())
    given["encoder"] |= {"hidden_size": 32}
    changed = transformers.T5GemmaConfig(**given)
    transformers.T5GemmaForConditionalGeneration(changed).save_pretrained(tmp_path / "odd")
    assert config.encoder.hidden_size == 16
    with pytest.raises(ExportFailed, match="32 numbers, its decoder's 16"):
        loaded(tmp_path / "odd")


def test_xlnet_makes_vectors_of_a_checkpoint_that_predicts(
    bundles: Bundles, tmp_path: Path
) -> None:
    """The Hub's checkpoints are of the class with the output matrix; theirs meet another stream."""
    import transformers

    source = bundles.checkpoint("xlnet")
    shutil.copytree(source, tmp_path / "whole")
    whole = transformers.XLNetLMHeadModel(transformers.XLNetConfig.from_pretrained(source))
    whole.save_pretrained(tmp_path / "whole")
    model, plan = loaded(tmp_path / "whole")
    mine, theirs = model.layer[0].rel_attn.q, whole.transformer.layer[0].rel_attn.q
    assert type(model).__name__ == "XLNetModel" and torch.equal(mine, theirs)
    assert "predicts nothing" in plan.notes[0]
