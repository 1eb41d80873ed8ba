"""The judge of manners, `assets/judges/manners.json`: `python -m engine.training.judges.manners`.

Sentences that somebody says, politely or rudely, are generated from the patterns beside this module
and the words of `lessons.toml`; each is read behind a few neutral words by `tales-gpt`, and a
logistic regression on the mean of its last hidden states tells the two manners apart. Half of the
sentences are of each manner. The last pattern of every list and every fifth word are held out:
accuracy is measured with those alone. The file holds coefficients, a few kB of text.
"""

from __future__ import annotations

import argparse
import json
import random
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from engine.models import catalog
from engine.models.runtime import Bundle, open_bundle
from engine.preference.hidden import representations
from engine.preference.judges import FOLDER, NAMED
from engine.tokenizers.tokens import tokenize
from engine.training.lessons import Source

MODEL = "tales-gpt"
TRAINED, MEASURED = 1200, 400  # sentences
PENALTY = 10.0  # 1 / C of the logistic regression
CONTEXT = 'The miller looked at the old woman and said: "'
SIDES = ("polite", "rude")


@dataclass(frozen=True, slots=True)
class Said:
    """A sentence, what stands before it, and whether it is polite."""

    before: str
    text: str
    polite: bool


@cache
def data() -> dict[str, Any]:
    """Patterns of both manners, from the file beside this module."""
    return tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))


def sentences(count: int, *, seed: int, held_out: bool = False) -> list[Said]:
    """So many sentences, polite and rude in turn; held out: other patterns, other words."""
    source = Source(random.Random(seed), held_out)
    return [_sentence(source, polite=place % 2 == 0) for place in range(count)]


def _sentence(source: Source, *, polite: bool) -> Said:
    kinds = data()[SIDES[not polite]]
    patterns = kinds[source.rng.choice(sorted(kinds))]
    pattern = patterns[-1] if source.held_out else source.rng.choice(patterns[:-1])
    before = _filled(source, source.rng.choice(data()["contexts"]))
    return Said(before, _filled(source, pattern), polite)


def _filled(source: Source, pattern: str) -> str:
    verb = source.rng.choice(data()["verbs"])
    kinds = {"thing": "things", "person": "people", "place": "places", "time": "times"}
    words = {name: source.word(kind) for name, kind in kinds.items()}
    return pattern.format(verb=verb, Verb=verb.capitalize(), **words)


def vectors(opened: Bundle, said: list[Said]) -> Float[np.ndarray, "sentence width"]:
    """What the judge reads of each sentence, where it stands behind its context."""
    found = []
    for one in said:
        before = tokenize(opened, one.before).ids.tolist()
        whole = tokenize(opened, one.before + one.text).ids.tolist()
        found.append(representations(opened, whole[: len(before)], [whole[len(before) :]])[0])
    return np.stack(found)


def trained(opened: Bundle) -> dict[str, Any]:
    """The judge as its file holds it, from sentences drawn by fixed seeds."""
    from sklearn.linear_model import LogisticRegression

    known, unknown = sentences(TRAINED, seed=1), sentences(MEASURED, seed=2, held_out=True)
    model = LogisticRegression(C=1 / PENALTY, tol=1e-8, max_iter=5000)
    model.fit(vectors(opened, known), [one.polite for one in known])
    weights = [float(f"{value:.5g}") for value in np.ravel(model.coef_)]
    intercept = float(f"{np.ravel(model.intercept_)[0]:.5g}")
    scores = vectors(opened, unknown) @ np.array(weights) + intercept
    right = sum((score > 0) == one.polite for score, one in zip(scores, unknown, strict=True))
    return {
        "title": "Polite or rude",
        "positive": "polite",
        "negative": "rude",
        "model": MODEL,
        "files": {name: opened.card.files[name] for name in NAMED},
        "recipe": "python -m engine.training.judges.manners",
        "context": CONTEXT,
        "trained": TRAINED,
        "measured": MEASURED,
        "right": int(right),
        "tricky": [
            {"text": one["text"], "positive": one["polite"], "why": one["why"]}
            for one in data()["tricky"]
        ],
        "intercept": intercept,
        "weights": weights,
    }


def main() -> None:
    """Read the command line, train, write."""
    parser = argparse.ArgumentParser(
        prog="python -m engine.training.judges.manners", description=__doc__
    )
    parser.add_argument("--out", type=Path, default=FOLDER / "manners.json")
    options = parser.parse_args()
    folder = catalog.find(MODEL).folder
    assert folder is not None
    made = trained(open_bundle(folder))
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(made, ensure_ascii=False) + "\n", encoding="utf-8")
    print(f"{options.out}: {made['right']} of {made['measured']} held-out sentences judged rightly")


if __name__ == "__main__":
    main()
