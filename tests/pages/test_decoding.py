"""The Decoding page by AppTest: columns, settings, links, bad input; writing is a thread's work."""

import time

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from engine.decoding import generation, writing
from engine.decoding.beams import Search
from engine.decoding.continuation import Line
from engine.decoding.sampling import Sampling
from engine.jobs import registry
from engine.values import Reading
from pages.decoding.plan import PRESETS, START
from pages.shell import controls
from pages.shell.cache import engine
from tests.pages.conftest import Act, Open, components, sentences

PAGE = "5_Decoding"


def settled(app: AppTest) -> AppTest:
    """Run the page again once everything is written."""
    app.run()
    end = time.monotonic() + 30
    while any(job.key.startswith("write:") for job in registry.running()):
        assert time.monotonic() < end
        time.sleep(0.02)
    return app.run()


def lines(app: AppTest) -> list[str]:
    """The columns' settings, as the address has them."""
    values = [app.query_params.get(f"c{number}") for number in range(1, 7)]
    return [value if isinstance(value, str) else value[-1] for value in values if value]


def written(app: AppTest) -> list[str]:
    """The text of each column, from what the session shows."""
    return ["".join(column.texts) for column in app.session_state["decoding-shown"][1]]


def press(app: AppTest, key: str) -> AppTest:
    app.button(key=key).click()
    return settled(app)


SIX = {f"c{n}": text for n, text in enumerate(PRESETS[:6], 1)}


@pytest.mark.feature("N settings side by side")
def test_the_page_opens_with_columns_of_a_quick_run_and_says_so(open_page: Open):
    app = settled(open_page(PAGE))
    assert not app.exception and not sentences(app)
    _, texts = app.session_state["decoding-shown"]
    assert [text.line for text in texts] == list(START) and len(texts) < 6  # room for one more
    assert all(len(text.tokens) == 20 for text in texts)
    assert app.button(key="decoding-write").label == "Generate 20 more tokens"
    assert app.button(key="decoding-stop").disabled
    said = [caption.value.replace("\\", "") for caption in app.caption]
    assert any(one.startswith("A quick first run: 3 settings, 20 new tokens each.") for one in said)
    assert any("equal choices" in one for one in said)
    assert components(app, "atlas_columns")[0]["room"]


def test_the_quick_run_is_made_once_for_everybody(open_page: Open, monkeypatch: pytest.MonkeyPatch):
    text = "The lighthouse keeper lost"
    settled(open_page(PAGE, text=text))
    runs: list[int] = []
    monkeypatch.setattr(writing, "generate", lambda *a, **k: runs.append(1) or iter(()))
    app = open_page(PAGE, text=text)
    assert all(len(column.tokens) == 20 for column in app.session_state["decoding-shown"][1])
    assert not runs and not app.exception


def test_more_tokens_go_on_where_the_text_ended(open_page: Open):
    app = settled(open_page(PAGE, **SIX, length="12"))
    before = written(app)
    app = press(app, "decoding-write")
    assert not app.exception and not sentences(app)
    assert app.number_input(key="length").value == 32
    after = written(app)
    assert all(a.startswith(b) for a, b in zip(after, before, strict=True) if b)
    assert any(len(text.tokens) == 32 for text in app.session_state["decoding-shown"][1])
    assert app.query_params["length"] in ("32", ["32"])


def test_nothing_more_is_offered_at_the_most_tokens(open_page: Open):
    app = settled(open_page(PAGE, c1="greedy", length="256"))
    assert app.button(key="decoding-write").disabled
    assert "256" in app.button(key="decoding-write").help


def test_a_link_writes_the_same_texts_again(open_page: Open):
    first = settled(open_page(PAGE, length="10", seed="7"))
    again = settled(open_page(PAGE, length="10", seed="7", write="yes"))  # as links of old
    assert written(again) == written(first) and all(written(again))
    other = settled(open_page(PAGE, length="10", seed="8", write="yes"))
    assert written(other)[0] == written(first)[0]  # greedy knows no seed
    assert written(other)[1] != written(first)[1]


def test_a_slider_changes_its_column_and_no_other(open_page: Open):
    app = settled(open_page(PAGE, **SIX, length="10", at="c3"))
    before = written(app)
    app.slider(key="set-top_p").set_value(0.5)
    app = settled(app)
    assert lines(app)[2] == "temperature 0.7, top-p 0.5"
    after = written(app)
    assert after[:2] + after[3:] == before[:2] + before[3:]


def test_a_slider_acts_without_a_model_run(open_page: Open, monkeypatch: pytest.MonkeyPatch):
    app = settled(open_page(PAGE, c1="greedy", c2="pure sampling", at="c2", write="no"))
    runs: list[int] = []
    monkeypatch.setattr(generation, "Decoder", lambda *a, **k: runs.append(1))
    for value in (0.5, 1.5, 0.9):
        app.slider(key="set-temperature").set_value(value).run()
        assert lines(app)[1] == f"temperature {value:g}"
    assert not runs and not app.exception


@pytest.mark.feature("Greedy as a first-class mode")
def test_temperature_zero_is_greedy_and_greys_the_filters(open_page: Open):
    app = settled(open_page(PAGE, at="c3"))
    app.slider(key="set-temperature").set_value(0.0).run()
    assert lines(app)[2] == "greedy, top-p 0.9"
    assert app.slider(key="set-top_p").disabled
    assert any("nothing is sampled" in caption.value for caption in app.caption)
    (formula,) = [one.value for one in app.latex]
    assert "max_j" in formula and "e^" not in formula and "T" not in formula
    assert not any("$T$" in caption.value for caption in app.caption)


def test_what_a_slider_sets_is_kept_exactly_and_written_in_short(open_page: Open):
    app = open_page(PAGE, c1="pure sampling")
    app.slider(key="set-top_p").set_value(0.35).run()
    (line,) = [app.session_state["atlas"].values[f"c{n}"] for n in (1,)]
    assert line == Line(Sampling(top_p=0.35)) and lines(app)[0] == "top-p 0.35"


def test_a_preset_is_one_choice(open_page: Open):
    app = open_page(PAGE, at="c1")
    app.selectbox(key="decoding-preset").set_value("typical 0.9").run()
    assert lines(app)[0] == "typical 0.9"
    assert app.slider(key="set-typical").value == 0.9


def test_columns_are_removed_added_and_brought_back(open_page: Open):
    app = settled(open_page(PAGE, **SIX, length="4", at="c2"))
    assert app.button(key="decoding-add").disabled
    app.button(key="decoding-remove").click().run()
    assert lines(app)[:2] == ["greedy", "temperature 0.7"] and len(lines(app)) == 5
    app.button(key="decoding-add").click().run()
    assert lines(app)[-1] == "pure sampling"
    app.button(key="decoding-undo-last").click().run()
    app.button(key="decoding-undo-last").click().run()
    assert lines(app)[1] == "pure sampling" and len(lines(app)) == 6


@pytest.mark.feature("Force a token by hand")
def test_a_forced_token_grows_a_branch_and_undo_takes_it_back(open_page: Open, acts: Act):
    app = settled(open_page(PAGE, c1="greedy", length="8", at="c1 t3", write="yes"))
    (before,) = app.session_state["decoding-shown"][1]
    token = before.tokens[2]
    other = int(token.best[1])
    app = settled(acts(app, f"n{other}", "beside"))
    assert lines(app) == ["greedy", f"greedy @2={other}"]
    trunk, branch = app.session_state["decoding-shown"][1]
    assert trunk.ids == before.ids
    assert branch.ids[:3] == [*before.ids[:2], other] and len(branch.ids) == 8
    app = press(app, "decoding-undo-last")
    assert lines(app) == ["greedy"]


@pytest.mark.parametrize("act", ["force", "beside"])
def test_a_candidate_is_forced_and_taken_back_where_it_stands(open_page: Open, acts: Act, act: str):
    app = settled(open_page(PAGE, c1="pure sampling", length="8", at="c1 t3", write="yes"))
    before = written(app)
    other = int(app.session_state["decoding-shown"][1][0].tokens[2].best[1])
    app = settled(acts(app, f"n{other}", act))
    assert f"@2={other}" in lines(app)[-1] and not app.exception
    app = settled(acts(app, f"n{other}", "undo"))
    assert lines(app) == ["pure sampling"] and written(app) == before
    assert app.query_params["at"] in ("c1 t3", ["c1 t3"])  # the same bars


def test_a_token_that_a_link_forced_is_taken_back_where_it_stands(open_page: Open, acts: Act):
    app = settled(open_page(PAGE, c1="greedy @1=77 @3=40", at="c1 t4", length="6", write="yes"))
    app = settled(acts(app, "n40", "undo"))
    assert lines(app) == ["greedy @1=77"] and all(written(app))
    app.session_state["atlas"].values["at"] = "c1 t2"
    app = settled(app)
    app = settled(acts(app, "n77", "undo"))
    assert lines(app)[0] == "greedy"


def test_what_cannot_be_forced_offers_nothing(open_page: Open, acts: Act):
    bert = open_page(PAGE, model="tales-bert", text="The [MASK] sat.")
    for app in (settled(open_page(PAGE, c1="beam 2", length="4", write="yes")), bert):
        assert not app.exception and not [b for b in app.button if str(b.key).startswith("act ")]
    six = settled(open_page(PAGE, **SIX, length="4", at="c1 t2", write="yes"))
    keys = [str(b.key) for b in six.button if str(b.key).startswith("act ")]
    assert keys and all(key.endswith(" force") for key in keys)  # no room for a seventh column


def test_a_link_holds_a_forced_token(open_page: Open):
    app = settled(open_page(PAGE, c1="greedy @1=77", length="4", write="yes"))
    assert app.session_state["decoding-shown"][1][0].ids[1] == 77


def test_the_bars_are_those_of_the_place_in_the_link(open_page: Open):
    app = settled(open_page(PAGE, c1="pure sampling", length="6", at="c1 t4", write="yes"))
    (column,) = app.session_state["decoding-shown"][1]
    ids = (*app.session_state["decoding-shown"][0].ids, *column.ids[:3])
    logits = engine().following("tales-gpt", ids)
    own = np.exp(logits - logits.max()) / np.exp(logits - logits.max()).sum()
    assert own[column.ids[3]] == pytest.approx(column.tokens[3].probability, abs=1e-5)
    assert any("new token 4" in text.value for text in app.markdown)


@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        ({"c2": "top-p 2"}, "Column 2: top-p must be in (0, 1], got 2; it is left out."),
        ({"c2": "beam 4, top-k 2"}, "Column 2: beam search samples nothing"),
        ({"c2": "beam 4, length penalty 9"}, "length penalty must be in [-2, 4], got 9"),
        ({"stop": "x" * 41}, "does not exist here"),
        ({"c1": "<script>"}, "is not a setting"),
        ({"c1": "greedy @x"}, "no forced token"),
        ({"at": "c9 t2"}, "c9 t2 does not exist here"),
        ({"seed": "-1"}, "-1: it goes from 0"),
        ({"length": "9999"}, "9999: it goes from 1"),
        ({"tint": "pink"}, "pink is none of"),
        ({"temperature": "abc"}, "temperature abc is not a number; column 1 stays as it is."),
        ({"top_p": "0"}, "top-p must be in (0, 1], got 0; column 1 stays as it is."),
        ({"top_k": "-3"}, "top-k must be 0 (off) or more"),
        ({"text": "   "}, "text"),
        ({"text": "word " * 900}, "tokens"),
        ({"candidate": "n999999999"}, "candidate"),
    ],
)
def test_a_link_that_makes_no_sense_gets_one_sentence(
    open_page: Open, address: dict[str, str], sentence: str
):
    app = open_page(PAGE, **address)
    assert not app.exception
    assert len(sentences(app)) == 1 and sentence in sentences(app)[0]


def test_a_link_may_set_one_number(open_page: Open):
    app = open_page(PAGE, at="c2", temperature="0.4", top_k="7").run()
    assert not sentences(app)
    assert lines(app)[1] == "temperature 0.4, top-k 7"


def test_a_stop_text_ends_columns(open_page: Open):
    app = settled(open_page(PAGE, c1="temperature 0.7", length="60", stop=".", write="yes"))
    (text,) = written(app)
    assert "." in text and text.rstrip().rstrip('."').count(".") == 0


def test_several_stop_texts_are_given_a_newline_among_them(open_page: Open):
    app = open_page(PAGE, c1="greedy", length="4", stop=r"\n", stop2="zebra")
    task, _ = app.session_state["decoding-shown"]
    assert task.stops == ("\n", "zebra") and not sentences(app)
    assert app.text_input(key="stop-text").value == r"\n"
    app.text_input(key="stop3-text").set_value(r"a\tb").run()
    assert app.session_state["decoding-shown"][0].stops == ("\n", "zebra", "a\tb")
    assert app.query_params["stop3"] in (r"a\tb", [r"a\tb"])
    app.text_input(key="stop-text").set_value("").run()
    assert app.session_state["decoding-shown"][0].stops == ("zebra", "a\tb")


def test_the_saved_columns_are_tinted_as_on_the_screen(open_page: Open):
    app = settled(open_page(PAGE, c1="pure sampling", length="12", write="yes"))
    app.session_state["share-columns"] = True  # the menu is open: files are made then
    for tint, expected in (("rank", True), ("probability", False), ("rank", True)):
        app.button_group(key="tint").set_value(tint).run()
        (saved,) = [one["svg"] for one in components(app, "atlas_png") if "svg" in one]
        assert ("--atlas-rank-" in saved) == expected, tint
        assert ("--atlas-probability" in saved) != expected, tint


def test_a_stop_keeps_what_was_written(open_page: Open):
    app = settled(open_page(PAGE, length="6", write="yes"))
    texts = written(app)
    app.session_state["atlas"].values["write"] = "no"
    app.run()
    assert written(app) == texts and app.query_params["write"] in ("no", ["no"])
    assert app.button(key="decoding-write").label == "Generate 20 more tokens"


@pytest.mark.feature("Distribution over many sampled runs")
def test_many_runs_of_one_setting_are_written_and_counted(open_page: Open):
    app = settled(open_page(PAGE, view="Many runs", runs="8", at="c2", length="6"))
    assert not app.exception and not sentences(app)
    _, runs = app.session_state["decoding-shown"]
    assert [column.line.run for column in runs] == list(range(8))
    assert {str(column.line.sampling) for column in runs} == {"temperature 0.7"}
    assert any("texts are different" in caption.value for caption in app.caption)
    assert any("different first tokens in 8 runs" in caption.value for caption in app.caption)


def test_many_runs_of_greedy_are_one_text(open_page: Open):
    app = settled(open_page(PAGE, view="Many runs", runs="8", length="5", at="c1"))
    assert any("All 8 runs have the same text" in caption.value for caption in app.caption)
    assert any(c.value.startswith("1 first token in 8 runs") for c in app.caption)


def test_many_runs_open_on_a_setting_that_samples(open_page: Open):
    app = settled(open_page(PAGE, view="Many runs", runs="8", length="5"))
    _, runs = app.session_state["decoding-shown"]
    assert {str(run.line) for run in runs} == {"temperature 0.7"} and len(runs) == 8
    assert app.query_params["at"] in ("c2", ["c2"])
    # and when one turns to them from a greedy column
    app = settled(open_page(PAGE, c1="greedy", c2="beam 2", c3="top-k 5", at="c1", length="5"))
    app.button_group(key="view").set_value("Many runs")
    app = settled(app)
    assert {str(run.line) for run in app.session_state["decoding-shown"][1]} == {"top-k 5"}
    # a person who then chooses the greedy column has it
    app.button_group(key="decoding-column-3").set_value(0)
    app = settled(app)
    assert {str(run.line) for run in app.session_state["decoding-shown"][1]} == {"greedy"}


def test_the_column_before_is_no_choice_once_while_a_new_one_is_on_its_way(
    open_page: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(controls, "ON_ITS_WAY", 60.0)  # however slow this machine is
    app = settled(open_page(PAGE, c1="greedy", c2="temperature 0.7", length="8", at="c2 t4"))
    app.button(key="decoding-add").click()
    assert settled(app).session_state["atlas"].values["at"] == "c3"
    app.button_group(key="decoding-column-3").set_value(1)
    assert settled(app).session_state["atlas"].values["at"] == "c3"
    app.button_group(key="decoding-column-3").set_value(1)  # and now somebody means it
    assert settled(app).session_state["atlas"].values["at"] == "c2"


def test_sliders_of_the_setting_before_do_not_undo_a_chosen_one(
    open_page: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(controls, "ON_ITS_WAY", 60.0)
    app = settled(open_page(PAGE, c1="greedy", length="5"))
    app.selectbox(key="decoding-preset").set_value("top-p 0.9")
    app = settled(app)
    app.slider(key="set-top_p").set_value(1.0)
    assert str(settled(app).session_state["atlas"].values["c1"]) == "top-p 0.9"
    monkeypatch.setattr(controls, "ON_ITS_WAY", 0.0)
    app.slider(key="set-top_p").set_value(1.0)
    assert str(settled(app).session_state["atlas"].values["c1"]) == "pure sampling"


def test_a_column_that_the_browser_tells_of_late_leaves_its_token(open_page: Open) -> None:
    # A run that was replaced draws the control in the browser alone: what stands in it is news.
    app = settled(open_page(PAGE, c1="greedy", c2="temperature 0.7", length="8", at="c2 t4"))
    column = app.button_group(key="decoding-column-2")
    app.session_state["decoding-column-2"] = 0
    column.set_value(1)
    assert settled(app).session_state["atlas"].values["at"] == "c2 t4"
    app.button_group(key="decoding-column-2").set_value(0)
    assert settled(app).session_state["atlas"].values["at"] == "c1"


def test_an_encoder_decoder_writes_columns_too(open_page: Open):
    app = settled(
        open_page(
            PAGE, model="fr-en", text="Le chat dort.", write="yes", length="12",
            c1="greedy", c2="beam 4", c3="temperature 0.7",
        )
    )  # fmt: skip
    assert not app.exception and not sentences(app)
    task, columns = app.session_state["decoding-shown"]
    assert task.ids == (engine().card("fr-en").generation.start,) and len(task.source) > 3
    assert all(column.tokens and column.end for column in columns)
    assert any("The first token" in text.value for text in app.markdown)


def test_a_masked_model_fills_a_gap_with_the_same_bars(open_page: Open):
    app = open_page(
        PAGE, model="tales-bert", text="The [MASK] said that the [MASK] was red.", gap="2", at="c2"
    )
    assert not app.exception and not sentences(app)
    assert app.selectbox(key="decoding-preset").label == "Preset"
    assert any("The masked token" in text.value and "was red" in text.value
               for text in app.markdown)  # fmt: skip
    app.slider(key="set-temperature").set_value(0.5).run()
    assert any("model probability" in caption.value for caption in app.caption)
    assert any("sharpens" in caption.value for caption in app.caption)


def test_a_text_without_a_gap_gets_one(open_page: Open):
    app = open_page(PAGE, model="tales-bert", text="The cat sat on the mat.")
    assert not app.exception
    assert not any("Greedy" in caption.value for caption in app.caption)  # opens on all guesses
    (said,) = [box.value for box in app.info if "no" in box.value and "masked" in box.value]
    assert "The cat sat on the \\[MASK\\]\\." in said


def test_a_text_without_a_word_has_no_gap(open_page: Open):
    app = open_page(PAGE, model="tales-bert", text="?!")
    assert not app.exception and "no word to mask" in sentences(app)[0]


@pytest.mark.feature("Seed control")
def test_another_seed_is_the_next_and_writes_anew(open_page: Open):
    app = settled(open_page(PAGE, length="6", c1="pure sampling", seed="4", write="yes"))
    before = written(app)
    app = press(app, "decoding-seed")
    assert not app.exception and not sentences(app)
    assert app.number_input(key="seed").value == 5
    assert written(app) != before and all(written(app))


def test_a_browser_that_has_not_heard_of_the_next_seed_does_not_take_it_back(
    open_page: Open, monkeypatch: pytest.MonkeyPatch
):
    app = settled(open_page(PAGE, length="6", c1="pure sampling", seed="4", write="yes"))
    app = press(app, "decoding-seed")
    app.number_input(key="seed").set_value(4)  # what a click sends that was quicker than the answer
    assert app.run().number_input(key="seed").value == 5
    app.number_input(key="seed").set_value(9)  # a number that was not there before was typed
    assert app.run().number_input(key="seed").value == 9
    app = press(app, "decoding-seed")
    monkeypatch.setattr(controls, "ON_ITS_WAY", 0.0)
    app.number_input(key="seed").set_value(9)
    assert app.run().number_input(key="seed").value == 9


def test_another_seed_for_an_encoder_decoder(open_page: Open):
    app = settled(
        open_page(PAGE, model="fr-en", text="Le chat dort.", c1="greedy", write="yes", length="9")
    )
    app = press(app, "decoding-seed")
    assert not app.exception and not sentences(app)
    assert app.number_input(key="seed").value == 2 and all(written(app))


@pytest.mark.feature("Rewind / branch")
def test_branches_are_kept_walked_compared_and_taken_back(open_page: Open, acts: Act):
    app = settled(open_page(PAGE, c1="greedy", length="8", at="c1 t3", write="yes"))
    (before,) = app.session_state["decoding-shown"][1]
    other = int(before.tokens[2].best[1])
    app = settled(acts(app, f"n{other}", "force"))
    branch = f"greedy @2={other}"
    assert lines(app) == [branch] and app.query_params["b1"] == "greedy"
    new, folded = app.session_state["decoding-shown"][1]
    assert folded.ids == before.ids and new.ids[:3] == [*before.ids[:2], other]
    assert any(caption.value.startswith("2 branches") for caption in app.caption)
    # the tree travels in the link, and what was folded comes out the same
    link = {key: value for key, value in app.query_params.items() if key != "candidate"}
    again = settled(open_page(PAGE, **link))
    assert [c.ids for c in again.session_state["decoding-shown"][1]] == [new.ids, folded.ids]
    # side by side, and back
    app = press(app, "decoding-unfold")
    assert lines(app) == [branch, "greedy"] and "b1" not in app.query_params
    app = press(app, "decoding-undo-last")
    assert lines(app) == [branch] and app.query_params["b1"] == "greedy"
    app = press(app, "decoding-forget")
    assert "b1" not in app.query_params
    app = press(app, "decoding-undo-last")
    app = press(app, "decoding-undo-last")
    assert lines(app) == ["greedy"] and "b1" not in app.query_params


def test_a_folded_branch_that_makes_no_sense_is_one_sentence(open_page: Open):
    app = open_page(PAGE, c1="greedy", b1="heat 3")
    assert not app.exception and sentences(app)[0].startswith("Branch 1: ")


@pytest.mark.timeout(600)
def test_a_language_is_chosen_here_too(open_page: Open, told_models: None):
    """What greedy writes in a language is the greedy translation into it; the mark is given."""
    address = {"model": "m2m-languages", "text": "The cat sat.", "c1": "greedy", "length": "8"}
    for language in ("__fr__", "__de__"):
        app = settled(open_page(PAGE, **address, to=language, write="yes"))
        assert not app.exception and not sentences(app)
        assert app.selectbox(key="to").value == language
        (column,) = app.session_state["decoding-shown"][1]
        found = (
            engine()
            .translation_trace(
                Reading("m2m-languages", "The cat sat."), Search(limit=9), language=language
            )
            .translation
        )
        assert found.written()[0] == engine().card("m2m-languages").generation.languages[language]
        assert column.ids == list(found.written()[1:9])
    app = settled(open_page(PAGE, model="t5-tasks", text="The cat sat.", c1="greedy", write="yes",
                            task="summarize: ", length="5"))  # fmt: skip
    task = app.session_state["decoding-shown"][0]
    assert task.source == tuple(
        engine().tokens(Reading("t5-tasks", "summarize: The cat sat.")).ids.tolist()
    )


def test_a_model_without_a_prediction_head_says_what_it_is(
    open_page: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is no failure, and nothing is computed that there is not."""
    from dataclasses import replace

    from engine.local.models import Models

    real = Models.card
    monkeypatch.setattr(Models, "card", lambda *given: replace(real(*given), predicts=False))
    app = open_page(PAGE, model="tales-bert", text="The old king")
    assert not app.exception and not sentences(app)
    assert ["has no prediction head" in box.value for box in app.info] == [True]
