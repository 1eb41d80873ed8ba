"""Pictures and sentences of the Prompting page, from numbers that can be checked by eye."""

import re
import xml.etree.ElementTree as xml
from dataclasses import replace

import numpy as np
import pytest

from engine.decoding.continuation import Line
from engine.prompting.accuracy import Graded, Trial
from engine.prompting.answers import Scores
from engine.prompting.prompt import Example, Prompt
from engine.prompting.sources import Sources
from engine.prompting.tasks import ready_tasks
from engine.values import Tokens
from pages.pictures.svg import text_width
from pages.prompting.accuracy import picture as accuracy
from pages.prompting.answers import picture as answers
from pages.prompting.answers.section import spread
from pages.prompting.curve import Series, curve
from pages.prompting.plan import Plan, left_out, listing
from pages.prompting.sent import meter
from pages.prompting.sources import picture as sources

HOSTILE = "<img src=x>"
TASK = ready_tasks()[0]
PLAN = Plan(
    model="m",
    task=TASK,
    listed=TASK.prompt,
    prompt=TASK.prompt,
    answers=TASK.answers,
    right=TASK.right,
    stops=("\n",),
    length=8,
    line=Line(),
    seed=1,
    shuffle="none",
    fit=6,
    window=512,
)
SCORES = Scores(np.log(np.array([[0.1, 0.3], [0.6, 0.2]])), (1, 3))


def drawn(svg: str) -> xml.Element:
    return xml.fromstring(svg)


def words(svg: str) -> str:
    return " ".join(text for text in drawn(svg).itertext())


# Answers


def test_a_bar_reaches_as_far_as_its_probability() -> None:
    svg = answers.bars(SCORES, (0, 1), ("yes", HOSTILE), "yes")
    assert HOSTILE not in svg and "img" in words(svg)
    (group,) = (one for one in drawn(svg).iter() if one.get("data-id") == "a0n1")
    ground, pale, full = (float(one.get("width", "")) for one in group.iter() if "rect" in one.tag)
    assert full / ground == pytest.approx(0.6, abs=0.001)
    assert pale / ground == pytest.approx(0.75, abs=0.001)
    assert "75.0 %" in words(svg) and "raw 60.0 %" in words(svg) and "✓ yes" in words(svg)


def test_numbers_beside_a_bar_leave_each_other_room() -> None:
    """The longest of each side, 12 pixels high, are narrower than the bar above them."""
    shares = [m * 10.0**e for m in (1.2345, 9.8765) for e in range(-40, 0)]
    widths = [
        text_width(f"raw {answers.brief(raw)}", 12, mono=False)
        + text_width(answers.brief(share), 12, mono=False)
        for raw in shares
        for share in shares
    ]
    assert max(widths) < answers.BAR
    assert answers.brief(3e-12) == "3e-12" and answers.brief(0.0213) == "2.13 %"


@pytest.mark.parametrize(
    ("right", "said"),
    [
        ("yes", "with 1 example 60.0 % (75.0 %). It is the most probable of them with 1 example."),
        ("no", "It is the most probable of them with no example."),
        (None, "With 1 example “yes” is the most probable answer: 75.0 % of the admissible ones."),
    ],
)
def test_the_sentence_on_the_answers_follows_the_numbers(right: str | None, said: str) -> None:
    assert said in answers.said(SCORES, (0, 1), ("yes", "no"), right)


@pytest.mark.parametrize(
    ("shares", "said"),
    [
        ([0.1, 0.4, 0.5], "first has half the probability with 2 examples."),
        ([0.1, 0.4, 0.49], "never has half the probability."),
        ([0.6, 0.4, 0.5], "has half the probability with no example already."),
    ],
)
def test_where_half_the_probability_is_reached(shares: list[float], said: str) -> None:
    assert said in answers.half((0, 1, 2), shares, what="probability")


def test_how_far_other_orders_lie_apart_is_said_where_they_do_most() -> None:
    shares = np.array([[0.5, 0.2, 0.6], [0.5, 0.9, 0.7]])
    assert "with 1 example goes from 20 % to 90 %" in spread(shares, (0, 1, 2))


# The curve


def test_points_of_a_curve_stand_at_their_shares() -> None:
    svg = curve((0, 2), [Series("a", [0.0, 1.0])], up="u", title="t", said="s", axis=(0, 2, 4))
    spots = [
        (float(one.get("cx", "")), float(one.get("cy", "")))
        for one in drawn(svg).iter()
        if one.get("r") == "4.5"
    ]
    (x0, y0), (x2, y2) = spots
    ticks = {one.text: float(one.get("x", "")) for one in drawn(svg).iter() if "text" in one.tag}
    assert (ticks["0"], ticks["2"]) == pytest.approx((x0, x2)) and ticks["4"] > x2
    assert x2 - x0 == pytest.approx(ticks["4"] - x2) and y2 < y0


def test_an_interval_holds_its_point() -> None:
    line = Series("a", [0.5], [0.25], [0.75])
    svg = curve((0,), [line], up="u", title="t", said="s")
    (group,) = (one for one in drawn(svg).iter() if one.get("data-id") == "n0")
    ys = [float(one.get("y1", "")) for one in group.iter() if "line" in one.tag]
    (dot,) = (float(one.get("cy", "")) for one in group.iter() if one.get("r") == "4.5")
    assert min(ys) < dot < max(ys)
    assert dot - min(ys) == pytest.approx(max(ys) - dot)


# Accuracy

ITEMS = tuple(Example(f"q{n}", "yes" if n % 2 else "no") for n in range(4))
PROMPT = Prompt("", "Q", "A", (), "")
TRIAL = Trial("m", PROMPT, ("no", "yes"), ITEMS, (0, 3))
RIGHT = np.array([0, 1, 0, 1])
SHARE = np.full((2, 4), 0.5)


def graded(*rows: list[int]) -> Graded:
    return Graded((0, 3), RIGHT, np.array(rows), SHARE)


def test_accuracy_is_said_with_its_interval_as_far_as_it_has_come() -> None:
    none = graded([-1] * 4, [-1] * 4)
    assert "4 held-out items" in accuracy.said(none, 2, live=False)
    assert "are 8 questions" in accuracy.said(none, 2, live=False)
    part = graded([0, 0, 0, 0], [0, 1, -1, -1])
    assert "more come" in accuracy.said(part, 2, live=True)
    assert "the rest was not asked" in accuracy.said(part, 2, live=False)
    whole = graded([1, 0, 1, 0], [0, 1, 0, 1])
    said = accuracy.said(whole, 2, live=False)
    # Wilson: 0 of 4 is 0 to 49 %, 4 of 4 is 51 to 100 %.
    assert said.startswith("With no example 0 of 4 are right (0 to 49 %)")
    assert "with 3 examples 4 of 4 are right (51 to 100 %)" in said
    assert "do not overlap" in said
    assert "The two intervals overlap" in accuracy.said(
        graded([1, 0, 0, 0], [0, 1, 0, 0]), 2, live=False
    )


def test_the_table_of_accuracy_has_a_row_for_every_answer_given() -> None:
    table = accuracy.table(TRIAL, graded([0, 0, 0, 0], [0, 1, -1, -1]))
    assert len(table["question"]) == 6
    assert table["correct"] == [True, False, True, False, True, True]
    svg = accuracy.drawing(graded([0, 0, 0, 0], [0, 1, -1, -1]), 2, "said")
    assert "2 of 4 right: 50 %" in svg and "2 of 2 right: 100 %" in svg


# Attention


def found(weights: list[float], same: tuple[bool, ...] = (True, False)) -> Sources:
    text = "ab cd ef"
    tokens = Tokens(
        text=text,
        ids=np.array([1, 2, 3]),
        pieces=("ab", HOSTILE, "ef"),
        spans=np.array([[0, 2], [2, 5], [5, 8]]),
        special=np.zeros(3, bool),
        unknown=np.zeros(3, bool),
        segments=np.zeros(3, int),
        data=(b"ab", b" cd", b" ef"),
        left_out=np.zeros(len(text), np.uint8),
    )
    every = np.array([[weights, [0.2, 0.2, 0.6]]])
    return Sources(tokens, every, ((0,), (1,)), ((0,), (1,)), 1, 0.5, same)


def test_the_head_that_copies_gives_most_to_answers_that_begin_alike() -> None:
    one = found([0.5, 0.25, 0.25])
    assert one.copying == (0, 0) and one.uniform == pytest.approx(2 / 3)
    said = sources.said(one, 0, 0, " ab")
    assert "“·ab” (50.0 %)" in said
    assert "Head 1.1 gives 75.0 % of its attention to the answers of the examples" in said
    assert "50.0 % to those that begin alike, 25.0 % to others" in said
    assert "No head gives more to answers that begin alike" in said
    other = sources.said(one, 0, 1, " ab")
    assert "Head 1.2 gives 40.0 %" in other and "No head gives more" not in other
    none = replace(one, examples=(), answers=(), same=())
    assert "no example that it could attend to" in sources.said(none, 0, 0, "x")


def test_the_text_is_tinted_by_the_weights_and_answers_are_underlined() -> None:
    svg = sources.text(found([0.7, 0.1, 0.2]), 0, 0, "said")
    strengths = [
        float(one.get("fill-opacity", "")) for one in drawn(svg).iter() if one.get("fill-opacity")
    ]
    assert strengths == pytest.approx([0.56, 0.06 + 0.5 / 7, 0.06 + 1 / 7], abs=0.006)
    assert svg.count('height="2.5"') == 2
    assert HOSTILE not in sources.heads(found([0.7, 0.1, 0.2]), 0, 0, "s") + svg
    assert len(sources.heads_table(found([0.7, 0.1, 0.2]))["to_same"]) == 2


# The window


def test_the_meter_is_divided_as_the_tokens_are() -> None:
    svg = meter([("instruction", 10, "red"), ("question", 30, "blue")], 80)
    boxes = [one for one in drawn(svg).iter() if one.get("fill") in ("red", "blue")]
    assert [float(one.get("width", "")) for one in boxes] == pytest.approx([70, 210])
    assert "80 positions" in words(svg) and "40 of 80 positions are used" in words(svg)
    # Where more is asked for than there is, the bar ends where that does.
    assert "40 of 40 positions" in words(meter([("question", 40, "blue")], 30))


def test_which_examples_are_left_out_is_said() -> None:
    assert left_out(PLAN) == []
    short = replace(PLAN, fit=4)
    assert left_out(short) == [
        "Examples 5 to 6 do not fit into the 512 positions and are left out."
    ]
    assert left_out(replace(PLAN, fit=5))[0].startswith("Example 6 does not fit")
    gap = (Example("a", ""), *TASK.examples)
    said = left_out(replace(PLAN, prompt=replace(TASK.prompt, examples=gap), fit=4))
    assert said[0] == "Example 1 has no question or no answer and is left out."
    assert said[1].startswith("Examples 6 to 7 do not fit")
    assert re.fullmatch(r"1, 2 and 5", listing(["1", "2", "5"]))
