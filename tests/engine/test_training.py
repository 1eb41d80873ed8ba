"""The split keeps what is measured out of training; recipes run from corpus to checkpoint."""

from __future__ import annotations

import itertools
import json
import random
import re
from dataclasses import replace

import numpy as np
import pytest
import torch
from transformers import AutoModelForCausalLM, AutoModelForMaskedLM, AutoModelForSeq2SeqLM

from engine.training import (
    corpora,
    fr_en,
    lessons,
    recipes,
    tales_bert,
    tales_gpt,
    tales_mini,
    tales_rnn,
    tokenizers,
)
from engine.training.corpora import Pair
from engine.training.fit import attention
from engine.training.fit.loop import Course, Limits, Schedule, rate, train
from engine.training.fit.packing import STEP, by_length, gathered, padded
from engine.training.fit.recurrent import Recurrent, RecurrentConfig
from engine.training.measures import everyday

TINY = {
    "tales-gpt": tales_gpt.Settings(
        vocabulary=400, width=32, layers=2, heads=2, positions=64, batch_tokens=256
    ),
    "fr-en": fr_en.Settings(
        vocabulary=400, width=32, inner=64, layers=1, heads=2, positions=64, batch_tokens=256
    ),
    "tales-bert": tales_bert.Settings(
        vocabulary=400, width=32, layers=1, heads=2, positions=64, batch_tokens=256
    ),
    "tales-rnn": tales_rnn.Settings(width=32, hidden=48, positions=64, batch_tokens=256),
    "tales-mini": tales_mini.Settings(
        vocabulary=400, width=32, layers=2, heads=2, positions=64, batch_tokens=256
    ),
}
LOADERS = {
    "tales-gpt": AutoModelForCausalLM,
    "fr-en": AutoModelForSeq2SeqLM,
    "tales-bert": AutoModelForMaskedLM,
    "tales-rnn": Recurrent,
    "tales-mini": AutoModelForCausalLM,
}


def test_split_is_the_same_every_time_and_holds_out_the_share():
    documents = [f"Tale number {k}." for k in range(20_000)]
    first, second = corpora.split_documents(documents), corpora.split_documents(documents)
    assert first == second
    # 400 expected, standard deviation 20: five of them are a false alarm in 2 million.
    assert abs(len(first.held_out) - 400) < 100
    assert sorted(first.train + first.held_out) == sorted(documents)


def test_split_does_not_depend_on_the_other_items():
    documents = [f"Tale number {k}." for k in range(2_000)]
    whole, half = corpora.split_documents(documents), corpora.split_documents(documents[::2])
    assert set(half.held_out) <= set(whole.held_out)
    assert set(half.train) <= set(whole.train)


def test_no_held_out_sentence_of_either_language_is_trained_on(corpus):
    folder, fraction = corpus
    split = corpora.pairs(folder, fraction=fraction, never=everyday.both_sides())
    assert split.held_out and split.train
    for side in ("french", "english"):
        held_out = {corpora.plain(getattr(pair, side)) for pair in split.held_out}
        assert not held_out & {corpora.plain(getattr(pair, side)) for pair in split.train}


def test_a_training_pair_with_a_held_out_french_side_is_dropped():
    held = next(f"Word {k}." for k in range(10_000) if corpora.held_out_english(f"Word {k}."))
    kept = next(f"Word {k}." for k in range(10_000) if not corpora.held_out_english(f"Word {k}."))
    split = corpora.split_pairs([Pair("Mot !", held), Pair("mot", kept), Pair("Autre.", kept)])
    assert split.held_out == [Pair("Mot !", held)]
    assert split.train == [Pair("Autre.", kept)]


def test_case_and_punctuation_do_not_move_a_sentence_over_the_split():
    for number in range(500):
        plain, shouted = f"Go home {number}", f'"GO  home, {number}!"'
        assert corpora.held_out_english(plain) == corpora.held_out_english(shouted)


def test_everyday_sentences_are_in_no_part(corpus):
    never = everyday.both_sides()
    french, english = everyday.SENTENCES[0]
    pairs = [Pair(french, "Something else."), Pair("Autre chose.", english.upper())]
    assert corpora.split_pairs(pairs, never=never) == corpora.Split([], [])
    assert len(everyday.SENTENCES) == 30 == len({french for french, _ in everyday.SENTENCES})


def test_held_out_documents_and_sentences_are_not_read_by_tales_bert(corpus):
    folder, fraction = corpus
    texts = set(tales_bert.training_texts(folder, fraction=fraction))
    pairs = corpora.pairs(folder, fraction=fraction, never=everyday.both_sides())
    assert not texts & {pair.english for pair in pairs.held_out}
    trained = corpora.prose(folder, fraction=fraction).train
    assert texts & {part for document in trained for part in document.split("\n\n")}


@pytest.mark.parametrize("name", [*recipes.NAMES, *recipes.BESIDE])
def test_recipe_runs_from_corpus_to_checkpoint_and_resumes(name, corpus, tmp_path):
    folder, fraction = corpus
    recipe, settings = recipes.find(name), TINY[name]
    task = recipe.prepare(folder, tmp_path, settings, fraction=fraction)
    first = train(task, tmp_path, Limits(minutes=1, steps=12))
    assert first.step == 12 and first.tokens > 1000
    again = recipe.prepare(folder, tmp_path, settings, fraction=fraction)
    last = train(again, tmp_path, Limits(minutes=1, steps=30), resume=True)
    assert last.step == 30 and last.tokens > first.tokens
    # Thirty steps on so small a text must beat a fresh model's guess among all pieces.
    assert last.loss < np.log(max(400, len(again.tokenizer))) - 0.1
    assert len(last.losses) == 30 and last.losses[:12] == first.losses
    model = LOADERS[name].from_pretrained(tmp_path / "checkpoint")
    for key, value in model.state_dict().items():
        torch.testing.assert_close(value, again.model.state_dict()[key])


def test_a_resumed_training_ends_where_one_without_a_stop_does(corpus, tmp_path):
    folder, fraction = corpus
    losses = []
    for stops in ((8,), (5, 8)):
        place = tmp_path / str(len(stops))
        for number, steps in enumerate(stops):
            task = tales_gpt.prepare(folder, place, TINY["tales-gpt"], fraction=fraction)
            # A constant rate: the course of a training depends on its length.
            task = replace(task, schedule=Schedule(matrices=1e-3, rest=1e-3, warm=0, fall=1e-9))
            course = train(task, place, Limits(minutes=1, steps=steps), resume=number > 0)
        losses.append(course.loss)
    assert losses[0] == pytest.approx(losses[1], rel=3e-5)


def test_moments_of_a_training_are_kept_where_they_came_and_after_a_stop_too(corpus, tmp_path):
    folder, fraction = corpus
    limits = Limits(minutes=1, steps=40)
    moments = (0.0, 1 / 40, 0.25, 0.5, 1.0)

    def task():
        made = tales_mini.prepare(folder, tmp_path, TINY["tales-mini"], fraction=fraction)
        return replace(made, moments=moments)

    fresh = {key: value.clone() for key, value in task().model.state_dict().items()}
    train(task(), tmp_path, limits)
    kept = tmp_path / "moments"
    names = ["000000", "000001", "000010", "000020", "000040"]
    assert sorted(place.name for place in kept.iterdir()) == names
    first, last = (AutoModelForCausalLM.from_pretrained(kept / names[one]) for one in (0, -1))
    for key, value in first.state_dict().items():
        torch.testing.assert_close(value, fresh[key])
    done = AutoModelForCausalLM.from_pretrained(tmp_path / "checkpoint").state_dict()
    for key, value in last.state_dict().items():
        torch.testing.assert_close(value, done[key])
    course = json.loads((kept / "000020" / "course.json").read_text())
    assert course["step"] == 20 == len(course["losses"])
    # A stop between two moments: what came after the last checkpoint is forgotten and made anew.
    train(task(), tmp_path, replace(limits, steps=8))
    assert not (kept / "000040").exists()
    (kept / "000030").mkdir()
    (kept / "000010.new").mkdir()
    train(task(), tmp_path, limits, resume=True)
    assert {"000000", "000010", "000020", "000040"} <= {place.name for place in kept.iterdir()}
    assert not (kept / "000030").exists() and not (kept / "000010.new").exists()


def test_the_moments_of_the_recipe_begin_before_the_first_step_and_end_after_the_last():
    assert tales_mini.MOMENTS[0] == 0 and tales_mini.MOMENTS[-1] == 1
    assert list(tales_mini.MOMENTS) == sorted(set(tales_mini.MOMENTS))
    assert 8 <= len(tales_mini.MOMENTS) <= 10


def test_the_small_models_are_as_small_as_they_must_be():
    tokenizer = tokenizers.shipped("tales-gpt")
    settings = tales_rnn.Settings()
    config = RecurrentConfig(len(tokenizer), settings.width, settings.hidden)
    size = sum(one.numel() for one in Recurrent(config).parameters())
    assert 1e6 <= size <= 3e6
    assert len(tokenizer) == 6144 and tokenizer.eos_token_id == 0
    # tales-mini has fewer tokens than this tokenizer, so it is smaller still.
    model = tales_gpt.build(tales_mini.Settings().model(), tokenizer)
    assert sum(one.numel() for one in model.parameters()) <= 1.5e6


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("padding", [False, True])
def test_plain_products_equal_the_fused_attention(causal, padding):
    torch.manual_seed(0)
    query, key, value = (torch.randn(2, 3, 7, 4) for _ in range(3))
    mask = torch.ones(2, 7)
    if padding:
        mask[1, 5:] = 0
    module = torch.nn.Module()
    module.is_causal = causal
    bias = attention.padding(attention_mask=mask)
    ours, _ = attention.products(module, query, key, value, bias, scaling=0.5)
    allowed = mask[:, None, None, :].bool().expand(2, 1, 7, 7)
    if causal:
        allowed = allowed & torch.ones(7, 7, dtype=torch.bool).tril()
    theirs = torch.nn.functional.scaled_dot_product_attention(
        query, key, value, attn_mask=allowed, scale=0.5
    )
    torch.testing.assert_close(ours, theirs.transpose(1, 2))


def test_whole_words_are_masked_together_and_special_tokens_never():
    inside = np.array([False] * 6 + [True] * 4)
    ids = tales_bert.Ids(pad=0, start=1, end=2, mask=3, stop=4, inside=inside)
    row = [1, 5, 6, 7, 5, 4, 8, 2, 0]
    tokens = np.array([row] * 2000)
    chosen = tales_bert.whole_words(tokens, ids, share=0.3, rng=np.random.default_rng(0))
    assert not chosen[:, [0, 7, 8]].any()
    assert (chosen[:, 1] == chosen[:, 2]).all() and (chosen[:, 2] == chosen[:, 3]).all()
    assert (chosen[:, 5] == chosen[:, 6]).all()
    # Share of 2,000 draws at 0.3: standard deviation 0.01.
    assert abs(chosen[:, 1].mean() - 0.3) < 0.05 and abs(chosen[:, 4].mean() - 0.3) < 0.05


def test_a_joined_row_is_cut_after_a_full_stop():
    ids = tales_bert.Ids(pad=0, start=1, end=2, mask=3, stop=4, inside=np.zeros(10, dtype=bool))
    row = np.array([5, 6, 4, 7, 8, 9])
    rng = np.random.default_rng(0)
    assert tales_bert.frame(row, ids, rng=rng, join=True) == (
        [1, 5, 6, 4, 2, 7, 8, 9, 2],
        [0, 0, 0, 0, 0, 1, 1, 1, 1],
    )
    assert tales_bert.frame(row, ids, rng=rng, join=False)[1] == [0] * 8


def test_every_row_comes_in_each_epoch_in_groups_of_few_shapes():
    lengths = np.random.default_rng(3).integers(1, 90, 2000)
    groups = by_length(lengths, tokens=512, rng=np.random.default_rng(4))
    seen: set[int] = set()
    shapes, drawn = set(), 0
    while len(seen) < 2000:
        group, length = next(groups)
        assert length >= lengths[group].max() and len(group) * length <= 512
        shapes.add((len(group), length))
        seen |= set(group.tolist())
        drawn += len(group)
    assert len(shapes) == 9  # 8, 16, .. 64, then 89: no row is longer
    assert drawn < 2000 + sum(rows for rows, _ in shapes)


def test_padded_fills_to_the_length():
    assert padded([[5], [6, 7]], 0, length=3).tolist() == [[5, 0, 0], [6, 7, 0]]


def test_gathered_places_hold_all_that_is_wanted_and_come_in_steps():
    wanted = np.random.default_rng(5).random((40, 16)) < 0.3
    places = gathered(wanted)
    assert len(places) % STEP == 0 and len(places) < wanted.sum() + STEP
    assert set(places[: wanted.sum()]) == set(np.flatnonzero(wanted))
    assert len(set(places)) == len(places)


def test_windows_hold_each_token_and_its_follower_and_lessons_lie_among_them():
    prose, taught = np.arange(5000, dtype=np.int32), np.arange(10_000, 15_000, dtype=np.int32)
    settings = tales_gpt.Settings(positions=64, batch_tokens=256)
    found = tales_gpt.batches(prose, taught, settings)
    shapes = set()
    for _ in range(8):
        batch = next(found)
        assert (batch["targets"] == batch["inputs"] + 1).all()
        assert (batch["inputs"] >= 10_000).float().mean() == settings.lessons <= 1 / 3
        shapes.add(tuple(batch["inputs"].shape))
    assert shapes == {(4, 64), (8, 32)}


def test_lessons_for_training_hold_no_word_and_no_pattern_that_is_measured():
    for held_out in (False, True):
        source = lessons.Source(random.Random(1), held_out=held_out)
        drawn = [source.word(kind) for kind in lessons.data()["words"] for _ in range(400)]
        drawn += [source.french()[0] for _ in range(400)]
        assert {word in lessons.held_out() for word in drawn} == {held_out}
    text = "\n".join(itertools.islice(lessons.texts(0), 3000))
    for task in lessons.TASKS:
        assert not any(item.solved() in text for item in lessons.prompts(task, 0, count=60))
    assert not re.search(r"wrote to|We all found|has put the", text)  # patterns held out


@pytest.mark.parametrize("task", sorted(lessons.TASKS))
def test_prompts_ask_the_same_with_more_examples_and_use_held_out_words(task):
    asked = [lessons.prompts(task, k, count=20) for k in (0, 1, 3)]
    assert len({len(items) for items in asked}) == 1
    for none, one, three in zip(*asked, strict=True):
        assert none.answer == one.answer == three.answer
        assert one.asked.endswith(none.asked) and three.asked.endswith(one.asked)
        assert [item.asked.count("\n\n") for item in (none, one, three)] == [0, 1, 3]
    assert asked == [lessons.prompts(task, k, count=20) for k in (0, 1, 3)]


def test_rate_warms_up_stays_and_ends_at_zero():
    schedule = Schedule(matrices=1.0, rest=1.0, warm=0.1, fall=0.5)
    shares = [rate(p, schedule) for p in (0.0, 0.05, 0.1, 0.5, 0.75, 1.0)]
    assert shares == pytest.approx([0.01, 0.5, 1.0, 1.0, 0.5, 0.0])


def test_progress_follows_time_or_steps():
    course = Course(step=5, seconds=30.0)
    assert course.progress(Limits(minutes=1)) == pytest.approx(0.5)
    assert course.progress(Limits(minutes=1, steps=20)) == pytest.approx(0.25)


def test_unknown_recipe_names_those_there_are():
    with pytest.raises(ValueError, match="tales-gpt"):
        recipes.find("nonsense")
