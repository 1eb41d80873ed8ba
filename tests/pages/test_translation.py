"""The Translation page, run without a browser: steps, links, forcing, comparing, bad input."""

import base64
import json
import re
from html import unescape

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from engine.attention.alignment import bleu, chrf
from engine.decoding.beams import Search
from engine.decoding.translation import Trace, Translation, prefix_ids, reference_reading
from engine.local.models import bundle
from engine.models import runtime
from engine.trace import tracing
from engine.values import Reading
from pages.shell.cache import engine
from pages.shell.components import offered
from pages.translation.compare.picture import different
from pages.translation.story import moments, number, percent
from tests.engine.tasks import MARKS
from tests.pages.conftest import Act, Open, crash, sentences, unfolded

PAGE = "4_Translation"
TEXT = "Il a mangé une pomme rouge."


def pictures(app: AppTest) -> dict[str, str]:
    """The SVG of each of our pictures on the page, by its element id."""
    found = {}
    for element in app.get("bidi_component"):
        data = json.loads(element.proto.json) if element.proto.json else {}
        if "svg" in data:
            found[element.proto.id] = data["svg"]
    return found


def picture(app: AppTest, key: str) -> str:
    return next(svg for name, svg in pictures(app).items() if key in name)


def said(app: AppTest) -> str:
    return " ".join(m.value for m in [*app.markdown, *app.caption]).replace("\\", "")


def ids_of(reference: str) -> tuple[int, ...]:
    """A reference's ids, its end mark included."""
    opened = bundle("fr-en")
    return (*prefix_ids(opened, reference), *opened.card.generation.ends[:1])


def translation_trace() -> Trace:
    own = translation()
    return engine().translation_trace(own.source_reading, own.search)


def translation(text: str = TEXT, **options) -> Translation:
    reading = Reading("fr-en", text)
    limit = 20 + 3 * len(engine().tokenized("fr-en", text))
    search = Search(options.pop("width", 4), limit=limit)
    return engine().translation_trace(reading, search, **options).translation


def at_end(app: AppTest) -> AppTest:
    """The page at the last step, where everything is written."""
    slider = app.slider(key="translation-step")
    return slider.set_value(slider.max).run()


@pytest.mark.feature("Live encoder-decoder run")
def test_the_page_opens_on_a_finished_translation(open_page: Open) -> None:
    app = open_page(PAGE, text=TEXT)
    assert not crash(app) and not sentences(app)
    found = translation()
    slider = app.slider(key="translation-step")
    assert slider.value == 1 and slider.max == moments(len(found.written()))
    assert picture(app, "translation-part-1")
    assert 'data-id="s0"' in picture(at_end(app), "translation-stage")
    assert len(app.dataframe[0].value) == len(found.found.hypotheses)


@pytest.mark.parametrize("step", range(1, 9))
def test_each_step_of_the_course_shows_this_sentences_numbers(open_page: Open, step: int) -> None:
    app = open_page(PAGE, text=TEXT, step=str(step))
    assert not crash(app) and not sentences(app)
    found = translation()
    n, written = len(found.source), said(app)
    assert f"**{step} " in written
    expected = {
        1: (f"split into {n} tokens",),
        2: (f"{n} ids", "256 learned numbers"),
        3: (f"all {n} tokens", "8 heads"),
        4: (f"{n} × 256 = {n * 256:,}",),
        5: (f"the {n} vectors",),
        6: (f"start token, id {found.prompt[0]}",),
        7: ("Token 1: one logit",),
        8: ("Token 2: one logit",),
    }
    assert all(part in written for part in expected[step]), written
    shown = " ".join(pictures(app))
    assert "translation-towers" in shown
    assert ("translation-stage" in shown) == (step >= 7)
    assert (f"translation-part-{step}" in shown) == (step < 7)


@pytest.mark.feature("Step slider over a cached trace")
def test_moving_in_time_never_runs_the_model(open_page: Open, monkeypatch) -> None:
    app = open_page(PAGE, text=TEXT)
    runs, drawn = [], set()
    plain = runtime.Bundle.turn  # every run of any graph has its turn
    monkeypatch.setattr(runtime.Bundle, "turn", lambda *a: (runs.append(a[1]), plain(*a))[1])
    for step in (*range(1, 10), 3):
        app.slider(key="translation-step").set_value(step).run()
        assert not crash(app)
        drawn.add(tuple(pictures(app).values()))
    assert runs == [] and len(drawn) == 9
    open_page(PAGE, text="Une phrase que personne n'a lue.")
    assert runs  # it would have been seen


def test_greedy_and_beams_are_what_the_engine_finds(open_page: Open) -> None:
    app = unfolded(open_page(PAGE, text=TEXT, search="Greedy"), "translation-options")
    assert list(app.dataframe[0].value["translation"]) == list(translation(width=1).texts)
    assert app.slider(key="beams").disabled
    app = open_page(PAGE, text=TEXT, beams="8")
    assert list(app.dataframe[0].value["translation"]) == list(translation(width=8).texts)


@pytest.mark.feature("Click a candidate, re-decode from that prefix")
def test_a_forced_beginning_comes_from_the_link_and_can_be_undone(open_page: Open) -> None:
    own = translation()
    options = own.found.tree.option_ids[0]
    other = next(int(i) for i in options if int(i) != own.written()[0])
    app = open_page(PAGE, text=TEXT, forced=str(other))
    assert not crash(app) and not sentences(app)
    found = translation(prefix=(other,))
    assert list(app.dataframe[0].value["translation"]) == list(found.texts)
    assert "forced" in picture(app, "translation-stage")
    assert "text-decoration" in picture(app, "translation-beside")
    app.button(key="translation-free").click().run()
    assert list(app.dataframe[0].value["translation"]) == list(own.texts)


def test_a_candidate_is_written_and_taken_back_where_it_stands(open_page: Open, acts: Act) -> None:
    app = open_page(PAGE, text=TEXT, step="9")
    own, shown = translation(), list(app.dataframe[0].value["translation"])
    place = 2
    options = translation_trace().scored.best_ids[place]
    ends = bundle("fr-en").card.generation.ends
    other = next(int(i) for i in options if int(i) not in (own.written()[place], *ends))
    app = acts(app, f"c{place}.{other}", "write")
    assert not crash(app)
    found = translation(prefix=(*own.written()[:place], other))
    assert list(app.dataframe[0].value["translation"]) == list(found.texts) != shown
    stage = picture(app, "translation-stage")
    assert offered(stage, f"c{place}.{other}") == ("undo",)
    assert app.slider(key="translation-step").value == app.slider(key="translation-step").max
    # another one over it, and both taken back, to the step that was shown at first
    first = next(int(i) for i in options if int(i) not in (other, *ends))
    app = acts(app, f"c{place}.{first}", "write")
    app = acts(app, f"c{place}.{first}", "undo")
    assert list(app.dataframe[0].value["translation"]) == list(found.texts)
    app = acts(app, f"c{place}.{other}", "undo")
    assert list(app.dataframe[0].value["translation"]) == shown
    assert app.slider(key="translation-step").value == 9 and "forced" not in app.query_params


def test_undo_leads_back_to_the_hypothesis_that_was_changed(open_page: Open, acts: Act) -> None:
    app = open_page(PAGE, text=TEXT, place="2", step="9")
    own, ends = translation(), bundle("fr-en").card.generation.ends
    second = engine().translation_trace(own.source_reading, own.search, place=1)
    written = own.written(1)[2]
    other = next(int(i) for i in second.scored.best_ids[2] if int(i) not in (written, *ends))
    app = acts(app, f"c2.{other}", "write")
    assert not crash(app) and app.session_state["place"] == 1
    app = acts(app, f"c2.{other}", "undo")
    assert not crash(app) and app.session_state["place"] == 2
    # what is asked for next begins with its best again
    app.text_area(key="text").set_value("Le chat dort.").run()
    assert not crash(app) and app.session_state["place"] == 1


def test_what_a_link_forced_is_taken_back_where_it_stands(open_page: Open, acts: Act) -> None:
    other = next(int(i) for i in translation_trace().scored.best_ids[0][1:])
    app = acts(open_page(PAGE, text=TEXT, forced=str(other)), f"t{0}", "undo")
    assert not crash(app) and "forced" not in app.query_params
    assert list(app.dataframe[0].value["translation"]) == list(translation().texts)
    assert "translation-stage" in " ".join(pictures(app))


@pytest.mark.parametrize("typed", [{"begin": "She"}, {"forced": "66-433-4"}])
def test_no_picture_shows_an_id_where_there_is_a_piece(open_page: Open, typed: dict) -> None:
    address = {"text": "Le petit chat noir dort sur la table de la cuisine.", **typed}
    for show in ("Step by step", "Alignment", "Compare"):
        app = open_page(PAGE, **address, show=show)
        assert not crash(app) and pictures(app)
        for svg in pictures(app).values():
            assert not re.findall(r"&lt;\d+&gt;", svg)


def test_a_typed_beginning_is_kept(open_page: Open) -> None:
    app = unfolded(open_page(PAGE, text=TEXT), "translation-options")
    app.text_input(key="translation-begin").set_value("She").run()
    assert not crash(app)
    assert all(text.startswith("She") for text in app.dataframe[0].value["translation"])


def test_another_sentence_is_shown_from_its_first_step(open_page: Open) -> None:
    app = open_page(PAGE, text=TEXT, step="3", place="2")
    assert app.slider(key="translation-step").value == 3
    for text in ("Bonjour.", "Les enfants jouent dans le jardin avec leur petit chien noir."):
        app.text_area(key="text").set_value(text).run()
        assert not crash(app) and not sentences(app)
        slider = app.slider(key="translation-step")
        assert slider.value == 1 and slider.max == moments(len(translation(text).written()))
        slider.set_value(2).run()
        assert "**2 Embed.**" in said(app)


def test_the_story_of_another_hypothesis_is_told(open_page: Open) -> None:
    app = open_page(PAGE, text=TEXT, place="2", step="9")
    assert not crash(app) and not sentences(app)
    assert "hypothesis 2 of 4" in said(app)
    assert app.slider(key="translation-step").max == moments(len(translation().written(1)))
    app.text_area(key="text").set_value("Bonjour.").run()
    assert "hypothesis" not in " ".join(c.value for c in app.caption)


@pytest.mark.feature("Cross-attention alignment view")
def test_alignment_shows_the_chosen_head(open_page: Open) -> None:
    app = open_page(PAGE, text=TEXT, show="Alignment", cross_layer="layer 2", cross_head="head 3")
    assert not crash(app) and not sentences(app)
    svg = picture(app, "translation-alignment")
    data = re.search(r'data-values="([^"]+)"', svg)
    assert data is not None
    limit = 20 + 3 * len(engine().tokenized("fr-en", TEXT))
    trace = engine().translation_trace(Reading("fr-en", TEXT), Search(4, limit=limit))
    drawn = np.frombuffer(base64.b64decode(data[1]), "<f2").reshape(trace.cross[1, 2].shape)
    assert np.allclose(drawn, trace.cross[1, 2], atol=1e-3)


@pytest.mark.feature("Reference diff / BLEU")
def test_compare_scores_a_reference(open_page: Open) -> None:
    reference = "He has eaten a red pear."
    app = open_page(PAGE, text=TEXT, show="Compare", reference=reference, against=["greedy"])
    assert not crash(app) and not sentences(app)
    table = app.dataframe[0].value
    assert list(table["which"]) == ["This translation", "greedy"]
    texts = [translation().texts[0].strip(), translation(width=1).texts[0].strip()]
    assert list(table["chrF"]) == [round(chrf(text, reference), 1) for text in texts]
    assert list(table["BLEU"]) == [round(bleu(text, reference), 1) for text in texts]
    assert 0 < table["BLEU"][0] <= 100
    compared = picture(app, "translation-compared")
    assert "Reference" in compared
    # what the first row does not say there is underlined, and nothing else
    marks = different(translation_trace().target, engine().texts("fr-en", ids_of(reference)))
    drawn = re.findall(r'data-id="v2\.(\d+)"[^>]*data-tip="([^"]*)"', compared)
    assert [("differs" in tip) for _, tip in drawn] == marks and any(marks)


@pytest.mark.feature("Score a forced target")
def test_a_whole_reference_is_scored_token_by_token(open_page: Open) -> None:
    reference = "She sold the blue car."
    app = open_page(PAGE, text=TEXT, show="Compare", reference=reference)
    assert not crash(app) and not sentences(app)
    ids = ids_of(reference)
    scored = engine().target_scores(reference_reading(translation(), ids), ids)
    compared = unescape(picture(app, "translation-compared"))
    assert f"sum {number(float(scored.log.sum()))}" in compared
    assert f"perplexity {scored.perplexity:.1f}" in compared
    assert all(f"{percent(float(p))}" in compared for p in scored.probabilities)
    least = float(scored.probabilities.min())
    assert percent(least) in said(app) and "most surprised" in said(app)


@pytest.mark.feature("Per-step top-k candidates", "Confidence per output token")
def test_each_place_has_its_candidates_and_its_confidence(open_page: Open) -> None:
    app = at_end(open_page(PAGE, text=TEXT))
    stage, own = picture(app, "translation-stage"), translation()
    trace = translation_trace()
    logits = tracing.logits(
        bundle("fr-en"), own.reading(), tuple(range(len(own.written())))
    ).logits.astype(np.float64)
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    for t, chosen in enumerate(own.written()):
        best = np.argsort(-shares[t])[:5].tolist()
        for token in best if chosen in best else [*best[:4], chosen]:
            tip = re.search(rf'data-id="c{t}\.{token}"[^>]*data-tip="([^"]*)"', stage)
            assert tip is not None and percent(float(shares[t, token])) in unescape(tip[1])
        tip = re.search(rf'data-id="t{t}"[^>]*data-tip="([^"]*)"', stage)
        sure = f"probability {percent(float(shares[t, chosen]))}"
        assert tip is not None and sure in unescape(tip[1])
        assert f"entropy {trace.scored.entropy[t]:.2f} bits" in tip[1]


@pytest.mark.feature("Beam tree")
@pytest.mark.parametrize("beams", [2, 5])
def test_the_tree_has_every_hypothesis_that_was_weighed(open_page: Open, beams: int) -> None:
    app = at_end(open_page(PAGE, text=TEXT, beams=str(beams), penalty="0.5"))
    limit = 20 + 3 * len(engine().tokenized("fr-en", TEXT))
    reading = Reading("fr-en", TEXT)
    tree = (
        engine().translation_trace(reading, Search(beams, 0.5, limit=limit)).translation.found.tree
    )
    stage = picture(app, "translation-stage")
    tips = dict(re.findall(r'data-id="n(\d+)"[^>]*data-tip="([^"]*)"', stage))
    assert list(map(int, tips)) == list(range(len(tree.token)))
    fates = {0: "pruned", 1: "kept", 2: "finished"}
    for node, tip in tips.items():
        n = int(node)
        assert f": {fates[int(tree.fate[n])]}" in tip
        assert f"log-probability {number(float(tree.log[n]))}" in tip
        assert f"sum so far {number(float(tree.running[n]))}" in tip
        assert f"score if it ended here {number(float(tree.score[n]))}" in tip


def test_what_if_the_sentence_were_another(open_page: Open) -> None:
    app = open_page(PAGE, text=TEXT, show="Compare", instead="Il a mangé une pomme verte.")
    assert not crash(app)
    assert "Another sentence" in picture(app, "translation-compared")


@pytest.mark.parametrize(
    ("address", "part"),
    [
        ({"step": "999"}, "Step 999"),
        ({"cross_layer": "layer 99"}, "layer 99"),
        ({"beams": "abc"}, "Beams"),
        ({"penalty": "7"}, "Length penalty 7"),
        ({"forced": "12-x"}, "Forced beginning"),
        ({"forced": "99999"}, "Forced beginning"),
        ({"search": "dice"}, "Search"),
        ({"pick": 'c0.5" data-on="t0'}, "Pick"),
        ({"text": "   "}, "empty"),
        ({"text": "bonjour " * 5000}, "256"),
    ],
)
def test_bad_links_and_texts_are_a_sentence(open_page: Open, address, part: str) -> None:
    app = open_page(PAGE, **{"text": TEXT, **address})
    assert not crash(app)
    assert any(part in sentence for sentence in sentences(app)), sentences(app)


@pytest.mark.parametrize(
    "text", ['<script>alert(1)</script> & "q"', "猫は眠る 😀", "مرحبا", "\x00\x01 a", "e\u0301" * 9]
)
def test_strange_texts_are_translated_as_well_as_may_be(open_page: Open, text: str) -> None:
    app = open_page(PAGE, text=text)
    assert not crash(app)
    assert not any("<script" in svg for svg in pictures(app).values())


def test_a_replaced_word_stands_beside_the_first_and_is_taken_back(open_page: Open) -> None:
    app = open_page(PAGE, text=TEXT, swap="15-20:poire")
    assert not crash(app) and not sentences(app)
    other = translation(TEXT.replace("pomme", "poire"))
    assert list(app.dataframe[0].value["translation"]) == list(other.texts)
    beside = picture(app, "translation-beside")
    assert "“poire” for “pomme”" in beside and "Original sentence" in beside
    assert app.text_area(key="text").value == TEXT
    app.button(key="translation-back").click().run()
    assert list(app.dataframe[0].value["translation"]) == list(translation().texts)
    assert "swap" not in app.query_params


@pytest.mark.feature("Edit source, compare old and new")
def test_a_source_word_is_clicked_typed_over_and_undone(open_page: Open) -> None:
    app = open_page(PAGE, text=TEXT, pick="s4")
    box = next(b for b in app.text_input if str(b.key).startswith("translation-swap-"))
    old = box.label.split("“")[1].split("”")[0]
    app.text_input(key=str(box.key)).set_value("poire").run()
    assert not crash(app)
    assert app.query_params["swap"].endswith(":poire")
    assert list(app.dataframe[0].value["translation"]) == list(
        translation(TEXT.replace(old, "poire")).texts
    )
    app = unfolded(app, "translation-options")
    app.text_input(key="translation-begin").set_value("She").run()
    assert all(text.startswith("She") for text in app.dataframe[0].value["translation"])
    app.button(key="translation-back").click().run()
    assert app.query_params["swap"].endswith(":poire") and "begin" not in app.query_params
    app.button(key="translation-back").click().run()
    assert "swap" not in app.query_params


def test_words_that_are_not_there_are_not_replaced(open_page: Open) -> None:
    app = open_page(PAGE, text=TEXT, swap="900-905:poire")
    assert not crash(app)
    assert any("Replaced words" in sentence for sentence in sentences(app))


@pytest.mark.timeout(600)
def test_tasks_and_languages_are_offered_and_obeyed(open_page: Open, told_models: None) -> None:
    app = open_page(PAGE, model="t5-tasks", text="The cat sat.")
    assert not crash(app) and not sentences(app)
    assert app.selectbox(key="task").value == "summarize: "
    first = list(app.dataframe[0].value["sum of log-probabilities"])
    app.selectbox(key="task").set_value("as it is").run()
    assert not crash(app)
    assert list(app.dataframe[0].value["sum of log-probabilities"]) != first
    for name, (_, marks) in MARKS.items():
        app = open_page(PAGE, model=name, text="The cat sat.", to=marks[2])
        assert not crash(app) and not sentences(app)
        assert (app.selectbox(key="to").value, app.selectbox(key="from").value) == marks[2:0:-1]
        stage = picture(at_end(app), "translation-stage")
        assert f">{marks[2]}<" in stage  # the language's mark is the first token written
        as_english = list(app.dataframe[0].value["sum of log-probabilities"])
        app.selectbox(key="from").set_value(marks[0]).run()
        assert not crash(app)
        assert list(app.dataframe[0].value["sum of log-probabilities"]) != as_english
        app = open_page(PAGE, model=name, text="The cat sat.", to="klingon")
        assert any("klingon" in sentence for sentence in sentences(app))


def test_a_beginning_keeps_unknown_words_and_says_what_it_leaves_out(open_page: Open) -> None:
    app = open_page("4_Translation", model="fr-en", text="Monsieur Li dort.", begin="Mr 李 is")
    assert not crash(app), crash(app)
    assert any("Mr <unk> is" in one.value.replace("\\", "") for one in app.markdown)
    app = open_page("4_Translation", model="fr-en", text="Monsieur Li dort.", begin="Mr </s> is")
    assert not crash(app), crash(app)
    assert any("left out: </s>" in one.value.replace("\\", "") for one in app.caption)
