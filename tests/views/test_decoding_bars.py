"""The next token's bars: what they say, where the lines stand, what is struck, hostile pieces."""

import re
import xml.etree.ElementTree as xml
from typing import Any

import numpy as np
import pytest

from engine.decoding.next_token import opened
from engine.decoding.sampling import Sampling, parse
from pages.decoding import words as shared
from pages.decoding.next_token import bars as view
from pages.decoding.next_token import words as say

WORDS = ["cat", " dog", "<b>", "\n", "&"]
SVG = "{http://www.w3.org/2000/svg}"


def logits() -> np.ndarray:
    return np.log(np.array([0.4, 0.3, 0.2, 0.06, 0.04], dtype=np.float32))


def spell(token_id: int) -> str:
    return WORDS[token_id]


def drawn(setting: Sampling, **options: Any) -> str:
    return view.bars(opened(logits(), setting, []), setting, spell, **options)


def words(svg: str) -> list[str]:
    return [node.text or "" for node in xml.fromstring(svg).iter(f"{SVG}text")]


def test_each_candidate_has_its_two_probabilities():
    texts = words(drawn(Sampling(top_p=0.6)))
    assert "40.0 %" in texts and "57.1 %" in texts  # 0.4 / 0.7
    assert "30.0 %" in texts and "42.9 %" in texts
    assert "20.0 %" in texts  # cut, yet in sight


def test_the_cut_line_says_where_the_filter_stops_and_stands_under_the_last_kept():
    svg = drawn(Sampling(top_p=0.6))
    assert "top-p cutoff: 0.70" in words(svg)
    tree = xml.fromstring(svg)
    spots = {node.text: float(node.get("y", 0)) for node in tree.iter(f"{SVG}text")}
    assert spots["·dog"] < spots["top-p cutoff: 0.70"] < spots["<b>"]


@pytest.mark.parametrize(
    ("setting", "line"),
    [
        (Sampling(top_k=2), "top-k cutoff: 2 tokens"),
        (Sampling(min_p=0.5), "min-p cutoff: below 20.0 %"),
        (Sampling(temperature=0), "greedy: only the likeliest token is kept"),
        (Sampling(top_k=3, top_p=0.5), "top-p cutoff: 0.78"),
    ],
)
def test_every_filter_names_its_stop(setting: Sampling, line: str):
    assert line in words(drawn(setting))


def test_only_cut_tokens_are_struck():
    tree = xml.fromstring(drawn(Sampling(top_k=2)))
    struck = {
        group.get("data-id")
        for group in tree.iter(f"{SVG}g")
        if group.get("data-id") and any(True for _ in group.iter(f"{SVG}line"))
    }
    assert struck == {"n2", "n3", "n4"}


def test_what_is_not_listed_is_summed_up():
    many = np.zeros(100, dtype=np.float32)
    found = opened(many, Sampling(), [], rows=5)
    svg = view.bars(found, Sampling(), str)
    assert "other: 95.0 %" in words(svg)
    assert "95.0 % after filters · 95 tokens, all kept" in words(svg)


def test_pieces_of_a_model_are_escaped():
    svg = drawn(Sampling())
    assert "<b>" not in svg and "&lt;b&gt;" in svg
    xml.fromstring(svg)


@pytest.mark.parametrize("how", ["sampled", "selected"])
def test_the_token_of_the_text_is_marked_with_how_it_was_chosen(how: str):
    svg = view.bars(opened(logits(), Sampling(), []), Sampling(), spell, chosen=1, how=how)
    assert any(how in text and "30.0 %" in text for text in words(svg)) and how in words(svg)


def test_greedy_has_no_temperature_in_its_formula():
    setting = Sampling(temperature=0)
    found = opened(logits(), setting, [])
    best, second = say.formula(found, setting, 0), say.formula(found, setting, 1)
    assert r"\max_j z_j = z = -0.916" in best and "selected" in best
    assert r"z = -1.204 \le \max_j z_j = -0.916" in second and "not selected" in second
    told = say.explanation(found, setting, 0, "cat")
    assert told.startswith("“cat” has logit −0.916.") and "largest logit" in told
    assert not re.search("[eT]\\^|/T|softmax|\\$", best + second + told)


def test_greedy_after_a_penalty_says_both_logits():
    setting = Sampling(temperature=0, frequency=1.0)
    found = opened(logits(), setting, [0], start=0)
    row = found.ids.tolist().index(0)
    assert "logit −0.916, −1.916 after penalties." in say.explanation(found, setting, row, "cat")
    assert r"z = -1.916 \le \max_j z_j = -1.204" in say.formula(found, setting, row)


def test_temperature_one_has_no_temperature_in_its_formula():
    found = opened(logits(), Sampling(), [])
    assert "T" not in say.formula(found, Sampling(), 0)
    assert "temperature" not in say.explanation(found, Sampling(), 0, "cat")
    warm = Sampling(temperature=2)
    assert "/T" in say.formula(opened(logits(), warm, []), warm, 0)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("temperature 0.7", ""),
        ("temperature 0.7, top-p 0.9", "temperature → top-p → sampling."),
        ("temperature 0.7, top-p 0.9, temperature last", "top-p → temperature → sampling."),
        ("greedy, no-repeat 3, repetition penalty 1.2",
         "repetition penalty → no-repeat → the likeliest token."),
    ],
)  # fmt: skip
def test_the_order_of_filters_is_said_as_they_apply(text: str, words: str):
    said = say.order(parse(text))
    assert said == (f"Applied in this order: {words}" if words else "")


def test_the_formula_gives_the_bars_number():
    setting = Sampling(temperature=0.5, top_k=3)
    found = opened(logits(), setting, [])
    formula = say.formula(found, setting, 1)
    percent = float(re.findall(r"= ([\d.]+)\\,\\%", formula)[0])
    assert percent == pytest.approx(100 * float(found.after[1]), rel=5e-3)
    power, total = map(float, re.findall(r"frac{([\d.]+)}{([\d.]+)}", formula)[0])
    assert 100 * power / total == pytest.approx(percent, rel=5e-3)  # as shown
    shown = re.findall(r"frac{(-?[\d.]+) - \((-?[\d.]+)\)}{0.5}", formula)[0]
    assert np.exp((float(shown[0]) - float(shown[1])) / 0.5) == pytest.approx(power, rel=5e-3)
    assert "removed by top-k" in say.formula(found, setting, 4)


def test_numbers_never_pretend_to_be_nothing_or_all():
    assert shared.percent(0.0) == "0 %"
    assert shared.percent(1e-12) == "below 0.000001 %"
    assert shared.percent(0.99999) == "above 99.99 %"
    assert shared.percent(0.5) == "50.0 %"


@pytest.mark.parametrize("setting", [Sampling(), Sampling(temperature=0), Sampling(typical=0.5)])
def test_the_sentence_is_short_and_has_this_pictures_numbers(setting: Sampling):
    sentence = say.sentence(opened(logits(), setting, []), setting, spell)
    assert len(sentence.split()) <= 60 and "40.0 %" in sentence
