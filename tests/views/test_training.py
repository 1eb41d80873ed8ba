"""Pictures and sentences of the Training page, from numbers that can be checked by eye."""

from __future__ import annotations

import numpy as np
import pytest

from engine.moments.asking import Written
from engine.moments.course import Course, Moment
from engine.moments.places import places
from engine.objectives.example import Example, Shown
from engine.objectives.losses import losses
from pages.training.moments import curve, plane
from pages.training.moments import picture as written
from pages.training.targets import picture as targets
from pages.training.targets.picture import Scene

SEES = (Shown("The", 0, other=-1), Shown(" fox", 1, other=0), Shown(" ran", 2, other=1))
NEXT = Example("next token", SEES, (Shown(" fox", 1, other=1), Shown(" ran", 2, other=2)), 2)
COSTS = losses(np.log(np.array([[0.25, 0.5, 0.25], [0.5, 0.375, 0.125]])), [1, 2])
MOMENTS = tuple(
    Moment(name, step, 2048 * step, 60.0 * step, 9, loss)
    for name, step, loss in (("untrained", 0, None), ("m-000010", 10, 3.0), ("m-000100", 100, 2.0))
)
COURSE = Course("m", MOMENTS, ((1, 4.0), (10, 3.0), (100, 2.0)))


def test_what_is_hidden_is_a_question_mark_until_it_is_revealed() -> None:
    hidden = targets.two_sides(Scene(NEXT, None, 1, False))
    assert "·fox" in hidden and "·ran" not in hidden and "nats" not in hidden
    shown = targets.two_sides(Scene(NEXT, COSTS, 1, True))
    assert "·ran" in shown and "chance 1.10 nats" in shown and ">2.08<" in shown


def test_the_sentence_names_the_cheapest_and_the_dearest() -> None:
    said = targets.said(Scene(NEXT, COSTS, 0, True), "M")
    assert said == (
        "M pays 1.39 nats on average over 2 predictions; an even guess among 3 pays 1.10. "
        "Cheapest: “·fox” (0.69, probability 50.0 %). Dearest: “·ran” (2.08, 12.5 %)."
    )


def test_a_training_spells_from_where_all_later_moments_do() -> None:
    texts = [Written("ab", share, ()) for share in (0.95, 0.4, 0.92)]
    assert written.speller(texts) == 2 and written.speller(texts[:2]) is None
    assert written.said(MOMENTS, texts, 1).startswith("It spells from step 100 on: 92 %")
    assert written.said(MOMENTS, texts[:1], 0).startswith("Already the first moment")


def test_what_is_no_word_is_underlined() -> None:
    one = Written(" the foxie", 0.5, ((1, 4, True), (5, 10, False)))
    drawn = written.rows(MOMENTS[:1], [one], 0)
    assert drawn.count("stroke-dasharray") == 1 and "foxie" in drawn and 'data-id="m0"' in drawn


def test_the_curve_says_how_much_of_the_fall_is_over() -> None:
    assert "50 % of the whole fall (to 2.00)" in curve.said(COURSE, 1)
    assert curve.said(COURSE, 0) == "Before its first step a model knows nothing: untrained."
    drawn = curve.curve(COURSE, 2, 4.2)
    assert all(f'data-id="m{k}"' in drawn for k in range(3)) and "even guess 4.20" in drawn


def test_the_nearest_word_is_found_in_all_numbers_not_in_the_plane() -> None:
    vectors = np.array([[1, 0, 0, 0], [0.9, 0.1, 0, 0], [0, 0, 1, 1]], dtype=np.float32)
    found = places(("a", "b", "c"), np.stack([vectors, 2 * vectors, 4 * vectors]))
    assert plane.nearest(found, 2, 0) == (1, pytest.approx(0.9939, abs=1e-3))
    assert "they lie 4.0 times as far apart as untrained ones" in plane.said(MOMENTS, found, 2)
