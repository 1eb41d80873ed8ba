"""The truths of the shipped lessons: what is right, as numbers computed without `engine.learn`.

TRUTHS holds the answer to every question of the course on its own text and model. It is held to
`truths`, which computes with numpy from raw values, and the live answers are held to both;
they are held to `truths` on other texts as well.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from engine.decoding.beams import Search
from engine.learn import grading
from engine.learn.answers import ANSWERS, Asked, NoQuestion
from engine.learn.lessons import Lesson, Step
from engine.learn.reader import shipped
from engine.values import Reading
from tests.engine.truths import RECOMPUTED, of_preference, of_prompts, of_search
from tests.engine.truths.raw import (
    ENGINE,
    SHIPPED,
    Between,
    all_weights,
    ids_of,
    next_logits,
    places,
    softmax,
    with_setting,
)

LESSONS = shipped()
STEPS = {
    f"{lesson.id}-{number}": step
    for lesson in LESSONS.values()
    for number, step in enumerate(lesson.steps, 1)
}
PRESCRIPTION = "A friend may pick up your prescription if they bring your name and date of birth."
TRAINED = object()
"""What moves when a model is trained on: held to `truths` alone."""
TRUTHS: dict[str, object] = {
    "0.1-1": 10.0,
    "0.1-2": "queen",
    "0.1-3": "no",
    "0.1-4": "had",
    "0.1-5": 1.0,
    "1.1-1": "line break",
    "1.1-2": "He",
    "1.1-3": 495.0,
    "1.1-4": 6.443008,
    "1.2-1": "time",
    "1.2-2": 12.0,
    "1.2-3": "sleep",
    "1.2-4": 28.97,
    "1.2-5": 9.444,
    "1.3-1": "a",
    "1.3-2": "no",
    "1.3-3": 314463.0,
    "1.3-4": "bad",
    "1.3-5": "no",
    "1.3-6": "yes",
    "1.3-7": TRAINED,
    "1.4-1": "yes",
    "1.4-2": "no",
    "1.4-3": "layer 2",
    "1.4-4": "yes",
    "1.4-5": "no",
    "1.5-1": ("student", 8, 24),
    "1.5-2": "the (2)",
    "1.5-3": ("student", 9, 23),
    "1.5-4": ("student", 8, 40),
    "2.1-1": 28.0,
    "2.1-2": "no",
    "2.1-3": "unbelievably",
    "2.1-4": 3.0,
    "2.1-5": 5.0,
    "2.2-1": "no",
    "2.2-2": "brook",
    "2.2-3": 19.996,
    "2.2-4": "no",
    "2.3-1": 256.0,
    "2.3-2": "queen",
    "2.3-3": "miserable",
    "2.3-4": "queen",
    "2.4-1": "no",
    "2.4-2": "learned",
    "2.4-3": "sinusoidal",
    "2.4-4": "yes",
    "2.4-5": "yes",
    "2.4-6": "no",
    "3.1-1": ("banana", 10, 22),
    "3.1-2": ("monkey", 21, 11),
    "3.1-3": "3.4",
    "3.1-4": ("monkey", 21, 11),
    "3.2-1": "king",
    "3.2-2": 5.657,
    "3.2-3": 100.0,
    "3.2-4": "who",
    "3.3-1": 32.0,
    "3.3-2": "2.3",
    "3.3-3": "6.4",
    "3.3-4": "stays",
    "3.4-1": "no",
    "3.4-2": "yes",
    "3.4-3": "river",
    "3.4-4": "no",
    "3.5-1": 6.0,
    "3.5-2": "layer 6",
    "3.5-3": "attention",
    "3.5-4": "unit 205",
    "3.5-5": "boat",
    "3.5-6": 2.0,
    "3.5-7": 4.0,
    "3.6-1": 1.0,
    "3.6-2": 64.0,
    "3.6-3": Between(0.3, 12.0),
    "3.6-4": Between(4.0, 640.0),
    "3.6-5": "the transformer, writing one by one",
    "4.1-1": 6144.0,
    "4.1-2": "sleep",
    "4.1-3": "bed",
    "4.1-4": 86.88,
    "4.2-1": 10.0,
    "4.2-2": 7.0,
    "4.2-3": 1.0,
    "4.2-4": 389.0,
    "4.3-1": "rises",
    "4.3-2": "falls",
    "4.3-3": 71.97,
    "4.3-4": 1.0,
    "4.4-1": 40.0,
    "4.4-2": 103.0,
    "4.4-3": 5.0,
    "4.4-4": "no",
    "4.4-5": 3.0,
    "4.4-6": 61.07,
    "4.4-7": "flat",
    "4.5-1": 2.0,
    "4.5-2": 1674.0,
    "4.5-3": 502.0,
    "4.5-4": 9.0,
    "4.6-1": "apple",
    "4.6-2": "yes",
    "4.6-3": "no",
    "4.6-4": "yes",
    "4.7-1": 100.0,
    "4.7-2": 1.0,
    "4.7-3": 1228800.0,
    "4.7-4": Between(2.0, 100.0),
    "4.7-5": Between(2.0, 100.0),
    "5.1-1": 9.0,
    "5.1-2": "yes",
    "5.1-3": "black",
    "5.1-4": "cat",
    "5.1-5": 11.0,
    "5.2-1": "noir",
    "5.2-2": "chat",
    "5.2-3": "où",
    "5.2-4": "rouge",
    "5.3-1": 6.0,
    "5.3-2": "no",
    "5.3-3": "r",
    "5.3-4": "yes",
    "5.3-5": "yes",
    "5.4-1": "encoder",
    "5.4-2": "head",
    "5.4-3": "decoder",
    "5.4-4": "encoder-decoder",
    "5.4-5": 4.870912,
    "6.1-1": "negative",
    "6.1-2": 78.296,
    "6.1-3": 2.0,
    "6.1-4": 4.0,
    "6.1-5": 44.0,
    "6.2-1": 67.321,
    "6.2-2": 1.0,
    "6.2-3": 0.0,
    "6.2-4": "never",
    "6.2-5": 6.443008,
    "6.3-1": "Yes",
    "6.3-2": "line break",
    "6.3-3": "Yes",
    "6.3-4": 8.0,
    "6.3-5": "no",
    "6.4-1": 222.0,
    "6.4-2": "the",
    "6.4-3": 86.88,
    "6.4-4": "west",
    "7.1-1": "time",
    "7.1-2": "wood",
    "7.1-3": 2.35688,
    "7.1-4": "came",
    "7.1-5": 1.0,
    "7.1-6": 5.0,
    "7.1-7": "no",
    "7.2-1": 7.65913,
    "7.2-2": 496.0,
    "7.2-3": 496.0,
    "7.2-4": "prince",
    "7.2-5": 38.0819,
    "7.3-1": 8192.0,
    "7.3-2": 3.0515,
    "7.3-3": "more",
    "7.3-4": 41.934,
    "7.3-5": 8.0,
    "7.4-1": "Thank you for nothing, you fool.",
    "7.4-2": 5.48,
    "7.4-3": "falls",
    "7.4-4": 3.1745,
    "7.4-5": "How very kind of you to be so useless!",
    "8.1-1": "encoder",
    "8.1-2": 112.0668,
    "8.1-3": "OPT",
    "8.1-4": "GPT-3 175B (davinci)",
    "8.1-5": 51.6854,
    "8.2-1": 13.476831,
    "8.2-2": 1.073742,
    "8.2-3": 16.0,
    "8.2-4": 4_194_304.0,
    "8.2-5": "longer",
    "8.2-6": 59.0793,
    "8.3-1": "You can get a coffee in the hall while you wait.",
    "8.3-2": PRESCRIPTION,
    "8.3-3": 6.0,
    "8.3-4": 3.0,
    "8.3-5": 5.0,
    "8.3-6": "The boy was very hungry.",
    "8.4-1": "encoder-decoder",
    "8.4-2": 6.445568,
    "8.4-3": "yes",
    "8.4-4": "no",
    "8.4-5": 502.0,
    "8.4-6": 2.0,
}
OTHER = {
    "tales-gpt": "The boy saw the bear in the wood, and the king said that he saw the king there.",
    "tales-bert": "She saw the bank near the river, but it was no bank for [MASK] money.",
    "fr-en": "Elle lit un livre rouge avant de dormir.",
}
# For what no lesson asks, and what a lesson's words do not find in another text.
MORE: list[tuple[str, str, dict[str, object]]] = [
    ("twins_alike", "tales-bert", {"word": "bank", "after": 3}),
    ("twins_alike", "tales-gpt", {"word": "king", "after": 0}),
    ("parting_layer", "tales-gpt", {"word": "saw"}),
    ("same_id_twice", "tales-gpt", {"word": "king"}),
    ("same_word_enters_equal", "tales-bert", {"word": "bank"}),
    ("sees_what_follows", "tales-gpt", {"word": "wood"}),
    ("sees_what_follows", "tales-bert", {"word": "river"}),
    ("attends_most", "tales-gpt", {"word": "there", "layer": 5, "head": 2}),
    ("attends_most", "tales-bert", {"word": "it", "layer": 3, "head": 1}),
    ("heads_prefer", "tales-gpt", {"word": "there", "a": "wood", "b": "king"}),
    (
        "heads_prefer",
        "tales-bert",
        {"word": "it", "a": "river", "b": "money", "baseline": "column"},
    ),
    ("order_matters", "tales-gpt", {"a": "boy", "b": "bear"}),
    ("strongest_head", "tales-bert", {"measure": "same"}),
    ("rank_of", "tales-gpt", {"word": "unbelievable"}),
    ("likelier", "tales-gpt", {"a": "Ganymede", "b": "Jupiter"}),
    ("is_one_token", "tales-gpt", {"word": "wood"}),
    ("aligned", "fr-en", {"word": "book"}),
    ("written_word", "fr-en", {"place": 4}),
    ("translated_as", "fr-en", {"word": "book"}),
    ("beam_finds_better", "fr-en", {"width": 3}),
    ("change_of_top", "tales-gpt", {"setting": "temperature 2"}),
    ("kept", "tales-gpt", {"setting": "top-p 0.5"}),
    ("survives", "tales-gpt", {"place": 2, "setting": "min-p 0.1"}),
    ("held_by", "tales-gpt", {"count": 12}),
    ("keeps_more", "tales-gpt", {"setting": "top-k 7"}),
    ("keeps_more", "tales-gpt", {"setting": "min-p 0.2"}),
    ("same_permuted", "tales-bert", {"positions": "shuffled"}),
    ("same_permuted", "tales-gpt", {"positions": "shuffled"}),
    ("same_id_elsewhere", "fr-en", {"word": "rouge", "maker": "tales-gpt"}),
    ("read_as", "tales-bert", {"word": "river", "maker": "tales-gpt"}),
    ("foreign_bits", "tales-bert", {"maker": "fr-en"}),
    ("foreign_writes_same", "tales-gpt", {"maker": "fr-en"}),
    ("likeliest_answer", "tales-gpt", {"task": "tale", "examples": 3}),
    (
        "answer_probability",
        "tales-gpt",
        {"task": "names", "answer": "Anna, Paul, London", "examples": 2},
    ),
    ("examples_until_half", "tales-gpt", {"task": "sentiment", "answer": "positive"}),
    ("examples_until_half", "tales-gpt", {"task": "sentiment", "answer": "negative"}),
    (
        "orders_that_agree",
        "tales-gpt",
        {"task": "tale", "answer": "behind the door", "examples": 3, "seed": 9},
    ),
    ("held_out_right", "tales-gpt", {"task": "sentiment", "examples": 0}),
    ("hidden_token", "tales-bert", {"objective": "masked tokens", "place": 1, "seed": 3}),
    ("mean_loss", "tales-bert", {"objective": "masked tokens", "seed": 12}),
    ("dearest_token", "tales-bert", {"objective": "masked tokens", "seed": 2}),
    ("hidden_unmasked", "tales-bert", {"seed": 7}),
    ("span_answers", "fr-en", {"seed": 3}),
    ("judge_prefers", "tales-gpt", {"a": "Good morning, dear friend.", "b": "Be off, you thief!"}),
    ("best_of_mean", "tales-gpt", {"measure": "courtesy", "n": 8}),
    ("measure_with_n", "tales-gpt", {"measure": "fluency"}),
    ("kl_of_best", "tales-gpt", {"n": 2}),
    ("best_of", "tales-gpt", {"predictor": "recurrent"}),
    ("best_of", "tales-gpt", {"predictor": "window-4"}),
    ("window_matters", "tales-gpt", {"window": 2}),
    ("changes_with", "tales-gpt", {"predictor": "window-2", "word": "king"}),
    ("changes_with", "tales-gpt", {"predictor": "transformer", "word": "boy"}),
    ("changed_most", "tales-gpt", {"word": "king"}),
    ("contexts_kept", "tales-gpt", {"window": 2}),
    ("cache_bytes", "tales-gpt", {"tokens": 7}),
    ("times_as_long", "tales-gpt", {"way": "recurrent", "few": 2, "many": 32}),
    ("first_by_words", "tales-bert", {"passages": "Two banks", "without": "water beside"}),
    ("first_by_words", "fr-en", {"passages": "Curling"}),
    ("first_by_vectors", "tales-bert", {"passages": "Two banks", "after": 2, "pooling": "maximum"}),
    (
        "first_by_vectors",
        "tales-bert",
        {"passages": "At the pharmacy", "after": 4, "without": "medicine pharmacy"},
    ),
    ("first_by_vectors", "fr-en", {"passages": "In a tale", "after": 3}),
    ("family_of", "tales-bert", {"of": "T5"}),
    ("times_larger", "fr-en", {"of": "LLaMA", "than": "BERT"}),
    ("size_order", "tales-bert", {"seed": 12}),
    ("first_above", "tales-gpt", {"billions": 10}),
    ("open_share", "fr-en", {"billions": 500}),
    ("weights_gigabytes", "tales-gpt", {"of": "GPT-2 small", "precision": "int4"}),
    ("cache_gigabytes", "tales-gpt", {"of": "Mistral 7B", "tokens": 8192}),
    ("training_bytes", "tales-gpt", {"of": "GPT-2 small"}),
    ("adapter_parameters", "tales-gpt", {"of": "Mistral 7B", "rank": 16}),
    (
        "bigger_or_longer",
        "tales-gpt",
        {"law": "Kaplan", "bigger": 280, "short": 300, "smaller": 70, "long": 1400},
    ),
    ("best_ratio", "tales-gpt", {"law": "Refit 2024"}),
    ("best_ratio", "tales-gpt", {"law": "Kaplan"}),
    ("rank_by_words", "tales-bert", {"passages": "Curling"}),
    ("rank_by_words", "tales-bert", {"passages": "Curling", "without": "curling main"}),
    ("rank_by_vectors", "tales-bert", {"passages": "Two banks", "after": 1}),
    (
        "rank_by_vectors",
        "tales-bert",
        {"passages": "In a tale", "after": 4, "without": "was very", "pooling": "maximum"},
    ),
    ("ranks_changed", "tales-bert", {"passages": "Curling", "without": "the curling", "after": 4}),
    (
        "ranks_changed",
        "tales-bert",
        {"passages": "In a tale", "without": "king", "after": 2, "pooling": "first token"},
    ),
]


def same(found: object, truth: object) -> bool:
    if isinstance(truth, tuple):
        truth = truth[0]
    if isinstance(truth, Between):
        low, high = (found.low, found.high) if isinstance(found, Between) else (found, found)
        return (
            isinstance(low, float)
            and isinstance(high, float)
            and (low <= truth.high and truth.low <= high)
        )
    if isinstance(truth, float):
        return isinstance(found, float) and found == pytest.approx(truth, rel=1e-3, abs=1e-4)
    return str(found).casefold() == str(truth).casefold()


# --- Answers ---


def test_every_question_of_the_course_has_its_truth_and_every_live_answer_a_second_way() -> None:
    assert set(TRUTHS) == {name for name, step in STEPS.items() if step.question}
    assert set(RECOMPUTED) == set(ANSWERS)
    tried = {step.question.answer for step in STEPS.values() if step.question}
    assert tried | {name for name, _, _ in MORE} == set(ANSWERS)


@pytest.mark.parametrize("name", TRUTHS)
def test_a_truth_is_what_the_model_gives_and_the_answer_is_it(name: str) -> None:
    step, truth = STEPS[name], TRUTHS[name]
    assert step.question is not None
    question = step.question
    again = RECOMPUTED[question.answer](step.model, step.sentence, **question.given)
    if truth is TRAINED:
        truth = again
    if isinstance(truth, tuple):
        assert again == truth
    else:
        assert same(again, truth)
    posed = grading.pose(step, Asked(ENGINE, step.model, step.sentence))
    assert same(posed.answer.value, truth)
    if question.answer == "heads_prefer":
        assert isinstance(truth, tuple)
        assert (posed.answer.facts["a"], posed.answer.facts["b"]) == tuple(map(str, truth[1:]))


@pytest.mark.parametrize("name", TRUTHS)
def test_on_another_text_the_answer_is_the_models_too(name: str) -> None:
    step = STEPS[name]
    assert step.question is not None
    question = step.question
    text = OTHER[step.model]
    try:
        found = ANSWERS[question.answer](Asked(ENGINE, step.model, text), **question.given)
    except NoQuestion:
        return  # that it says why is tested with the lessons
    truth = RECOMPUTED[question.answer](step.model, text, **question.given)
    assert same(found.value, truth)


@pytest.mark.parametrize(("name", "model", "given"), MORE)
def test_what_no_lesson_asks_is_right_too(name: str, model: str, given: dict[str, object]) -> None:
    text = OTHER[model]
    found = ANSWERS[name](Asked(ENGINE, model, text), **given)
    truth = RECOMPUTED[name](model, text, **given)
    if name == "heads_prefer":
        assert (found.facts["a"], found.facts["b"]) == tuple(map(str, truth[1:]))
        truth = truth[0]
    assert same(found.value, truth)


def test_the_order_asked_for_is_the_order_of_the_probabilities() -> None:
    p = softmax(next_logits("tales-gpt", STEPS["1.2-3"].sentence))
    names = ENGINE.texts("tales-gpt", np.argsort(-p)[:4].tolist())
    for name in ("1.2-3", "4.1-2"):
        posed = grading.pose(STEPS[name], Asked(ENGINE, "tales-gpt", STEPS[name].sentence))
        assert grading.right_text(posed) == ", ".join(one.strip() for one in names)


def test_a_step_shows_the_search_that_its_answer_is_computed_with() -> None:
    """Beams where beams are asked about, else greedy: what one counts is what is drawn."""
    for name, step in STEPS.items():
        if step.page == "Translation" and step.question is not None:
            beams = step.question.answer == "beam_finds_better"
            wanted = "Beam search" if beams else "Greedy"
            assert step.state.get("search") == wanted, name


# --- Numbers that the lessons' own words name ---


def words_of(step: Step) -> str:
    question = step.question
    spans = (
        *step.text,
        *(question.reveal if question else ()),
        *(question.ask if question else ()),
    )
    choices = [choice.text for choice in question.choices] if question else []
    return " ".join(["".join(span.text for span in spans), *choices])


def named(lesson: str, words: str) -> Step:
    """The step whose words name something; fails where the words have changed."""
    own: Lesson = LESSONS[lesson]
    return next(step for step in own.steps if words in words_of(step))


def test_sizes_that_lessons_name_are_those_of_the_models() -> None:
    gpt, bert, both = (ENGINE.card(name) for name in ("tales-gpt", "tales-bert", "fr-en"))
    assert gpt.decoder and bert.encoder and both.encoder
    assert bert.encoder.layers * bert.encoder.heads == 32
    assert named("1.5", "This model has 32 heads") and named("3.1", "with 4 layers")
    assert bert.encoder.layers == 4
    assert named("3.2", "A head of this model is 32 numbers wide, the whole vector 256")
    assert (gpt.decoder.dim, gpt.width, gpt.vocabulary) == (32, 256, 6144)
    for lesson in ("0.1", "4.1", "4.2"):
        assert named(lesson, "6,144")
    assert both.encoder.layers == 3 and named("5.1", "through three layers")
    assert gpt.decoder.layers * gpt.decoder.heads == 48
    assert named("4.4", "5,500, nine tenths of all") and named("4.4", "614 is a tenth of all")
    assert 0.9 * 6144 == pytest.approx(5500, abs=50) and 0.1 * 6144 == pytest.approx(614, abs=1)


def test_lengths_that_choices_name_are_those_of_the_texts() -> None:
    costs = STEPS["2.1-1"].sentence
    assert named("2.1", "About 69, one for each letter") and len(costs) == 69
    assert named("2.1", "9, one for each word") and len(costs.split()) == 9
    assert named("2.1", "12, one for each letter") and len("unbelievably") == 12
    assert named("4.1", "8, those of the text")
    assert len(ids_of("tales-gpt", STEPS["4.1-1"].sentence)) == 8
    assert named("0.1", "About 40, one for each letter") and len(STEPS["0.1-1"].sentence) == 42


def test_no_single_head_changes_the_first_token() -> None:
    step = named("3.3", "none of the 48 heads changes it alone")
    last = len(ids_of(step.model, step.sentence)) - 1
    top = int(next_logits(step.model, step.sentence).argmax())
    for layer in range(6):
        for head in range(8):
            less = Reading(step.model, step.sentence, off=(("decoder", layer, head),))
            assert int(ENGINE.logits(less, (last,)).logits[0].argmax()) == top


def test_the_head_that_is_off_is_the_previous_token_head() -> None:
    step = named("3.3", "Here head 3.3 is off. It is the one that attends most")
    assert RECOMPUTED["strongest_head"](step.model, step.sentence, "previous") == "3.3"
    assert step.state["off"] == "3.3"


def test_heads_of_cross_attention_differ_as_the_lesson_says() -> None:
    step = named("5.2", "for “red”, 15 of the 24 heads attend most to “rouge”, nine to something")
    trace = ENGINE.translation_trace(Reading(step.model, step.sentence), Search())
    rows = trace.cross[:, :, trace.target.index(" red")].reshape(24, -1)
    found = [trace.source[int(row.argmax())].strip() for row in rows]
    assert found.count("rouge") == 15
    where = named("5.2", "one English token may take something from two French ones")
    trace = ENGINE.translation_trace(Reading(where.model, where.sentence), Search())
    mean = trace.cross.mean(axis=(0, 1))
    row = next(mean[i] for i, word in enumerate(trace.target) if word.strip() in ("don't", "not"))
    strong = sorted(range(len(row)), key=lambda i: -row[i])[:3]
    assert {"ne", "pas"} <= {trace.source[i].strip() for i in strong}


def test_the_translations_that_were_read_are_those_of_the_model() -> None:
    """24 of 30: each sentence of the model's page, translated again with four beams."""
    assert named("8.4", "With beam search this model got 24 of 30 everyday sentences right")
    page = (SHIPPED / "fr-en" / "README.md").read_text("utf-8")
    rows = re.findall(r"^- (.*) → (.*) \((right|wrong)\)$", page, re.M)
    assert len(rows) == 30 and sum(verdict == "right" for _, _, verdict in rows) == 24
    for source, target, _ in rows:
        found = ENGINE.translation_trace(Reading("fr-en", source), Search(width=4))
        assert found.translation.texts[0] == target, source


def test_what_reveals_and_texts_say_of_the_runs_holds() -> None:
    king = "Once upon a time there was an old king who"
    bank = STEPS["1.4-3"]
    apart = RECOMPUTED["twins_alike"]
    later = [apart(bank.model, bank.sentence, "bank", k) for k in (2, 3, 4)]
    assert named("1.4", "After that they come nearer again") and later == sorted(later)
    row = all_weights("tales-bert", STEPS["1.5-2"].sentence)[1, 2]
    book = places("tales-bert", STEPS["1.5-2"].sentence, "book")[0]
    assert named("1.5", "This head attends to the token before") and row[book, book - 1] > 0.9
    first = next_logits("tales-gpt", "Once upon a")
    assert named("1.2", "the model is almost sure") and softmax(first).max() > 0.8
    assert named("6.4", "Here the model is very sure")
    assert named("5.1", "The first word is “The”")
    assert RECOMPUTED["written_word"]("fr-en", STEPS["5.1-3"].sentence, 1) == "the"
    assert named("4.5", "In the middle of a sentence the end token is unlikely")
    assert RECOMPUTED["rank_of_end"]("tales-gpt", king) > 1000
    cold = with_setting(next_logits("tales-gpt", king), "temperature 0.2").max()
    assert named("4.3", "Very low temperatures come close to greedy") and cold > 0.95
    assert named("3.5", "Harder ones take more layers")
    assert RECOMPUTED["settles_at"]("tales-gpt", king) < RECOMPUTED["settles_at"](
        "tales-gpt", STEPS["3.5-7"].sentence
    )
    assert named("5.3", "Here the pieces are whole words")
    source = STEPS["5.3-5"].sentence
    assert len(ids_of("fr-en", source)) - 1 == len(re.findall(r"\w+|[.]", source))


def test_what_the_lesson_on_predecessors_says_holds() -> None:
    windows = ENGINE.windows("tales-gpt")
    assert named("1.3", "in nine million tokens of old books") and 9e6 <= windows.seen < 9.5e6
    assert named("1.3", "6,144 × 6,144 × 6,144 × 6,144") and windows.vocabulary == 6144
    text = STEPS["1.3-4"].sentence
    assert {STEPS[f"1.3-{n}"].sentence for n in range(1, 8)} == {text}
    assert named("1.3", "now it looks for “, my tea is”".replace("now", "Now"))
    pieces = ENGINE.texts("tales-gpt", ids_of("tales-gpt", text))
    assert "".join(pieces[-4:]) == ", my tea is"
    assert named("1.3", "“bad”, five tokens back") and pieces[-5] == " bad"
    share = RECOMPUTED["top_probability"]("tales-gpt", text)
    assert named("1.3", "It has 21 %") and f"{share:.0f}" == "21"


def test_what_the_lesson_on_the_cache_multiplies_are_the_models_numbers() -> None:
    shape = ENGINE.cache_size("tales-gpt")
    assert named("4.7", "In each of 6 layers, for each of 8 heads, 32 numbers, each of 4 bytes")
    assert (shape.layers, shape.key_heads, shape.width, shape.item) == (6, 8, 32, 4)
    assert named("4.7", "keeps 1.07 GB for 2,048 tokens")  # 32 layers of 32 heads of 128
    assert round(2 * 32 * 32 * 128 * 2048 * 2 / 1e9, 2) == 1.07


@pytest.mark.parametrize(
    ("name", "given", "why"),
    [
        ("times_as_long", {"way": "written", "few": 3, "many": 16}, "3 tokens were not measured"),
        ("cache_saves", {"tokens": 4096}, "4,096 tokens were not measured here, but 1, 2, 4"),
        ("contexts_kept", {"window": 9}, "windows up to 4; the question is of 9"),
        ("window_matters", {"window": 3}, "no window-3 to compare"),
        ("changes_with", {"predictor": "window-1", "word": "zebra"}, "is not in this text"),
    ],
)
def test_what_times_and_predecessors_cannot_answer_says_why(
    name: str, given: dict[str, object], why: str
) -> None:
    with pytest.raises(NoQuestion, match=why):
        ANSWERS[name](Asked(ENGINE, "tales-gpt", "The king sat down."), **given)
    with pytest.raises(NoQuestion, match="needs a decoder"):
        ANSWERS[name](Asked(ENGINE, "tales-bert", "Any text."), **given)


@pytest.mark.parametrize("name", ["best_of", "contexts_kept", "fewest_bits"])
def test_without_predecessors_it_says_what_to_run_or_that_nothing_was_measured(
    no_predecessors: None, name: str
) -> None:
    given = {"best_of": {"predictor": "recurrent"}, "contexts_kept": {"window": 1}}.get(name, {})
    with pytest.raises(NoQuestion, match=r"python -m engine\.training|have not been measured"):
        ANSWERS[name](Asked(ENGINE, "tales-gpt", "The king sat down."), **given)


def test_what_the_search_lesson_says_of_ranks_holds() -> None:
    pharmacy = {"passages": "At the pharmacy"}
    model, text = STEPS["8.3-1"].model, STEPS["8.3-1"].sentence
    for number in range(1, 7):  # the text of a step is the query of its passages
        step = STEPS[f"8.3-{number}"]
        assert step.sentence == of_search.of(step.state["passages"])["query"]
    rank = RECOMPUTED["rank_by_vectors"]
    assert named("8.3", "shares “can”, “you” and “get”, and speaks of coffee")
    held = str(TRUTHS["8.3-1"]).lower()
    assert [word for word in text.split() if word in held.split()] == ["can", "you", "get"]
    answer = re.findall(r"\w+", PRESCRIPTION.lower())
    assert named("8.3", "The passage that answers shares no word")
    assert not set(answer) & set(text.split())
    assert named("8.3", "The passage that answers stays first")
    assert rank(model, text, **pharmacy, after=4, without="for someone") == 1
    assert named("8.3", "“medicine” and “pharmacy” instead: it falls to rank 3, and the coffee")
    less = {"without": "medicine pharmacy"}
    assert rank(model, text, **pharmacy, after=4, **less) == 3
    first = RECOMPUTED["first_by_vectors"](model, text, **pharmacy, after=4, **less)
    assert first == TRUTHS["8.3-1"]
    assert named("8.3", "With the vectors that enter layer 1 it comes last")
    assert rank(model, text, passages="Curling", after=0) == 10
    assert named("8.3", "The old ruler ranks only fifth")
    assert rank(model, text, passages="In a tale", after=4) == 5
    assert named("8.3", "But see how close the others are")
    near = np.sort(of_search.cosines(model, "At the pharmacy", 4, "mean", ""))
    assert near[-1] - near[-2] < 0.005


def test_what_the_lesson_on_preference_says_holds() -> None:
    step = STEPS["7.4-2"]
    texts, rewards = of_preference.drawn(step.model, step.sentence)
    assert named("7.4", "The mean reward of one answer is 1.84") and len(rewards) == 64
    assert float(np.mean(rewards)) == pytest.approx(1.84, abs=0.005)
    assert named("7.4", "The best of 16 is “Good morning, my friend.”")
    assert texts[int(np.argmax(rewards[:16]))].text == 'Good morning, my friend."'
    assert named("7.4", "The best of 64 is “It may be.”")
    assert texts[int(np.argmax(rewards))].text == 'It may be."'
    assert named("7.4", "has seen 1,200 short sentences")
    assert of_preference.JUDGE["trained"] == 1200
    doubled = RECOMPUTED["kl_of_best"]
    assert named("7.4", "Twice as many draws add less than 0.7 nats")
    assert all(doubled("", "", 2 * n) - doubled("", "", n) < 0.7 for n in (1, 8, 64, 4096))
    with pytest.raises(NoQuestion, match="needs as many completions; 64 are drawn"):
        ANSWERS["best_of_mean"](Asked(ENGINE, step.model, step.sentence), measure="reward", n=65)
    with pytest.raises(NoQuestion, match="needs a decoder"):
        ANSWERS["kl_of_best"](Asked(ENGINE, "tales-bert", "Any text."), n=2)


@pytest.mark.parametrize(
    ("name", "given", "why"),
    [
        ("rank_by_words", {"passages": "At the pharmacy"}, "shares no word"),
        (
            "rank_by_words",
            {"passages": "Curling", "without": "what's main objective curling of the"},
            "Every word of the query of Curling is left out",
        ),
        ("first_by_words", {"passages": "Curling", "without": "ice"}, "“ice” is not in the query"),
        ("first_by_vectors", {"passages": "Curling", "after": 5}, "has 4 layers"),
        ("ranks_changed", {"passages": "Curling", "after": -1, "without": "the"}, "has 4 layers"),
    ],
)
def test_what_search_cannot_answer_says_why(name: str, given: dict[str, object], why: str) -> None:
    with pytest.raises(NoQuestion, match=why):
        ANSWERS[name](Asked(ENGINE, "tales-bert", "Any text."), **given)
    with pytest.raises(NoQuestion, match="needs an encoder"):
        ANSWERS[name](Asked(ENGINE, "tales-gpt", "Any text."), **given)
    assert "one of At the pharmacy, Curling" in ANSWERS[name].problem({"passages": "Cats"})


def test_what_the_lesson_on_examples_says_holds() -> None:
    model, text = STEPS["6.1-1"].model, STEPS["6.1-1"].sentence
    task = of_prompts.task_of("sentiment")
    for number in range(1, 6):
        assert STEPS[f"6.1-{number}"].state["prompt_task"] == task["name"]

    def has(word: str, examples: int) -> float:
        shown = of_prompts.prompt(task, task["examples"][:examples], text)
        return float(of_prompts.shares(model, shown, [word])[0])

    assert named("6.1", "“negative” has 30 %, “positive” 28 %. “sad” would be next, with 16 %")
    shares = [round(100 * has(word, 0)) for word in ("negative", "positive", "sad")]
    assert shares == [30, 28, 16]
    shown = of_prompts.prompt(task, [], text)
    p = softmax(next_logits(model, shown))
    first = [ENGINE.texts(model, [i])[0].strip() for i in np.argsort(-p)[:3].tolist()]
    assert first[2] == "sad" and [one[:2] for one in first[:2]] == ["ne", "po"]
    assert named("6.1", "“sad” now has less than 0.1 %") and has("sad", 1) < 0.001
    soup = named("6.1", "one solved example comes before the question: “The soup was lovely.”")
    assert task["examples"][0] == ["The soup was lovely.", "positive"] and soup
    film, half = STEPS["6.1-3"].sentence, RECOMPUTED["answer_probability"]
    assert named("6.1", "With three examples it falls back to 36 %")
    assert round(half(model, film, "sentiment", "positive", 3)) == 36
    assert named("6.1", "In the order of the list it has “positive” with one example and with more")
    likeliest = RECOMPUTED["likeliest_answer"]
    assert {likeliest(model, text, "sentiment", n) for n in range(1, 7)} == {"positive"}
    assert len(task["examples"]) == 6 and named("6.1", "The six examples are now shuffled")


def test_what_the_lesson_on_many_tasks_says_holds() -> None:
    after = of_prompts.after
    names = STEPS["6.2-1"]
    tasks = ("names", "tale", "ganymede", "french", "essay")
    for number, task in enumerate(tasks, 1):
        one = of_prompts.task_of(task)
        step = STEPS[f"6.2-{number}"]
        assert step.state["prompt_task"] == one["name"] and step.sentence == one["question"]
    assert named("6.2", "Without an example it has 3 %")
    assert round(100 * after(names.model, names.sentence, "names", 0)["Anna, Paul, London"]) == 3
    assert named("6.2", "the answer stands in the text")
    assert of_prompts.task_of("tale")["right"] in STEPS["6.2-2"].sentence
    assert named("6.2", "The other moons’ planets have as little")
    moon = STEPS["6.2-3"]
    assert max(after(moon.model, moon.sentence, "ganymede", 5).values()) < 1e-4
    assert named("6.2", "Ganymede is in none of them")
    assert not any("Ganymede" in asked for asked, _ in of_prompts.task_of("ganymede")["examples"])
    assert len(of_prompts.task_of("ganymede")["examples"]) == 5
    assert named("6.2", "It has less than 0.01 % with each number of examples")
    cat = STEPS["6.2-4"]
    right = of_prompts.task_of("french")["right"]
    assert all(after(cat.model, cat.sentence, "french", n)[right] < 1e-4 for n in range(6))
    assert named("6.2", "the page Translation has one of about the same size")
    sizes = [ENGINE.card(model).parameters for model in ("tales-gpt", "fr-en")]
    assert 0.5 < sizes[1] / sizes[0] < 2
    assert named("6.2", "no column is about why people tell stories")
    for count in (0, 1, 2, 3, 5):
        one = of_prompts.task_of("essay")
        shown = of_prompts.prompt(one, one["examples"][:count], STEPS["6.2-5"].sentence)
        written = continued("tales-gpt", shown, int(one["length"])).split("\n")[0].lower()
        assert not any(word in written for word in ("stor", "tell", "told", "tale")), written


def continued(model: str, text: str, count: int) -> str:
    """What the model writes next, the likeliest token each time."""
    reading = ENGINE.continued(model, text, count)
    assert reading.target is not None
    return "".join(ENGINE.texts(model, reading.target[-count:]))


def test_what_the_lesson_on_chats_says_holds() -> None:
    model = STEPS["6.3-1"].model
    assert named("6.3", "after Jane’s answer it writes a summary and begins another dialogue")
    written = continued(model, STEPS["6.3-1"].sentence, 24)
    answer, summary, *rest = written.split("\n")
    assert answer.strip() and summary.startswith(("In short", "So", "Summary"))
    assert any(one.startswith("Dialogue") for one in rest)
    assert named("6.3", "It says who the model is to be") and named(
        "6.3", "You must always say no."
    )
    assert named("6.3", "Here is this mark in the tokenizer of a model without chats")
    mark = STEPS["6.3-4"].sentence
    assert mark == "<|im_start|>" and mark not in ENGINE.vocabulary(model).texts
    assert not ENGINE.tokens(Reading(model, mark)).special.any()
    assert named("6.3", "beside it lets the model answer the same message as plain text")


def test_what_the_lesson_on_examples_says_of_answers_and_accuracy_holds() -> None:
    model, text = STEPS["6.1-4"].model, STEPS["6.1-4"].sentence
    task = of_prompts.task_of("sentiment")
    names = task["answers"]
    assert named("6.1", "Exchange all six, so that each is wrong: “positive” still has 83 %")
    other = dict(zip(names, reversed(names), strict=True))
    wrong = [[asked, other[answer]] for asked, answer in task["examples"]]
    share = of_prompts.shares(model, of_prompts.prompt(task, wrong, text), names)[0]
    assert round(100 * float(share)) == 83
    right = RECOMPUTED["held_out_right"]
    assert named("6.1", "Here are 60 that are in no example") and len(task["items"]) == 60
    assert named("6.1", "With no example the model gets 37 right")
    assert right(model, text, "sentiment", 0) == 37
    assert named("6.1", "The intervals overlap: 49 to 73 % and 61 to 83 %")
    z = 1.96
    for correct, ends in ((37, [49, 73]), (44, [61, 83])):  # where p is z errors from the share
        p = np.linspace(0, 1, 100_001)
        within = np.abs(correct / 60 - p) <= z * np.sqrt(p * (1 - p) / 60)
        assert [round(100 * float(end)) for end in (p[within].min(), p[within].max())] == ends
    assert named("6.1", "It says “negative” 46 times, even of “I loved every page of this book.”")
    told = {
        asked: RECOMPUTED["likeliest_answer"](model, asked, "sentiment", 5)
        for asked, _ in task["items"]
    }
    assert list(told.values()).count("negative") == 46
    assert told["I loved every page of this book."] == "negative"
    assert ["I loved every page of this book.", "positive"] in task["items"]


@pytest.mark.parametrize(
    ("name", "given", "why"),
    [
        ("likeliest_answer", {"task": "sentiment", "examples": 7}, "has 6 examples; .* of 7"),
        ("likeliest_answer", {"task": "sentiment", "examples": -1}, "has 6 examples; .* of -1"),
        ("held_out_right", {"task": "names", "examples": 1}, "has no held-out items"),
        (
            "answer_probability",
            {"task": "sentiment", "answer": "fine", "examples": 1},
            "“fine” is none of the answers",
        ),
        ("examples_until_half", {"task": "names", "answer": "positive"}, "is none of the answers"),
        (
            "orders_that_agree",
            {"task": "sentiment", "answer": "positive", "examples": 9},
            "has 6 examples",
        ),
    ],
)
def test_what_examples_cannot_answer_says_why(
    name: str, given: dict[str, object], why: str
) -> None:
    with pytest.raises(NoQuestion, match=why):
        ANSWERS[name](Asked(ENGINE, "tales-gpt", "Any text."), **given)
    with pytest.raises(NoQuestion, match="needs a decoder"):
        ANSWERS[name](Asked(ENGINE, "tales-bert", "Any text."), **given)
    assert "one of sentiment, ganymede" in ANSWERS[name].problem({"task": "cats"})


def test_no_question_is_asked_of_an_empty_text() -> None:
    with pytest.raises(NoQuestion, match="question is empty"):
        ANSWERS["likeliest_answer"](Asked(ENGINE, "tales-gpt", " "), task="sentiment", examples=1)


def test_an_answer_that_no_number_of_examples_makes_likely_is_never_there() -> None:
    text = "I loved every page of this book."
    given = {"task": "sentiment", "answer": "positive"}
    found = ANSWERS["examples_until_half"](Asked(ENGINE, "tales-gpt", text), **given)
    assert found.value == RECOMPUTED["examples_until_half"]("tales-gpt", text, **given) == "never"
    assert "with 1 example: 17 %" in found.because


def test_no_sentence_says_that_a_decoder_reads_backwards() -> None:
    folder = Path(grading.__file__).parent
    texts = [path.read_text("utf-8") for path in folder.rglob("*.py")]
    texts += [words_of(step) for step in STEPS.values()] + [one.title for one in LESSONS.values()]
    assert not [text for text in texts if "backwards" in text]


def test_a_later_token_is_sought_in_every_layer() -> None:
    text = "Il a mangé une pomme rouge."
    weights = all_weights("fr-en", text, "encoder")
    later = np.triu(np.ones(weights.shape[-2:], dtype=bool), k=1)
    first, every = (float(part[..., later].max()) for part in (weights[0], weights))
    assert f"{100 * first:.0f}" != f"{100 * every:.0f}"  # the first layer alone says another number
    found = ANSWERS["future_weight"](Asked(ENGINE, "fr-en", text), kind="encoder")
    assert found.facts["largest"] == f"{100 * every:.0f} %"
    with pytest.raises(NoQuestion, match="has no encoder"):
        ANSWERS["future_weight"](Asked(ENGINE, "tales-gpt", text), kind="encoder")
