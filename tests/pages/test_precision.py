"""Home compares a model's precisions: offered where two are here, its numbers the models' own."""

from __future__ import annotations

import math

import numpy as np
import pytest

from engine.decoding.divergence import divergence
from engine.values import Reading
from pages.home.precision.picture import Side, parted, rows, words
from pages.shell.cache import engine
from tests.pages.conftest import Open, components, crash, sentences

TEXT = "The cat sat on the mat."


def test_it_is_not_offered_where_one_precision_is_here(open_page: Open) -> None:
    app = open_page("Home", text=TEXT)
    assert not crash(app) and "Compare precisions" not in [one.label for one in app.expander]


@pytest.mark.usefixtures("two_precisions")
def test_two_precisions_on_one_text(open_page: Open) -> None:
    app = open_page("Home", text=TEXT)
    assert "Compare precisions" in [one.label for one in app.expander]
    assert not [one for one in components(app, "atlas_picture") if "KL div" in one["svg"]]
    app.session_state["precision"] = True
    app.run()
    assert not crash(app) and not sentences(app)
    (svg,) = (d["svg"] for d in components(app, "atlas_picture") if "KL div" in d["svg"])
    count = len(engine().tokens(Reading("gpt2", TEXT)))
    logits = [
        engine().logits(Reading(name, TEXT), tuple(range(count))).logits.astype(np.float64)
        for name in ("gpt2", "gpt2-int8")
    ]
    exact, rounded = (np.exp(x - x.max(1, keepdims=True)) for x in logits)
    exact, rounded = (x / x.sum(1, keepdims=True) for x in (exact, rounded))
    bits = (exact * np.log2(exact / rounded)).sum(axis=1)
    assert all(f">{one:.3f}</text>" in svg for one in bits) and bits.max() > 1e-4
    said = " ".join(one.value for one in app.markdown).replace("\\", "")
    same = int((exact.argmax(1) == rounded.argmax(1)).sum())
    assert f"mean KL divergence is {bits.mean():.3f} bits" in said
    assert f"the same after {same} of {count} tokens" in said
    assert "gpt2: " in said and "gpt2-int8: " in said and " ms per token" in said


def test_the_picture_and_its_words() -> None:
    found = divergence(np.log([[0.8, 0.2], [0.8, 0.2]]), np.log([[0.8, 0.2], [0.4, 0.6]]))
    best = ((" a", " a"), (" a", "<b>"))
    svg = rows(("x", "<i>"), found, best, ("exact", "int8"))
    # 0.8 log2(0.8 / 0.4) + 0.2 log2(0.2 / 0.6)
    bits = 0.8 + 0.2 * math.log2(1 / 3)
    assert f">{bits:.3f}<" in svg and "<b>" not in svg and svg.count('font-weight="bold"') == 2
    one = Side("exact", 538_000_000, "", (1, 2, 3), 30.0)
    other = Side("int8", 190_000_000, "", (1, 5, 3), 15.0)
    told = words(("x", "<i>"), found, (one, other))
    assert "exact: 538 MB, 30 ms per token. int8: 190 MB, 15 ms per token." in told
    assert f"the largest {bits:.3f} after" in told and "after 1 of 2 tokens" in told
    assert told.endswith("the two differ from new token 2 on.")
    assert words(("x", "<i>"), found, (one, one)).endswith("first 3 tokens are the same.")


@pytest.mark.parametrize(
    ("one", "other", "place"),
    [((1, 2), (1, 2), None), ((1, 2), (1, 3), 1), ((1, 2), (1, 2, 3), 2), ((), (1,), 0)],
)
def test_where_two_texts_part(
    one: tuple[int, ...], other: tuple[int, ...], place: int | None
) -> None:
    assert parted(one, other) == place
