"""BERT's next-sentence head: exported where a checkpoint has it, and equal to PyTorch's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from engine.api import local
from engine.models.bundle import identity, read_card
from engine.objectives.example import Exercise
from engine.settings import settings
from tests.engine.checkpoints import Bundles, save, spread
from tests.engine.recipes import RECIPES

TEXT = "The cat sat on the mat. The river bank was steep."
KINDS = {"bert-pretrained": "BertForPreTraining", "bert-pairs": "BertForNextSentencePrediction"}


def make(name: str, folder: Path) -> None:
    """The tiny BERT with the heads of one of `KINDS`."""
    import torch
    import transformers

    save("bert", folder)
    torch.manual_seed(20260103)
    kind: Any = getattr(transformers, KINDS[name])
    model = kind(kind.config_class.from_pretrained(folder))
    spread(model)
    model.save_pretrained(folder)


@pytest.mark.parametrize("name", KINDS)
def test_the_loss_of_a_pair_is_pytorchs(
    bundles: Bundles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    import torch
    import transformers

    source = bundles.checkpoint(name, make)
    (tmp_path / name).symlink_to(bundles.of(source, name), target_is_directory=True)
    monkeypatch.setenv("ATLAS_MODELS", str(tmp_path))
    settings.cache_clear()
    card = read_card(tmp_path / name)
    assert card.follows and card.predicts is (name == "bert-pretrained")
    assert card.errors["next_sentence"] < 1e-4
    engine = local()
    model = transformers.BertForNextSentencePrediction.from_pretrained(source).eval()
    for seed in (1, 2):  # one of them does not come next
        asked = Exercise(name, TEXT, "next sentence", seed)
        made, found = engine.training_example(asked), engine.example_losses(asked)
        second = [int(one.other == 0) for one in made.sees]
        with torch.no_grad():
            loss = model(
                input_ids=torch.tensor([[one.id for one in made.sees]]),
                token_type_ids=torch.tensor([second]),
                labels=torch.tensor([made.says[0].id]),
            ).loss.item()
        assert found.mean == pytest.approx(loss, abs=1e-4) and found.choices == 2
    whys = engine.objectives(name)
    assert whys["next sentence"] == ""
    assert bool(whys["masked tokens"]) is (name == "bert-pairs")
    settings.cache_clear()


def test_a_checkpoint_without_the_head_gives_none(bundles: Bundles) -> None:
    card = read_card(bundles("bert"))
    assert not card.follows and "next_sentence" not in card.errors
    assert "bert" in RECIPES


def test_cards_from_before_keep_their_identity() -> None:
    """A digest names what is kept of a model: it must not change where nothing did."""
    from engine.models.catalog import SHIPPED

    found = identity(read_card(SHIPPED / "tales-bert"))
    assert found == "60548194f52cff799b7c4f05bb8292e794a8dd9b467da5dc3f62ec00eda42aaf"
