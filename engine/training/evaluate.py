"""The figures of the shipped models: `python -m engine.training.evaluate --corpora DIR [--json]`.

Everything is measured on held-out text, from the bundles in `assets/models`, through our own
engine. `--cards` writes the figures into the model cards (the README of each bundle), so that a
card never says anything but what this program printed.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from engine.models import runtime
from engine.models.runtime import Bundle
from engine.training import corpora, lessons, recipes
from engine.training.measures import everyday, figures
from engine.training.measures.homonyms import HOMONYMS
from engine.training.shipping import SHIPPED

START, END = "<!-- figures -->", "<!-- /figures -->"
PROMPT = "Once upon a time"
EXAMPLES = {0: "no example", 1: "one example", 3: "three examples"}


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured number of a model, and the sentences or samples that it was counted on."""

    model: str
    figure: str
    value: float
    shown: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Amount:
    """How much held-out text is read: the shipped figures take the defaults."""

    documents: int = 1000
    sentences: int = 2000
    samples: int = 20
    prompts: int = 60


def tales_gpt(bundle: Bundle, corpus: Path, amount: Amount) -> list[Figure]:
    """Compression of held-out tales, what the model writes by itself, and how it uses examples."""
    name = bundle.card.name
    texts = corpora.prose(corpus).held_out[: amount.documents]
    written = figures.samples(bundle, PROMPT, count=amount.samples)
    fluent = sum(figures.fluent(text) for text in written)
    return [
        Figure(name, "bits per byte, held-out prose", figures.bits_per_byte(bundle, texts)),
        Figure(name, f"fluent samples of {len(written)}", fluent, tuple(written)),
        *answers(bundle, amount),
    ]


def answers(bundle: Bundle, amount: Amount) -> list[Figure]:
    """Accuracy of every task of the lessons with zero, one and three examples, and their mean."""
    found, totals = [], dict.fromkeys(EXAMPLES, 0.0)
    for task in lessons.TASKS:
        for examples, word in EXAMPLES.items():
            share = figures.in_context(bundle, task, examples=examples, count=amount.prompts)
            found.append(Figure(bundle.card.name, f"{task}, {word} %", 100 * share))
            totals[examples] += 100 * share / len(lessons.TASKS)
    means = (
        Figure(bundle.card.name, f"mean of the tasks, {word} %", totals[examples])
        for examples, word in EXAMPLES.items()
    )
    return [*found, *means]


def fr_en(bundle: Bundle, corpus: Path, amount: Amount) -> list[Figure]:
    """BLEU and chrF on held-out pairs, and the everyday sentences."""
    import sacrebleu  # a tool of development, not needed by the app

    name = bundle.card.name
    pairs = held_out_pairs(corpus, amount.sentences)
    found = []
    for width, search in ((1, "greedy"), (4, "beam 4")):
        out = figures.translated(bundle, [pair.french for pair in pairs], width=width)
        truth = [[pair.english for pair in pairs]]
        bleu, chrf = sacrebleu.corpus_bleu(out, truth), sacrebleu.corpus_chrf(out, truth)
        found.append(Figure(name, f"BLEU, {search}", bleu.score))
        found.append(Figure(name, f"chrF, {search}", chrf.score))
    french = [source for source, _ in everyday.SENTENCES]
    out = figures.translated(bundle, french, width=4)
    shown = tuple(
        f"{source} → {text} ({everyday.verdict(text)})"
        for source, text in zip(french, out, strict=True)
    )
    right = sum(everyday.verdict(text) == "right" for text in out)
    return [*found, Figure(name, f"everyday sentences right of {len(out)}", right, shown)]


def tales_bert(bundle: Bundle, corpus: Path, amount: Amount) -> list[Figure]:
    """Masked pieces guessed, and homonyms told apart."""
    name = bundle.card.name
    documents = corpora.prose(corpus).held_out[: amount.documents]
    paragraphs = [part for document in documents for part in document.split("\n\n")]
    every = [*paragraphs, *(pair.english for pair in held_out_pairs(corpus, amount.sentences))]
    first, fifth = figures.masked_hits(bundle, every)
    by_word = {h.word: figures.homonym_accuracy(bundle, h) for h in HOMONYMS}
    mean = np.mean(list(by_word.values()), axis=0)
    layer = int(mean.argmax())
    shown = tuple(f"{word}: {values[layer]:.0%}" for word, values in by_word.items())
    return [
        Figure(name, "masked pieces, top-1 %", 100 * first),
        Figure(name, "masked pieces, top-5 %", 100 * fifth),
        Figure(name, f"homonyms' sense, after layer {layer} %", 100 * mean[layer], shown),
    ]


def held_out_pairs(corpus: Path, count: int) -> list[corpora.Pair]:
    """Held-out pairs in an order that says nothing, each French sentence once."""
    pairs = corpora.pairs(corpus, never=everyday.both_sides()).held_out
    once = {corpora.plain(pair.french): pair for pair in reversed(pairs)}
    return sorted(once.values(), key=lambda pair: corpora.share(pair.french, "order"))[:count]


MEASURES: dict[str, Callable[[Bundle, Path, Amount], list[Figure]]] = {
    "tales-gpt": tales_gpt,
    "fr-en": fr_en,
    "tales-bert": tales_bert,
}


def table(found: list[Figure]) -> str:
    """Figures as a Markdown table; the sentences that were counted follow it."""
    rows = [f"| {figure.figure} | {figure.value:.4g} |" for figure in found]
    lists = [
        "\n".join([f"\n{figure.figure}:\n", *(f"- {' '.join(t.split())}" for t in figure.shown)])
        for figure in found
        if figure.shown
    ]
    return "\n".join(["| figure | value |", "|---|---:|", *rows, *lists])


def write_card(path: Path, found: list[Figure]) -> None:
    """Put the figures between the two marks of a model card."""
    text = path.read_text(encoding="utf-8")
    before, rest = text.split(START, 1)
    after = rest.split(END, 1)[1]
    path.write_text(f"{before}{START}\n{table(found)}\n{END}{after}", encoding="utf-8")


def main() -> None:
    """Read the command line, measure, print."""
    parser = argparse.ArgumentParser(prog="python -m engine.training.evaluate", description=__doc__)
    parser.add_argument("--corpora", type=Path, default=os.environ.get("CORPORA"))
    parser.add_argument("--models", nargs="+", choices=recipes.NAMES, default=recipes.NAMES)
    parser.add_argument("--shipped", type=Path, default=SHIPPED, help="folder of the bundles")
    parser.add_argument("--documents", type=int, default=Amount().documents)
    parser.add_argument("--sentences", type=int, default=Amount().sentences)
    parser.add_argument("--json", action="store_true", help="a list of model, figure, value")
    parser.add_argument("--cards", action="store_true", help="write the figures into the cards")
    options = parser.parse_args()
    if options.corpora is None or not Path(options.corpora).is_dir():
        sys.exit("Give the folder of the corpora: --corpora DIR, or CORPORA=DIR.")
    amount = Amount(documents=options.documents, sentences=options.sentences)
    every: list[Figure] = []
    for name in options.models:
        bundle = runtime.open_bundle(options.shipped / name)
        found = MEASURES[name](bundle, Path(options.corpora), amount)
        every += found
        if options.cards:
            write_card(options.shipped / name / "README.md", found)
        if not options.json:
            print(f"\n{name}\n{table(found)}", flush=True)
    if options.json:
        print(json.dumps([asdict(figure) for figure in every], indent=1, ensure_ascii=False))


if __name__ == "__main__":
    main()
