"""docs/api.md: every block runs as it stands, prints what it says it prints, and means it."""

from __future__ import annotations

import contextlib
import io
import re
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.api import Engine, Line, Local, Reading, Sampling, Search, Task, local

DOCUMENT = Path(__file__).parents[1] / "docs" / "api.md"
BLOCK = re.compile(r"```(python|text)\n(.*?)```", re.S)
FIVE = 5  # lines from nothing to the numbers
TITLES = ("Tokens", "Attention", "A translation", "Six continuations")


@cache
def sections() -> dict[str, list[tuple[str, str]]]:
    """The blocks under each title."""
    parts = re.split(r"^## (.+)$", DOCUMENT.read_text(encoding="utf-8"), flags=re.M)[1:]
    found = zip(parts[::2], parts[1::2], strict=True)
    return {title: BLOCK.findall(body) for title, body in found if BLOCK.search(body)}


@cache
def run(title: str) -> dict[str, Any]:
    """What the names of a section stand for when it has run; what it prints is compared."""
    names: dict[str, Any] = {}
    said = ""
    for kind, text in sections()[title]:
        if kind == "text":
            assert said == text, title
            continue
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            exec(compile(text, f"{DOCUMENT.name}, {title}", "exec"), names)
        said = out.getvalue()
    return names


def test_four_subjects_are_five_lines_away() -> None:
    assert tuple(sections()) == TITLES
    for title, blocks in sections().items():
        kind, text = blocks[0]
        lines = [line for line in text.splitlines() if line.strip()]
        assert kind == "python" and len(lines) <= FIVE, title


@pytest.mark.parametrize("title", TITLES)
def test_a_section_prints_what_the_document_says(title: str) -> None:
    assert any(kind == "text" for kind, _ in sections()[title])
    run(title)


def test_tokens_put_together_are_the_text() -> None:
    tokens = run("Tokens")["tokens"]
    assert len(tokens.ids) == len(tokens.pieces) == len(tokens.spans) == 9
    assert "".join(tokens.text[a:b] for a, b in tokens.spans) == tokens.text
    assert b"".join(tokens.data).decode() == tokens.text


def test_attention_is_shared_out_and_read_only() -> None:
    found = run("Attention")
    weights, queries = found["weights"], found["queries"]
    assert weights.shape == (8, len(queries), len(found["keys"]))
    np.testing.assert_allclose(weights.sum(-1), 1, atol=1e-5)
    with pytest.raises(ValueError, match="read-only"):
        weights[0] = 0


def test_a_translation_is_english_and_its_cross_attention_fits_its_tokens() -> None:
    found = run("A translation")
    trace, best = found["trace"], found["best"]
    assert trace.translation.texts[0].split()[:2] == ["The", "cat"]
    assert trace.cross.shape[2:] == (len(trace.target), len(trace.source))
    assert best.log_probability == max(
        one.log_probability for one in trace.translation.found.hypotheses
    )
    np.testing.assert_allclose(trace.cross.sum(-1), 1, atol=1e-5)


def test_six_continuations_are_six_texts_with_their_own_probabilities() -> None:
    found = run("Six continuations")
    texts, new, probability = found["texts"], found["new"], found["probability"]
    engine: Engine = found["engine"]
    assert len({one.text for one in texts}) == 6 and new.shape == probability.shape == (6, 12)
    ids = found["ids"]
    for row in (0, 5):
        logits = engine.following("tales-gpt", (*ids, *new[row, :3].tolist())).astype(np.float64)
        shares = np.exp(logits - logits.max())
        assert probability[row, 3] == pytest.approx(shares[new[row, 3]] / shares.sum(), rel=1e-4)
    again = engine.write(
        Task("tales-gpt", ids, seed=1, limit=12),
        [Line(Sampling(temperature=0.8, top_p=0.9), run=3)],
        patience=60,
    )
    assert again[0].ids == new[3].tolist()


def test_questions_in_the_table_are_answered() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    asked = re.findall(r"^\| `(engine\.[^|]+)` \|", text, re.M)
    reading = Reading("tales-gpt", "Once upon a time there was a fox.")
    engine = local()
    ids = tuple(engine.tokens(reading).ids.tolist())
    card = engine.card(reading.model)
    names = {
        "engine": engine, "reading": reading, "model": "tales-gpt", "name": "tales-gpt",
        "ids": ids, "kind": "decoder", "layer": 2,
    }  # fmt: skip
    found = {question: eval(question, {}, names) for question in asked}
    assert len(found) == text.count("| `engine.") and isinstance(engine, Local)
    shapes = {question: value.shape for question, value in found.items() if hasattr(value, "shape")}
    assert shapes == {
        "engine.hidden(reading).states": (7, len(ids), card.width),
        "engine.logits(reading, (3, 4)).logits": (2, card.vocabulary),
        "engine.following(model, ids)": (card.vocabulary,),
        'engine.logit_lens(reading, "decoder", 4)': (7, card.vocabulary),
        'engine.vectors(model, "token")': (card.vocabulary, card.width),
    }


def test_a_search_as_wide_as_the_document_s_weighs_as_many() -> None:
    found = run("A translation")["trace"].translation
    assert found.search == Search(width=4, limit=found.search.limit)
    assert len(found.texts) == 4
