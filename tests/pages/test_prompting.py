"""The Prompting page: builder, columns, answers, accuracy, attention, chat; links and bad input."""

from __future__ import annotations

import json
import shutil
import time
from dataclasses import replace
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from engine.decoding.continuation import Line, Task
from engine.models import catalog
from engine.prompting.prompt import (
    Example,
    Prompt,
    Shuffle,
    read_examples,
    shuffled,
    write_examples,
)
from engine.prompting.tasks import ready_tasks
from pages.prompting import builder
from pages.prompting import plan as plans
from pages.shell.cache import engine
from tests.pages.conftest import Open, components, crash, sentences, tables, unfolded

PAGE = "6_Prompting"
MODEL = "tales-gpt"
SENTIMENT = ready_tasks()[0]
HOSTILE = "<img src=x onerror=alert(1)> **b** ${c}"
TEMPLATE = (
    "{% for m in messages %}{% if m.role == 'system' and not loop.first %}"
    "{{ raise_exception('system comes first') }}{% endif %}<s>{{ m.role }}: {{ m.content }}\n"
    "{% endfor %}{% if add_generation_prompt %}assistant:{% endif %}"
)


def answered(app: AppTest, seconds: float = 40) -> AppTest:
    """The page with its texts whole, where it writes some."""
    latest = time.monotonic() + seconds
    while any(b.key == "prompting-stop" and not b.disabled for b in app.button):
        assert time.monotonic() < latest, "the answers do not come to an end"
        time.sleep(0.1)
        app.run()
    return app


def opened(open_page: Open, **address: str) -> AppTest:
    app = answered(open_page(PAGE, **address))
    assert not crash(app), crash(app)
    return app


def texts(app: AppTest) -> list[str]:
    """What stands in the columns."""
    (sheet,) = components(app, "atlas_columns")
    return ["".join(column["t"]).strip() for column in sheet["columns"]]


def names(app: AppTest) -> list[str]:
    (sheet,) = components(app, "atlas_columns")
    return [column["name"] for column in sheet["columns"]]


def captions(app: AppTest) -> str:
    return " ".join(one.value for one in app.caption).replace("\\", "")


def sent(app: AppTest) -> str:
    """The prompt that is shown."""
    return app.code[-1].value


def alone(prompt: Prompt, count: int, length: int = 8) -> str:
    """The greedy answer to one prompt, written by itself."""
    ids = tuple(engine().tokenized(MODEL, prompt.text(count)).ids.tolist())
    task = Task(MODEL, ids, seed=1, limit=length, stops=("\n",))
    (text,) = engine().write(task, [Line.parse("greedy")], viewer="alone", patience=30)
    return text.text.strip()


# Columns and the prompt


@pytest.mark.feature("Zero / one / few-shot builder, columns live, accuracy against examples")
def test_every_column_is_the_answer_to_its_own_prompt(open_page: Open) -> None:
    app = opened(open_page)
    assert names(app) == ["No example", "1 example", "2 examples", "3 examples", "5 examples"]
    found = texts(app)
    assert [one.replace("<|endoftext|>", "") for one in found] == [
        alone(SENTIMENT.prompt, count) for count in (0, 1, 2, 3, 5)
    ]
    # What the page is there to show, on the shipped model: without an example it errs.
    assert found[0] != "positive" and found[1] == "positive"
    assert "comes to the letter with 1, 2, 3 and 5 examples; not with no example" in captions(app)


@pytest.mark.feature("The prompt whole as it is sent, with a context-window meter")
def test_the_prompt_is_shown_as_it_is_sent_and_its_tokens_counted(open_page: Open) -> None:
    app = opened(open_page)
    text = SENTIMENT.prompt.text(5)
    assert sent(app) == text
    count = len(engine().tokenized(MODEL, text))
    assert f"With 5 examples: {count} of 512 positions" in captions(app)
    app = opened(open_page, column="c2")
    assert sent(app) == SENTIMENT.prompt.text(1)


def test_examples_are_added_edited_moved_and_removed(open_page: Open) -> None:
    app = opened(open_page)
    app.button(key="example-down-1").click().run()
    order = [one.asked for one in read_examples(app.session_state["examples"])]
    assert order[:2] == [SENTIMENT.examples[1].asked, SENTIMENT.examples[0].asked]
    app.text_input(key="example-answer-1").set_value("so-so").run()
    app.button(key="example-remove-2").click().run()
    app.button(key="example-add").click().run()
    now = read_examples(app.session_state["examples"])
    assert now[0] == Example(SENTIMENT.examples[1].asked, "so-so")
    assert now[1] == SENTIMENT.examples[2] and now[-1] == Example("", "")
    assert "Example 6 has no question or no answer and is left out." in captions(app)
    assert "Sentiment: so-so" in sent(answered(app))
    app.button(key="example-clear").click().run()
    assert names(answered(app)) == ["No example"] and not crash(app)


def test_a_dropped_example_goes_to_its_place_and_a_false_place_changes_nothing() -> None:
    examples = [Example(str(n), "yes") for n in range(4)]
    for place, to, after in ((0, 2, "1203"), (3, 0, "3012"), (1, 1, "0123"), (9, 0, "0123")):
        moved = builder._placed(list(examples), place=place, to=to)
        assert "".join(one.asked for one in moved) == after


def test_another_task_brings_its_texts_and_a_link_keeps_its_own(open_page: Open) -> None:
    app = opened(open_page, text="Good?")
    task = next(one for one in ready_tasks() if one.id == "ganymede")
    app.selectbox(key="prompt_task").set_value("ganymede").run()
    assert app.text_area(key="text").value == task.question
    assert sent(answered(app)) == task.prompt.text(5)
    assert "was not among its lessons" in captions(app)
    app = opened(open_page, prompt_task=task.name, text="Where is Io?")
    assert app.text_area(key="text").value == "Where is Io?"
    assert app.text_input(key="instruction").value == task.instruction


@pytest.mark.parametrize("task", [one.id for one in ready_tasks()])
def test_every_ready_task_runs_on_every_view(open_page: Open, task: str) -> None:
    name = next(one.name for one in ready_tasks() if one.id == task)
    for view in ("Columns", "Answers", "Attention"):
        app = opened(open_page, prompt_task=name, view=view)
        assert sentences(app) == []


def test_the_right_answer_is_known_for_the_tasks_own_question_alone(open_page: Open) -> None:
    app = opened(open_page)
    assert app.selectbox(key="right").value == "positive"
    app.text_area(key="text").set_value("The sea was wild.").run()
    assert app.selectbox(key="right").value == "(not known)"
    assert "to the letter" not in captions(answered(app))
    app.selectbox(key="right").set_value("negative").run()
    assert "“negative”" in captions(answered(app)) and "to the letter" in captions(app)
    app = opened(open_page, view="Answers", text="The sea was wild.")
    assert "Choose the right answer below" in captions(app)
    assert "is the most probable answer" in captions(app)


@pytest.mark.feature("Order and labels of the examples shuffled by a seed")
def test_order_and_labels_are_shuffled_by_the_seed(open_page: Open) -> None:
    ways: dict[str, Shuffle] = {"order shuffled": "order", "answers shuffled": "labels"}
    for words, how in ways.items():
        app = opened(open_page, shuffle=words, prompt_seed="4")
        expected = shuffled(SENTIMENT.prompt, how, 4)
        assert sent(app) == expected.text(5) != SENTIMENT.prompt.text(5)
        # The list keeps the order in which it was written.
        assert read_examples(app.session_state["examples"]) == SENTIMENT.examples


def test_stopped_answers_stay_and_are_not_begun_again(open_page: Open) -> None:
    app = opened(open_page, writes="no", text="The boat was lovely, and so was the sea.")
    assert texts(app) == [""] * 5
    app.button(key="prompting-write").click().run()
    assert all(texts(answered(app)))


# Bad input


def test_no_example_is_one_column(open_page: Open) -> None:
    app = opened(open_page, examples=" ")
    assert names(app) == ["No example"]
    assert sent(app) == SENTIMENT.prompt.text(0)
    app = opened(open_page, examples=" ", view="Attention")
    assert "There is no example" in sentences(app)[0]


def test_two_hundred_examples_say_which_are_left_out(open_page: Open) -> None:
    many = tuple(Example(f"Dish number {n} was good.", "positive") for n in range(1, 201))
    app = opened(open_page, examples=write_examples(many))
    assert names(app)[-1] == "5 examples" and sentences(app) == []
    fit = engine().examples_that_fit(MODEL, replace(SENTIMENT.prompt, examples=many), 8)
    assert 5 < fit < 200
    assert f"Examples {fit + 1} to 200 do not fit into the 512 positions" in captions(app)
    assert "… and 188 more: edit them as text." in captions(app)
    for view in ("Answers", "Attention", "Accuracy"):
        assert sentences(opened(open_page, examples=write_examples(many), view=view)) == []


def test_an_empty_question_is_a_sentence_and_the_builder_stays(open_page: Open) -> None:
    for view in ("Columns", "Answers", "Attention"):
        app = opened(open_page, text=" ", view=view)
        assert any("The question is empty" in one for one in sentences(app))
        assert app.text_input(key="example-asked-1").value


def test_a_question_over_the_window_is_a_sentence(open_page: Open) -> None:
    app = opened(open_page, text="é" * 500, new_tokens="64")
    assert any("512 positions" in one for one in sentences(app))
    assert app.text_area(key="text").value == "é" * 500


def test_hostile_text_is_shown_and_never_obeyed(open_page: Open) -> None:
    for view in ("Columns", "Answers", "Attention", "Chat"):
        app = opened(
            open_page,
            view=view,
            text=HOSTILE,
            instruction=HOSTILE,
            ask=HOSTILE[:30],
            reply=HOSTILE[:30],
            examples=f"{HOSTILE} => {HOSTILE}",
            answers=f"{HOSTILE} | b",
            system=HOSTILE,
            said2=HOSTILE,
        )
        for one in components(app, "atlas_picture"):
            assert "<img" not in one["svg"]
        for markdown in [*app.markdown, *app.caption, *app.error, *app.warning]:
            assert "<img" not in markdown.value.replace("\\<", "")


# Answers


@pytest.mark.feature("Probability of each admissible answer against the number of examples")
def test_bars_and_curve_hold_the_probabilities_of_the_answers(open_page: Open) -> None:
    app = opened(open_page, view="Answers")
    scores = engine().answer_scores(
        MODEL, [SENTIMENT.prompt] * 5, [0, 1, 2, 3, 5], SENTIMENT.answers
    )
    bars, curve = (one["svg"] for one in components(app, "atlas_picture")[:2])
    for row in range(2):
        for column, count in enumerate((0, 1, 2, 3, 5)):
            assert f'data-id="a{row}n{count}"' in bars
            assert f"raw {100 * scores.raw[column, row]:.1f} %" in bars
            assert f">{100 * scores.normalized[column, row]:.1f} %" in bars
    assert all(f'data-id="n{count}"' in curve for count in range(7))
    assert "The right answer first has half the probability with 1 example." in captions(app)


def test_labels_of_several_tokens_are_said_and_compared(open_page: Open) -> None:
    app = opened(open_page, view="Answers", answers="positive | quite wonderful indeed | no")
    bars = components(app, "atlas_picture")[0]["svg"]
    ids = engine().tokenized(MODEL, " quite wonderful indeed")
    assert f"{len(ids)} tokens" in bars and len(ids) > 2
    app = opened(open_page, view="Answers", answers="|")
    assert any("No admissible answer" in one for one in sentences(app))


def test_other_orders_show_how_fragile_the_answer_is(open_page: Open) -> None:
    app = opened(open_page, view="Answers", orders="true")
    curve = components(app, "atlas_picture")[1]["svg"]
    assert curve.count("<polyline") == 2 + 6
    assert "In 6 other orders its share" in captions(app)


# Accuracy


def test_accuracy_is_measured_on_demand_and_is_the_same_again(open_page: Open) -> None:
    app = opened(open_page, view="Accuracy", items="12", prompt_seed="9")
    assert "Nothing is measured yet: 12 held-out items" in captions(app)
    app.button(key="accuracy-begin").click().run()
    latest = time.monotonic() + 60
    while not app.button(key="accuracy-stop").disabled:
        assert time.monotonic() < latest
        time.sleep(0.2)
        app.run()
    assert not crash(app), crash(app)
    said = captions(app)
    assert "of 12 are right" in said and "Guessing would give 50 %" in said
    again = opened(open_page, view="Accuracy", items="12", prompt_seed="9")
    assert captions(again) == said
    svg = components(app, "atlas_picture")[0]["svg"]
    assert svg.count("95 % interval") >= 5 and 'data-id="n5"' in svg


def test_tasks_without_fixed_answers_are_not_graded(open_page: Open) -> None:
    app = opened(open_page, view="Accuracy", prompt_task="Python")
    assert "no fixed answers" in sentences(app)[0]
    app = opened(open_page, view="Accuracy", answers="yes | no")
    assert "which is no admissible answer" in sentences(app)[0]


# Attention


@pytest.mark.feature("Attention of the answer to the examples")
def test_the_head_that_copies_the_label_is_shown_first(open_page: Open) -> None:
    app = opened(open_page, view="Attention")
    found = engine().sources(MODEL, SENTIMENT.prompt, 5)
    layer, head = found.copying
    assert app.selectbox(key="copy_head").value == f"{layer + 1}.{head + 1}"
    share = 100 * float(found.to_same[layer, head])
    assert f"Head {layer + 1}.{head + 1} gives" in captions(app)
    assert f"{share:.1f} % to those that begin alike" in captions(app)
    text = components(app, "atlas_picture")[1]["svg"]
    assert text.count('data-id="t') == len(found.tokens)
    app.selectbox(key="copy_head").set_value("1.1").run()
    assert "Head 1.1 gives" in captions(app) and not crash(app)
    app = opened(open_page, view="Attention", column="c1")
    assert "Choose a column with some" in sentences(app)[0]


# Chat


@pytest.fixture
def talker(models: Path) -> str:
    folder = shutil.copytree(catalog.SHIPPED / MODEL, models / "talker")
    card = json.loads((folder / "card.json").read_text())
    (folder / "card.json").write_text(json.dumps(card | {"template": TEMPLATE}))
    return "talker"


@pytest.mark.feature("Chat through the model's own template beside plain text")
def test_a_chat_goes_on_turn_by_turn_beside_plain_text(open_page: Open, talker: str) -> None:
    address = {"view": "Chat", "model": talker, "system": "Be brief.", "new_tokens": "6"}
    app = opened(open_page, text="Who is there?", said2="And who else?", **address)
    roles = [one.name for one in app.chat_message]
    assert roles == ["system", "user", "assistant", "user", "assistant"]
    said = [one.text[0].value for one in app.chat_message]
    assert said[0] == "Be brief." and said[1] == "Who is there?" and said[3] == "And who else?"
    plain, rendered = (one.value for one in unfolded(app, "chat-as-read").code)
    assert plain.startswith("And who else?") and len(plain) > len("And who else?")
    assert rendered == (
        f"<s>system: Be brief.\n<s>user: Who is there?\n<s>assistant: {said[2]}\n"
        "<s>user: And who else?\nassistant:"
    )
    assert "The conversation takes" in captions(app)
    # The answer is what the engine writes after the rendered turns.
    ids = tuple(engine().bare(talker, rendered).ids.tolist())
    task = Task(talker, ids, seed=1, limit=6)
    (alone_,) = engine().write(task, [Line.parse("greedy")], viewer="x", patience=30)
    assert said[4] == (alone_.text.strip() or "…")


def test_a_model_without_a_template_says_what_to_add(open_page: Open) -> None:
    app = opened(open_page, view="Chat")
    said = app.info[0].value.replace("\\", "")
    assert "has no chat template" in said and "SmolLM2 135M Instruct" in said
    assert sentences(app) == []


def test_a_template_that_raises_is_a_sentence(open_page: Open, models: Path) -> None:
    folder = shutil.copytree(catalog.SHIPPED / MODEL, models / "fails")
    card = json.loads((folder / "card.json").read_text())
    template = "{{ raise_exception('no system, please') }}"
    (folder / "card.json").write_text(json.dumps(card | {"template": template}))
    app = opened(open_page, view="Chat", model="fails", system="x")
    assert "no system, please" in sentences(app)[0]
    assert app.text_input(key="system").value == "x"


# Links and files


def test_a_link_opens_the_same_page(open_page: Open) -> None:
    address = {
        "model": MODEL, "view": "Answers", "prompt_task": "Where is it? (in a tale)",
        "text": "Tom left the hat in the garden.\nQuestion: Where is the hat?",
        "instruction": "Look for it.", "ask": "Tale", "reply": "Place",
        "examples": "a => b\nc\\nd => e", "answers": "in the garden | b", "right": "b",
        "shuffle": "order shuffled", "prompt_seed": "7", "new_tokens": "5",
        "setting": "top-p 0.9", "ends": "empty line", "orders": "true", "column": "c2",
    }  # fmt: skip
    app = opened(open_page, **address)
    assert sentences(app) == []
    (button,) = components(app, "atlas_copy")
    assert {key: button["values"].get(key) for key in address} == address
    again = opened(open_page, **button["values"])
    assert [one["svg"] for one in components(again, "atlas_picture")] == [
        one["svg"] for one in components(app, "atlas_picture")
    ]


def test_the_table_holds_every_answer_after_every_prompt(open_page: Open) -> None:
    app = opened(open_page, view="Answers")
    app.session_state["table-answers"] = True
    app.run()
    (table,) = tables(app)
    assert len(table["answer"]) == 10 and set(table["answer"]) == set(SENTIMENT.answers)


def test_words_of_answers_read_back() -> None:
    for answers in (("a", "b c"), ("def f():\n    return 1", "x")):
        assert plans.read_answers(plans.write_answers(answers)) == answers
