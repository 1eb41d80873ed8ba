"""An n-gram table and a random recurrent network in tales-gpt's tokens, for tests."""

from __future__ import annotations

from pathlib import Path

import torch

from engine.models.bundle import digest
from engine.predecessors.bundles import Card
from engine.training import predecessors, tales_ngrams, tokenizers
from engine.training.fit.recurrent import Recurrent, RecurrentConfig

TEXTS = ["Once upon a time there was a king.", "The milk is bad, my tea tastes bad."] * 4


def made_predecessors(folder: Path) -> None:
    """Put both into a folder of models; the network has a figure, the table has none."""
    path, chosen = tokenizers.path("tales-gpt"), tales_ngrams.Settings(worth=0.0)
    tales_ngrams.ship(tales_ngrams.make(TEXTS, path, chosen), path, chosen, shipped=folder)
    torch.manual_seed(0)
    model = Recurrent(RecurrentConfig(tokenizers.whole(path).get_vocab_size(), 16, 80))

    def fill(place: Path) -> Card:
        return Card(
            kind="recurrent",
            name="tales-rnn",
            title="Tales RNN",
            licence="",
            source="",
            tokens_of="tales-gpt",
            tokenizer=digest(path),
            vocabulary=model.config.vocab_size,
            parameters=sum(one.numel() for one in model.parameters()),
            files={},
            matrices=predecessors.write_weights(model, place / predecessors.WEIGHTS),
            figures={"recurrent": 1.75},
        )

    predecessors.place_bundle(folder / "tales-rnn", fill)
