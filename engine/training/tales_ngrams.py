"""`tales-ngrams`: n-gram tables of the prose that `tales-gpt` learns from, in its tokens.

    python -m engine.training.tales_ngrams --corpora DIR [--shipped DIR]

Counts the prose of the training side (not the generated lessons: a small table would keep their
patterns in place of prose), prunes, and leaves a bundle of its own kind. How much is kept decides
the size of the file alone: `worth` was set so that it stays under 2.5 MB.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from engine.predecessors import bundles, counting, ngrams
from engine.predecessors.bundles import Card
from engine.predecessors.ngrams import Table
from engine.training import corpora, tokenizers
from engine.training.predecessors import place_bundle
from engine.training.shipping import SHIPPED

NAME, TITLE, TOKENS_OF = "tales-ngrams", "Tales n-grams", "tales-gpt"


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that decides the tables."""

    window: int = 4
    worth: float = 2.0  # nats that a kept n-gram saves in the text that was counted, at least


def make(texts: list[str], tokenizer: Path, settings: Settings) -> Table:
    """Count and prune the tables of some documents."""
    cut = tokenizers.whole(tokenizer)
    end = cut.get_vocab()[tokenizers.END_OF_TEXT]
    documents = [np.array(one.ids) for one in cut.encode_batch(texts)]
    return counting.count(
        counting.stream(documents, end),
        vocabulary=cut.get_vocab_size(),
        window=settings.window,
        worth=settings.worth,
    )


def ship(table: Table, tokenizer: Path, settings: Settings, *, shipped: Path = SHIPPED) -> Path:
    """Put the bundle of a table in its place."""

    def fill(folder: Path) -> Card:
        bundles.write_table(folder / bundles.TABLES, ngrams.pack(table))
        kept = [f"{len(order.words):,}" for order in table.orders]
        return Card(
            kind="ngrams",
            name=NAME,
            title=TITLE,
            licence="apache-2.0",
            source="engine/training/tales_ngrams.py",
            tokens_of=TOKENS_OF,
            tokenizer=bundles.digest(tokenizer),
            vocabulary=table.vocabulary,
            parameters=sum(len(order.words) for order in table.orders),
            files={},
            notes=(
                f"Counted in {table.seen / 1e6:.1f} million tokens.",
                f"n-grams kept of 1, 2, ... tokens: {', '.join(kept)}.",
                "Interpolated absolute discounting (Ney, Essen and Kneser 1994). Pruned: an "
                "n-gram of two tokens and more is kept where it was seen at least "
                f"{counting.SEEN} times and saves more than {settings.worth:g} nats in all.",
            ),
        )

    return place_bundle(shipped / NAME, fill)


def main() -> None:
    """Read the command line, count, and leave the bundle."""
    parser = argparse.ArgumentParser(
        prog="python -m engine.training.tales_ngrams", description=__doc__
    )
    parser.add_argument("--corpora", type=Path, required=True, help="folder of the corpora")
    parser.add_argument("--shipped", type=Path, default=SHIPPED, help="where the bundle is put")
    parser.add_argument("--fraction", type=float, default=1.0, help="share of the corpora used")
    parser.add_argument("--worth", type=float, default=Settings().worth, help="what is kept")
    parser.add_argument("--tokenizer", type=Path, default=tokenizers.path(TOKENS_OF))
    options = parser.parse_args()
    settings = Settings(worth=options.worth)
    texts = corpora.prose(options.corpora, fraction=options.fraction).train
    table = make(texts, options.tokenizer, settings)
    print(ship(table, options.tokenizer, settings, shipped=options.shipped))


if __name__ == "__main__":
    main()
