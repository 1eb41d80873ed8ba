"""Pictures of cutting: every step of every algorithm can be drawn and told."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.tokenizers.tokenization_steps import Cutter
from pages.tokenization.steps import lattice
from pages.tokenization.steps import picture as cutting
from tests.engine.test_cutting import tokenizer_named

KINDS = {"byte bpe": "bytes", "wordpiece": "wordpiece", "unigram": "spaces"}


@pytest.mark.parametrize("name", KINDS)
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(text=st.text(max_size=12))
def test_every_step_of_any_word_is_drawn_and_told(name: str, text: str) -> None:
    read = cutting.readable(KINDS[name])
    for _, walk in Cutter(tokenizer_named(name)).cut(text):
        if walk is None:
            continue
        for step in range(cutting.steps(walk) + 1):
            ElementTree.fromstring(cutting.picture(walk, step, read))
            told = cutting.sentence(walk, step, read)
            assert told.endswith(".") and len(told.split()) <= 60


def test_merges_are_told_with_their_number_and_their_rivals() -> None:
    cutter = Cutter(tokenizer_named("byte bpe"))
    walk, read = cutter.walk("Ġthere"), cutting.readable("bytes")
    assert cutting.sentence(walk, 0, read).startswith("BPE starts from 6 smallest parts")
    first = walk.steps[0]  # type: ignore[union-attr]
    told = cutting.sentence(walk, 1, read)
    assert f"merge no. {first.rank + 1:,}" in told
    assert f"of the {first.choices} pairs" in told
    assert cutting.sentence(walk, cutting.steps(walk), read).endswith(("left.", "remain."))


def test_bytes_become_a_character_when_it_is_complete() -> None:
    read = cutting.readable("bytes")
    assert read("Ġcat") == "·cat"
    assert read("Ã©") == "é"
    assert read("Ã") == "C3"
    assert cutting.readable("spaces")("▁le") == "·le"


def test_a_candidate_that_fails_is_struck_out_and_the_one_taken_is_named() -> None:
    walk = Cutter(tokenizer_named("wordpiece")).walk("catz")
    picture = cutting.picture(walk, cutting.steps(walk), cutting.readable("wordpiece"))
    assert "not in the vocabulary" in picture
    unknown = Cutter(tokenizer_named("wordpiece")).walk("ca\u0e01")
    told = cutting.sentence(unknown, cutting.steps(unknown), cutting.readable("wordpiece"))
    assert "unknown word [UNK]" in told


def test_the_path_of_the_lattice_adds_up_in_words() -> None:
    walk = Cutter(tokenizer_named("unigram")).walk("▁the")
    last = cutting.steps(walk)
    told = cutting.sentence(walk, last, cutting.readable("spaces"))
    assert lattice._score(walk.best[last]) in told  # type: ignore[union-attr]
    assert f"has {len(walk.path)} token" in told  # type: ignore[union-attr]
