"""The next token's bars: what they say, where the lines stand, what is struck, hostile pieces."""

import re
import xml.etree.ElementTree as xml

import numpy as np
import pytest

from engine.decoding.next_token import opened
from engine.decoding.sampling import Sampling
from pages.decoding.next_token import bars as view

WORDS = ["cat", " dog", "<b>", "\n", "&"]
SVG = "{http://www.w3.org/2000/svg}"


def logits() -> np.ndarray:
    return np.log(np.array([0.4, 0.3, 0.2, 0.06, 0.04], dtype=np.float32))


def spell(token_id: int) -> str:
    return WORDS[token_id]


def drawn(setting: Sampling, **options: int) -> str:
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
    assert "top-p stops here: 0.70" in words(svg)
    tree = xml.fromstring(svg)
    spots = {node.text: float(node.get("y", 0)) for node in tree.iter(f"{SVG}text")}
    assert spots["·dog"] < spots["top-p stops here: 0.70"] < spots["<b>"]


@pytest.mark.parametrize(
    ("setting", "line"),
    [
        (Sampling(top_k=2), "top-k stops here: 2 tokens"),
        (Sampling(min_p=0.5), "min-p stops here: under 20.0 %"),
        (Sampling(temperature=0), "greedy stops here: the likeliest alone"),
        (Sampling(top_k=3, top_p=0.5), "top-p stops here: 0.78"),
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
    assert "95.0 % after the settings · 95 tokens, all kept" in words(svg)


def test_pieces_of_a_model_are_escaped():
    svg = drawn(Sampling())
    assert "<b>" not in svg and "&lt;b&gt;" in svg
    xml.fromstring(svg)


def test_the_taken_token_is_marked():
    assert any("taken" in text and "30.0 %" in text for text in words(drawn(Sampling(), chosen=1)))


def test_the_formula_gives_the_bars_number():
    setting = Sampling(temperature=0.5, top_k=3)
    found = opened(logits(), setting, [])
    formula = view.formula(found, setting, 1)
    percent = float(re.findall(r"= ([\d.]+)\\,\\%", formula)[0])
    assert percent == pytest.approx(100 * float(found.after[1]), rel=1e-3)
    assert "cut by top-k" in view.formula(found, setting, 4)


def test_numbers_never_pretend_to_be_nothing_or_all():
    assert view.percent(0.0) == "0 %"
    assert view.percent(1e-12) == "under 0.000001 %"
    assert view.percent(0.99999) == "over 99.99 %"
    assert view.percent(0.5) == "50.0 %"


@pytest.mark.parametrize("setting", [Sampling(), Sampling(temperature=0), Sampling(typical=0.5)])
def test_the_sentence_is_short_and_has_this_pictures_numbers(setting: Sampling):
    sentence = view.sentence(opened(logits(), setting, []), setting, spell)
    assert len(sentence.split()) <= 60 and "40.0 %" in sentence
