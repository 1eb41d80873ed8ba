"""The moments of a training: found by name, asked the same, aligned; files that are wrong."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some

from engine.api import Line, local
from engine.errors import BrokenBundle, NotOffered, TextTooLong, UnknownModel
from engine.models import catalog, runtime
from engine.moments import places, spelling
from engine.moments.course import course
from engine.objectives.example import Exercise
from engine.values import Reading
from tests.engine.moments_made import STEPS, made_moments

TEXT = "Once upon a time there was a little girl"
GREEDY = Line.parse("greedy")


@pytest.fixture
def moments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = made_moments(tmp_path / "moments")
    monkeypatch.setattr(catalog, "MOMENTS", folder)
    return folder


def test_moments_are_found_by_name_and_stand_in_no_list(moments: Path) -> None:
    assert catalog.find("tales-mini-000040").ready and catalog.find("untrained").ready
    assert catalog.find("untrained").folder == moments / "tales-mini" / "000000"
    assert not any("mini" in one.name or one.name == "untrained" for one in catalog.entries())
    for name in ("tales-mini-000041", "tales-mini-40", "../tales-mini-000040", "x-000040"):
        with pytest.raises(UnknownModel):
            catalog.find(name)


def test_every_moment_continues_the_prompt_as_it_does_alone(moments: Path) -> None:
    engine = local()
    told = engine.training_course()
    assert told.steps == STEPS and [one.loss for one in told.moments] == [None, 6.25, 4.5]
    found = engine.moments_written(TEXT, GREEDY, length=6, seed=1)
    for one, written in zip(told.moments, found, strict=True):
        alone = engine.continued(one.model, TEXT, 6)
        assert alone.target is not None
        before = len(engine.tokens(Reading(one.model, TEXT)))
        assert written.text == "".join(engine.texts(one.model, alone.target[before:]))


def test_surprise_and_attention_are_each_moments_own(moments: Path) -> None:
    engine = local()
    surprise, grown = engine.moments_surprise(TEXT), engine.moments_attention(TEXT, 5, 0)
    for k, one in enumerate(engine.training_course().moments):
        own = engine.example_losses(Exercise(one.model, TEXT, "next token"))
        assert surprise.nats[k] == pytest.approx(own.nats, abs=1e-5)
        weights = engine.attention(Reading(one.model, TEXT), "decoder", 5).weights[0]
        assert np.array_equal(grown.weights[k], weights)
    assert not np.array_equal(grown.weights[0], grown.weights[1])


def test_asking_all_moments_leaves_none_of_them_in_memory(moments: Path) -> None:
    local().moments_attention("a cat sat on the mat", 0, 1)
    place = (moments / "tales-mini" / "000040").resolve()
    assert not any(one.folder == place for one in runtime.opened())


def test_words_that_are_not_one_token_are_left_out(moments: Path) -> None:
    engine, words = local(), ["king", "queen", "fox", "said", "forest"]
    found = engine.moments_places([*words, "unbelievablyrare"])
    assert found.words == tuple(words) and found.points.shape == (3, 5, 2)
    assert np.allclose(np.diagonal(found.cosines, axis1=1, axis2=2), 1, atol=1e-5)
    with pytest.raises(NotOffered, match="0 of 2 words are one token"):
        engine.moments_places(["unbelievablyrare", "nonsensicalword"])


def test_what_is_too_much_is_a_sentence(moments: Path) -> None:
    with pytest.raises(NotOffered, match="1 to 64 are written"):
        local().moments_written(TEXT, GREEDY, length=65, seed=1)
    with pytest.raises(TextTooLong, match="continue at most 96"):
        local().moments_written("cat " * 120, GREEDY, length=4, seed=1)
    with pytest.raises(TextTooLong, match="maps of at most 96"):
        local().moments_attention("cat " * 120, 0, 0)


def test_no_moments_at_all_is_a_sentence_that_says_what_to_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catalog, "MOMENTS", tmp_path)
    with pytest.raises(NotOffered, match="python -m engine.training.moments"):
        local().training_course()
    with pytest.raises(UnknownModel):
        catalog.find("untrained")


@pytest.mark.parametrize(
    "told",
    ["", "[]", "{}", '{"moments": [], "curve": []}', '{"moments": [{"step": "x"}], "curve": []}'],
)
def test_a_damaged_course_is_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, told: str
) -> None:
    (tmp_path / "tales-mini").mkdir()
    (tmp_path / "tales-mini" / "training.json").write_text(told)
    monkeypatch.setattr(catalog, "MOMENTS", tmp_path)
    with pytest.raises(BrokenBundle, match="To make it anew"):
        course()


def test_a_moment_without_its_folder_is_a_sentence(moments: Path) -> None:
    path = moments / "tales-mini" / "training.json"
    told = json.loads(path.read_text())
    told["moments"].append(told["moments"][-1] | {"step": 7000})
    path.write_text(json.dumps(told))
    with pytest.raises(UnknownModel, match="tales-mini-007000"):
        local().moments_surprise(TEXT)


# -------------------------------------------------------------------- places, spelling


@given(seed=some.integers(0, 2**32 - 1), angle=some.floats(0, 6.28), mirrored=some.booleans())
def test_a_cloud_that_was_only_turned_comes_to_lie_on_itself(
    seed: int, angle: float, mirrored: bool
) -> None:
    points = np.random.default_rng(seed).normal(size=(7, 2))
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    moved = points @ (turn @ np.diag([1, -1 if mirrored else 1]))
    assert np.allclose(moved @ places.rotation(moved, points), points, atol=1e-9)


def test_each_moment_is_turned_to_the_next_and_keeps_its_lengths() -> None:
    rng = np.random.default_rng(3)
    late = rng.normal(size=(8, 16))
    early = 0.1 * late @ np.linalg.qr(rng.normal(size=(16, 16)))[0]
    found = places.places(tuple("abcdefgh"), np.stack([early, late]).astype(np.float32))
    assert np.allclose(found.points[0], 0.1 * found.points[1], atol=1e-4)
    assert found.held[0] == pytest.approx(found.held[1], abs=1e-5)


def test_main_directions_that_change_their_order_do_not_turn_the_cloud() -> None:
    """What varied most comes second later: unaligned, every word would jump across the diagonal."""
    rng = np.random.default_rng(4)
    centred = rng.normal(size=(8, 2))
    ways = np.linalg.qr(centred - centred.mean(axis=0))[0]
    early, late = ways * [2.0, 3.0], ways * [3.0, 2.0]
    found = places.places(tuple("abcdefgh"), np.stack([early, late]))
    assert np.allclose(found.points[0], found.points[1] * [2 / 3, 3 / 2], atol=1e-5)


def test_words_are_known_by_the_list() -> None:
    known = spelling.words_of(["the", "fox", "ran", "##ing", "b", "a", "[SEP]", "don"])
    assert known == {"the", "fox", "ran", "a", "don"}
    assert spelling.spans("The fox’s foxing.", known) == [
        (0, 3, True),
        (4, 9, True),
        (10, 16, False),
    ]
    # What stands at the end may be half a word.
    assert spelling.share("the ran rathe", known) == 1.0
    assert spelling.share("…", known) == 0.0
