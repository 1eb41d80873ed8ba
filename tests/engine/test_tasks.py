"""Models that are told what to do, end to end: T5's tasks, M2M-100's and mBART's languages."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from engine.decoding.beams import Search
from engine.decoding.translation import Translation, traced, translate
from engine.errors import NotOffered
from engine.models.runtime import Bundle, open_bundle
from engine.tokenizers.tokens import tokenize
from engine.values import Reading
from tests.engine.checkpoints import Bundles
from tests.engine.tasks import MARKS, NAMES, TASKS, told

pytest.importorskip("torch")
TEXT = "The cat sat on the mat."


@pytest.fixture(params=NAMES)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def model_of(bundles: Bundles, name: str) -> Any:
    from transformers import AutoModelForSeq2SeqLM

    return AutoModelForSeq2SeqLM.from_pretrained(told(bundles, name)[1]).eval()


def written_by(model: Any, bundle: Bundle, ids: list[int], width: int, **options: Any) -> list[int]:
    """What `generate` writes after the start token, our settings written out."""
    import torch

    rules = bundle.card.generation
    found = model.generate(
        torch.tensor([ids]),
        attention_mask=torch.ones(1, len(ids), dtype=torch.long),
        num_beams=width,
        do_sample=False,
        early_stopping=False if width > 1 else None,
        length_penalty=1.0 if width > 1 else None,
        max_new_tokens=12,
        bad_words_ids=[[i] for i in rules.banned] or None,
        **options,
    )
    return found[0, 1:].tolist()


def shortened(bundle: Bundle, ids: list[int]) -> list[int]:
    """Ids up to the end token."""
    ends = [place for place, i in enumerate(ids) if i in bundle.card.generation.ends]
    return ids[: ends[0] + 1] if ends else ids


def ours(found: Translation) -> list[int]:
    return list(found.written())


@pytest.mark.timeout(600)
@pytest.mark.parametrize("width", [1, 4])
def test_a_task_prefix_is_read_and_obeyed_as_in_transformers(bundles: Bundles, width: int) -> None:
    bundle = open_bundle(told(bundles, "t5-tasks")[0])
    assert bundle.card.generation.prefixes == tuple(task["prefix"] for task in TASKS.values())
    model = model_of(bundles, "t5-tasks")
    texts = []
    for prefix in (*bundle.card.generation.prefixes, ""):
        found = translate(bundle, Reading("t5", prefix + TEXT), Search(width, limit=12))
        ids = tokenize(bundle, prefix + TEXT).ids.tolist()
        assert found.source.ids.tolist() == ids
        assert ours(found) == shortened(bundle, written_by(model, bundle, ids, width))
        texts.append(found.found.tree.log[0])
    assert len({round(float(log), 5) for log in texts}) == 3  # the prefix changes what is said


@pytest.mark.timeout(600)
@pytest.mark.parametrize("width", [1, 4])
@pytest.mark.parametrize("name", sorted(MARKS))
def test_a_language_is_written_as_in_transformers(bundles: Bundles, name: str, width: int) -> None:
    bundle, model = open_bundle(told(bundles, name)[0]), model_of(bundles, name)
    marks = MARKS[name][1]
    codes = bundle.card.generation.languages
    assert sorted(codes) == sorted(marks)
    for mark in marks:
        found = translate(bundle, Reading(name, TEXT), Search(width, limit=12), language=mark)
        ids = found.source.ids.tolist()
        expected = written_by(model, bundle, ids, width, forced_bos_token_id=codes[mark])
        assert ours(found) == shortened(bundle, expected)
        assert (found.written()[0], found.language) == (codes[mark], mark)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", sorted(MARKS))
def test_a_prefix_comes_behind_the_language_as_in_transformers(bundles: Bundles, name: str) -> None:
    import torch

    bundle, model = open_bundle(told(bundles, name)[0]), model_of(bundles, name)
    mark, prefix = MARKS[name][1][2], (30, 41)
    start, code = bundle.card.generation.start, bundle.card.generation.languages[mark]
    found = translate(bundle, Reading(name, TEXT), Search(1, limit=8), prefix=prefix, language=mark)
    assert found.prompt == (start, code, *prefix)
    ids = torch.tensor([found.source.ids.tolist()])
    expected = model.generate(
        ids,
        attention_mask=torch.ones_like(ids),
        decoder_input_ids=torch.tensor([list(found.prompt)]),
        num_beams=1,
        do_sample=False,
        max_new_tokens=8,
        bad_words_ids=[[i] for i in bundle.card.generation.banned] or None,
    )[0, 1:].tolist()
    assert ours(found) == shortened(bundle, expected)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", sorted(MARKS))
def test_the_language_of_the_text_is_marked_and_changes_what_is_read(
    bundles: Bundles, name: str
) -> None:
    bundle, marks = open_bundle(told(bundles, name)[0]), MARKS[name][1]
    codes = bundle.card.generation.languages
    plain = translate(bundle, Reading(name, TEXT), Search(1, limit=6), language=marks[2])
    french = Reading(name, TEXT, language=marks[2])
    marked = translate(bundle, french, Search(1, limit=6), language=marks[2])
    assert plain.source.ids[0] == codes[marks[1]] and marked.source.ids[0] == codes[marks[2]]
    assert marked.source.pieces[0] == marks[2]
    assert (marked.source.ids[1:] == plain.source.ids[1:]).all()
    trace = traced(bundle, marked)
    assert trace.source[0] == marks[2]
    assert not np.allclose(trace.encoder.states[-1], traced(bundle, plain).encoder.states[-1])


def test_a_language_that_a_model_does_not_know_is_a_sentence(bundles: Bundles) -> None:
    bundle = open_bundle(told(bundles, "m2m-languages")[0])
    for reading, language in (
        (Reading("m", TEXT), "tlh"),
        (Reading("m", TEXT, language="x"), None),
    ):
        with pytest.raises(NotOffered, match="Languages: __de__, __en__, __fr__"):
            translate(bundle, reading, Search(), language=language)
