"""The Attention page, run without a browser: controls, pictures, links, bad input."""

import base64
import json
import re
import shutil
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from engine.attention import heads, transforms
from engine.jobs import registry
from engine.local.models import bundle
from engine.models import catalog
from engine.tokenizers import vocabulary
from engine.trace import blockwise, tracing
from engine.values import Reading
from pages.shell import components
from pages.shell.cache import engine
from tests.engine.checkpoints import Bundles
from tests.pages.conftest import Open, sentences, tables, unfolded

PAGE = "3_Attention"
VIEWS = ("Map", "Lines", "Text", "Inside", "What if", "Layers", "Compare")
BOAT = "The little boat sailed across the dark sea."


def pictures(app: AppTest) -> dict[str, dict]:
    """Data of our pictures on the page, by the key in their element id."""
    found = {}
    for element in app.get("bidi_component"):
        data = json.loads(element.proto.json) if element.proto.json else {}
        if "svg" in data:
            name = element.proto.id.rsplit("-None", 1)[0]
            found[name] = data
    return found


def picture(app: AppTest, key: str) -> dict:
    return next(data for name, data in pictures(app).items() if key in name)


def weights_of(svg: str) -> np.ndarray:
    """The numbers that a map carries, NaN where it is masked."""
    rows, columns, values = (
        found[1]
        for name in ("rows", "columns", "values")
        if (found := re.search(rf'data-{name}="([^"]*)"', svg))
    )
    cells = np.frombuffer(base64.b64decode(values), "<f2").astype(np.float32)
    return cells.reshape(len(rows.split()), len(columns.split()))


@pytest.mark.parametrize("model", ["tales-gpt", "tales-bert", "fr-en"])
@pytest.mark.parametrize("view", VIEWS)
def test_every_view_draws_for_every_family(open_page: Open, model: str, view: str) -> None:
    app = open_page(PAGE, model=model, view=view, text=BOAT)
    assert not app.exception and not sentences(app)
    assert "head-grid" in " ".join(pictures(app))


def test_a_link_opens_its_layer_and_head(open_page: Open) -> None:
    app = open_page(PAGE, model="tales-gpt", layer="2", head="3", text=BOAT)
    assert app.number_input(key="layer").value == 2
    assert app.number_input(key="head").value == 3
    assert any("Layer 2, head 3" in heading.value for heading in app.subheader)
    assert "layer 2, head 3 is chosen" in picture(app, "head-grid")["alt"]


def test_the_chosen_head_is_sent_before_the_grid_around_it(
    open_page: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent, real = [], components._picture

    def sending(**given: object) -> object:
        sent.append(given["key"])
        return real(**given)

    monkeypatch.setattr(components, "_picture", sending)
    open_page(PAGE, model="tales-gpt", text=BOAT)
    assert sent.index("attention-map") < sent.index("head-grid")


def test_a_short_text_is_read_once_for_its_heads_and_their_overview(
    open_page: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs, real = [], tracing.run

    def running(*given: object, **named: object) -> object:
        runs.append(given)
        return real(*given, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(tracing, "run", running)
    text = "Nobody has read this little text before."
    app = open_page(PAGE, model="tales-gpt", text=text)
    assert not app.exception and len(runs) == 1
    reading = Reading("tales-gpt", text)
    alone = blockwise.overview(bundle("tales-gpt"), reading, "decoder").weights
    np.testing.assert_array_equal(engine().overview(reading, "decoder").weights, alone)


@pytest.mark.feature("Encoder / decoder / cross switch")
@pytest.mark.parametrize("kind", ["encoder", "decoder", "cross"])
def test_a_model_of_two_towers_shows_each_kind(open_page: Open, kind: str) -> None:
    app = open_page(PAGE, model="fr-en", kind=kind, text="Il a mangé une pomme rouge.")
    assert not app.exception and not sentences(app)
    svg = picture(app, "attention-map")["svg"]
    assert ("url(#hatch)" in svg) == (kind == "decoder")
    source_rows = kind == "encoder"
    assert ("pomme (token" in svg.split("data-column-labels")[0]) == source_rows


def test_one_tower_has_no_cross_attention_and_says_so(open_page: Open) -> None:
    app = open_page(PAGE, model="tales-gpt", kind="cross", text=BOAT)
    assert not app.exception
    assert any("cross" in text for text in sentences(app))


def test_changing_the_head_changes_the_map_without_a_model_run(
    open_page: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = open_page(PAGE, model="tales-gpt", text=BOAT)
    first = picture(app, "attention-map")["svg"]

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a change of head ran the model")

    monkeypatch.setattr(tracing, "run", refuse)
    app.number_input(key="head").set_value(4).run()
    assert not app.exception
    assert picture(app, "attention-map")["svg"] != first


def test_a_layer_that_the_model_lacks_is_said_and_replaced(open_page: Open) -> None:
    app = open_page(PAGE, model="tales-gpt", layer="99", text=BOAT)
    assert not app.exception
    assert any("99" in text and "6 layers" in text for text in sentences(app))
    assert app.number_input(key="layer").value == 6


def test_a_selection_of_an_older_text_is_dropped(open_page: Open) -> None:
    app = open_page(PAGE, model="tales-gpt", text="Two words", spot="q40 k3")
    assert not app.exception
    assert any("q40" in text for text in sentences(app))
    assert picture(app, "attention-map")["locked"] is None


def test_a_locked_word_is_told_with_its_numbers(open_page: Open) -> None:
    app = open_page(PAGE, model="tales-gpt", text=BOAT, spot="q4")
    assert picture(app, "attention-map")["locked"] == "q4"
    assert any("row sum 100 %" in caption.value.replace("\\", "") for caption in app.caption)


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("text", ["Hi", "👩‍👩‍👧", "<script>alert(1)</script>"])
def test_short_and_hostile_texts_are_drawn(open_page: Open, view: str, text: str) -> None:
    app = open_page(PAGE, model="tales-gpt", view=view, text=text)
    assert not app.exception and not app.error
    assert all("<script" not in data["svg"] for data in pictures(app).values())


def test_an_empty_text_is_one_sentence(open_page: Open) -> None:
    app = open_page(PAGE, model="tales-gpt", text="   ")
    assert not app.exception and len(app.error) == 1


def test_a_long_text_is_drawn_in_blocks_with_an_exact_window(open_page: Open) -> None:
    app = open_page(PAGE, model="tales-gpt", text="The old king went to the sea. " * 25)
    assert not app.exception and not app.error
    blocks, window = picture(app, "attention-blocks"), picture(app, "attention-map")
    assert 'data-rows="b0 b1' in blocks["svg"]
    assert window["svg"].count('data-id="q') == 48


@pytest.mark.feature("Hide special / sink token and renormalise")
def test_hiding_the_first_token_is_said_under_the_picture(open_page: Open) -> None:
    app = open_page(PAGE, model="tales-gpt", text=BOAT, hide="First")
    said = [caption.value.replace("\\", "") for caption in app.caption]
    assert any("rescaled to 100 %" in text for text in said)
    cells = weights_of(picture(app, "attention-map")["svg"])
    assert np.isnan(cells[:, 0]).all()
    assert np.nansum(cells[1:], axis=1) == pytest.approx(1, abs=5e-3)


@pytest.mark.feature("Head finder: sort / filter heads")
def test_sorting_ranks_the_heads_by_a_measure(open_page: Open) -> None:
    app = open_page(PAGE, model="tales-gpt", text=BOAT, order="Previous token")
    svg = picture(app, "head-grid")["svg"]
    assert "Previous token, highest first" in svg
    values = [float(v) for v in _ranked(svg)]
    assert len(values) == 48 and values == sorted(values, reverse=True)


def _ranked(svg: str) -> list[str]:
    return re.findall(r">\d+\.\d+  (\d+) %<", svg)


def test_switching_all_heads_off_changes_the_next_word(open_page: Open) -> None:
    app = open_page(PAGE, model="tales-gpt", view="What if", text=BOAT)
    assert any("No head is ablated yet" in said.value for said in app.markdown)
    app.button(key="ablate-layer").click().run()
    assert not app.exception
    assert len(app.multiselect(key="off").value) == 8
    assert any("8 heads ablated" in said.value for said in app.markdown)
    app.button(key="ablate-layer").click().run()
    assert app.multiselect(key="off").value == []


def test_a_model_that_fills_gaps_is_given_one(open_page: Open) -> None:
    app = open_page(PAGE, model="tales-bert", view="What if", text="The boy saw the sea.")
    word = next(b for b in app.button if b.label == "sea")
    word.click().run()
    assert not app.exception
    assert app.session_state["text"] == "The boy saw the [MASK]."
    assert "attention-changes" in " ".join(pictures(app))


def test_two_sentences_are_compared_where_they_are_as_long(open_page: Open) -> None:
    one, two = "It was too hungry.", "It was too ripe."
    app = open_page(PAGE, model="tales-gpt", view="Compare", text=one, other=two)
    assert not app.exception
    keys = " ".join(pictures(app))
    assert "compare-first" in keys and "compare-second" in keys and "compare-difference" in keys


def test_a_pair_of_sentences_is_read_together_and_one_way_can_be_chosen(open_page: Open) -> None:
    app = open_page(
        PAGE, model="tales-bert", text="The boy saw it.", second="It was a boat.", pair="A to B"
    )
    assert not app.exception and not sentences(app)
    matrix = picture(app, "attention-map")["svg"].split('class="matrix"')[1]
    rows, columns = matrix.split("data-column-labels")[:2]
    assert "saw" in rows and "boat" not in rows and "boat" in columns.split("data-values")[0]


@pytest.mark.parametrize("view", VIEWS)
def test_every_view_draws_one_way_of_a_pair(open_page: Open, view: str) -> None:
    two = {"text": "The boy saw it.", "second": "It was a very small boat.", "pair": "B to A"}
    app = open_page(PAGE, model="tales-bert", view=view, spot="q8 k2", **two)
    assert not app.exception and not app.error


@pytest.mark.parametrize("view", VIEWS)
def test_every_view_draws_words_of_a_text_so_far(open_page: Open, view: str) -> None:
    app = open_page(PAGE, model="tales-gpt", view=view, text=BOAT, upto="5", words="true")
    assert not app.exception and not app.error


def test_the_map_can_be_seen_as_it_was_written(open_page: Open) -> None:
    app = open_page(PAGE, model="tales-gpt", text=BOAT, upto="4")
    assert not app.exception and not sentences(app)
    svg = picture(app, "attention-map")["svg"]
    assert 'data-rows="q0 q1 q2 q3"' in svg


def test_two_models_are_compared_on_the_same_text(open_page: Open) -> None:
    app = open_page(
        PAGE, model="tales-bert", view="Compare", text="The boy saw the sea.",
        head="1", **{"with": "fr-en"},
    )  # fmt: skip
    assert not app.exception and not sentences(app)
    said = [caption.value.replace("\\", "") for caption in app.caption]
    assert "tales-bert" in said and "fr-en, head 1.1" in said


@pytest.mark.parametrize("view", ["Map", "Lines", "Text", "Compare"])
def test_a_text_whose_every_token_is_hidden_is_still_drawn(open_page: Open, view: str) -> None:
    app = open_page(PAGE, model="tales-gpt", text="Hi", hide="First", view=view, other="No")
    assert not app.exception and not app.error


# What the table of features promises, a test a row (those not here are above or in the browser's).


@pytest.mark.feature("Attention for tokens being generated")
def test_a_row_grows_with_each_token_that_the_model_writes(open_page: Open) -> None:
    app = open_page(PAGE, model="tales-gpt", text="The old king", write="6")
    assert not app.exception and not sentences(app)
    start = len(engine().tokens(Reading("tales-gpt", "The old king")))
    assert app.slider(key="upto").max == start + 6
    for count in (start, start + 1, start + 2):
        app.slider(key="upto").set_value(count).run()
        rows = re.search(r'data-rows="([^"]*)"', picture(app, "attention-map")["svg"])
        assert rows is not None and len(rows[1].split()) == count


def test_written_tokens_are_the_models_likeliest(open_page: Open) -> None:
    reading = engine().continued("tales-gpt", "The old king", 4)
    ids = list(reading.target or ())
    assert len(ids) == len(engine().tokens(Reading("tales-gpt", "The old king"))) + 4
    logits = engine().logits(reading, tuple(range(len(ids) - 5, len(ids) - 1))).logits
    assert logits.argmax(axis=1).tolist() == ids[-4:]


@pytest.mark.feature("Row / column / global normalisation mode")
@pytest.mark.parametrize("per", ["Row", "Column"])
def test_colours_by_row_or_column_are_in_the_link_and_in_the_legend(
    open_page: Open, per: str
) -> None:
    app = open_page(PAGE, model="tales-gpt", text=BOAT, per=per)
    assert not app.exception and not sentences(app)
    assert f"100 % is each {per.lower()}&#39;s largest" in picture(app, "attention-map")["svg"]


@pytest.mark.feature("Sum over several selected tokens")
@pytest.mark.parametrize("view", ["Map", "Lines", "Text"])
def test_several_chosen_words_are_shown_as_one(open_page: Open, view: str) -> None:
    app = open_page(PAGE, model="tales-gpt", text=BOAT, spot="q3 q5", view=view)
    assert not app.exception and not sentences(app)
    layer, head = (int(app.number_input(key=key).value) - 1 for key in ("layer", "head"))
    read = tracing.layer(bundle("tales-gpt"), Reading("tales-gpt", BOAT), "decoder", layer)
    most = f"{read.attention.weights[head, [3, 5]].mean(axis=0).max():.0%}".replace("%", " %")
    said = [caption.value.replace("\\", "") for caption in app.caption]
    told = next(text for text in said if "mean over 2 queries" in text)
    assert most in told and "row sum 100 %" in told
    drawn = picture(app, f"attention-{view.lower()}")
    if view == "Map":  # its rows stay as they are, and the browser adds up those that are pinned
        assert drawn["locked"] == "q3 q5"
    else:
        assert 'data-show="q3 q5"' in drawn["svg"]


@pytest.mark.feature("Head finder: sort / filter heads")
def test_heads_that_stand_out_are_named_with_what_the_model_gives(open_page: Open) -> None:
    app = open_page(PAGE, model="tales-gpt", text=BOAT)
    reading = Reading("tales-gpt", BOAT)
    best = engine().notable_heads(reading, "decoder", 6)[0]
    button = next(b for b in app.button if best.measure.title in b.label.replace("\\", ""))
    assert f"{best.layer + 1}.{best.head + 1}" in button.label.replace("\\", "")
    button.click().run()
    assert app.number_input(key="layer").value == best.layer + 1
    assert app.number_input(key="head").value == best.head + 1


def test_a_samples_pair_of_words_leads_to_the_head_that_joins_them_most(open_page: Open) -> None:
    text = "The monkey ate that banana because it was too hungry."
    app = open_page(PAGE, model="tales-bert", text=text)
    button = next(b for b in app.button if "“it” → “monkey”" in b.label.replace("\\", ""))
    button.click().run()
    assert not app.exception
    tokens = engine().tokens(Reading("tales-bert", text))
    query, key = tokens.pieces.index("it"), tokens.pieces.index("monkey")
    assert picture(app, "attention-map")["locked"] == f"q{query} k{key}"
    weights = np.stack(
        [engine().attention(Reading("tales-bert", text), "encoder", k).weights for k in range(4)]
    )
    others = np.delete(weights, query, axis=2)[:, :, :, key].mean(axis=2)
    excess = weights[:, :, query, key] - others
    place = app.number_input(key="layer").value - 1, app.number_input(key="head").value - 1
    assert excess[place] == pytest.approx(excess.max())


@pytest.mark.parametrize("model", ["tales-gpt", "tales-bert", "fr-en"])
def test_the_architecture_holds_the_texts_own_tokens(open_page: Open, model: str) -> None:
    app = open_page(PAGE, model=model, view="Layers", text="Il a mangé une pomme.", layer="2")
    assert not app.exception and not sentences(app)
    drawn = picture(app, "layers-path")
    assert ("2 towers" in drawn["alt"]) == (model == "fr-en")
    assert 'data-id="t0"' in drawn["svg"] and ('data-id="s0"' in drawn["svg"]) == (model == "fr-en")


def test_two_models_are_subtracted_over_the_words_they_share(open_page: Open) -> None:
    app = open_page(
        PAGE, model="tales-bert", view="Compare", text="The boy saw the sea.", **{"with": "fr-en"}
    )
    said = [caption.value.replace("\\", "") for caption in app.caption]
    assert any("words that both share" in text for text in said)
    svg = picture(app, "compare-difference")["svg"]
    legend = re.findall(r">([−+][\d.]+ %)<", svg)
    assert len(legend) == 2 and legend[0][1:] == legend[1][1:]  # zero in the middle


def test_a_long_text_comes_layer_by_layer_and_can_be_stopped(
    open_page: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = threading.Event()
    walk = blockwise.walk

    def slow(*given, **named):
        for number, block in enumerate(walk(*given, **named)):
            if number == 2:
                gate.wait(30)
            yield block

    monkeypatch.setattr(blockwise, "walk", slow)
    monkeypatch.setattr(tracing, "AT_ONCE", 1)  # any text is a long one
    text = "The little boat sailed far away, and nobody saw it again."
    app = open_page(PAGE, model="tales-gpt", text=text, layer="6")
    (job,) = (one for one in registry.of_kind("blockwise") if not one.done)
    wait_for(lambda: len(job.partial or ()) == 2)
    app.run()
    assert any("layer 3 of 6 is being read" in text.replace("\\", "") for text in progress(app))
    assert any("Layer 6 appears here" in caption.value for caption in app.caption)
    assert picture(app, "head-grid")["svg"].count("<image") > 16
    stop = next(b for b in app.button if b.label == "Stop")
    stop.click()
    gate.set()
    app.run()
    assert job.wait(20) and job.stopped
    app.run()
    assert any("Stopped after layer" in caption.value for caption in app.caption)
    next(b for b in app.button if b.label == "Resume").click().run()
    wait_for(lambda: not registry.running())
    app.run()
    assert not app.exception and not progress(app)
    assert any("Layer 6, head 1" in heading.value for heading in app.subheader)


def progress(app: AppTest) -> list[str]:
    return [element.proto.text for element in app.get("progress")]


def wait_for(ready: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not ready():
        assert time.monotonic() < end
        time.sleep(0.02)


@pytest.mark.feature("Combine several heads")
def test_heads_of_several_layers_are_combined(open_page: Open) -> None:
    app = open_page(PAGE, model="tales-gpt", text=BOAT, together="Mean", several=["1.2", "6.8"])
    assert not app.exception and not sentences(app)
    assert any("2 heads combined" in heading.value for heading in app.subheader)
    assert any("Mean over the 2 heads: 1" in c.value.replace("\\", "") for c in app.caption)
    one, two = (
        engine().attention(Reading("tales-gpt", BOAT), "decoder", layer).weights[head]
        for layer, head in ((0, 1), (5, 7))
    )
    found = weights_of(picture(app, "attention-map")["svg"])
    assert np.nan_to_num(found) == pytest.approx((one + two) / 2, abs=1e-3)


@pytest.mark.feature("Threshold or cumulative-mass filter")
def test_lines_begin_with_the_fewest_that_carry_seventy_percent(open_page: Open) -> None:
    app = open_page(PAGE, model="tales-gpt", text=BOAT, view="Lines", layer="1", head="1")
    app = unfolded(app, "attention-options")
    assert app.slider(key="threshold").value == 30
    layer, head = (int(app.number_input(key=key).value) - 1 for key in ("layer", "head"))
    read = tracing.layer(bundle("tales-gpt"), Reading("tales-gpt", BOAT), "decoder", layer)
    rows = np.sort(read.attention.weights[head], axis=1)[:, ::-1]
    fewest = sum(int((row.cumsum() < 0.7).sum()) + 1 for row in rows)
    assert picture(app, "attention-lines")["svg"].count("<path") == fewest
    app.slider(key="threshold").set_value(0).run()
    assert not app.exception
    every = len(rows) * (len(rows) + 1) // 2
    assert picture(app, "attention-lines")["svg"].count("<path") == every > fewest


def test_a_model_without_attention_weights_says_so_and_shows_its_layers(
    open_page: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = bundle("tales-gpt")
    session = opened.session("model")
    left = frozenset(name for name in session.outputs if not name.endswith(".weights"))
    monkeypatch.setattr(session, "outputs", left)
    app = open_page(PAGE, model="tales-gpt", text=BOAT)
    assert not app.exception and not app.error
    assert any("were not exported" in box.value for box in app.info)
    keys = " ".join(pictures(app))
    assert "layers-lens" in keys and "head-grid" not in keys


@pytest.mark.feature("'Attention is not explanation' caveat beside the data")
def test_the_caveat_stands_beside_the_picture(open_page: Open) -> None:
    app = open_page(PAGE, model="tales-gpt", text=BOAT)
    assert any("Attention is not explanation" in caption.value for caption in app.caption)


@pytest.mark.feature("Merge sub-words into words")
def test_words_instead_of_sub_words_leave_fewer_rows(open_page: Open) -> None:
    text = "The monkey ate that banana."
    pieces = open_page(PAGE, model="tales-bert", text=text)
    words = open_page(PAGE, model="tales-bert", text=text, words="true")
    many, few = (
        len(picture(app, "attention-map")["svg"].split('data-rows="')[1].split('"')[0].split())
        for app in (pieces, words)
    )
    assert few < many
    assert "banana" in picture(words, "attention-map")["svg"]


@pytest.mark.feature("Value-norm or contribution-weighted view")
def test_weights_times_the_length_of_the_value_are_shown_and_named(open_page: Open) -> None:
    app = open_page(PAGE, model="tales-gpt", text=BOAT, value="true", layer="1")
    assert any("Value-weighted attention" in c.value.replace("\\", "") for c in app.caption)
    svg = picture(app, "attention-map")["svg"]
    assert 'data-quantity="size"' in svg
    own = engine().attention(Reading("tales-gpt", BOAT), "decoder", 0)
    assert own.value is not None
    sizes = own.weights[0] * np.linalg.norm(own.value[0], axis=-1)
    assert np.nan_to_num(weights_of(svg)) == pytest.approx(sizes, rel=2e-3, abs=1e-3)


def test_heads_of_a_grouped_model_are_bracketed(
    open_page: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pages.attention.overview.section._group", lambda *_: 4)
    app = open_page(PAGE, model="tales-gpt", text=BOAT)
    svg = picture(app, "head-grid")["svg"]
    assert "Heads 1–4 share keys and values" in svg and "Heads 5–8" in svg


@pytest.mark.feature("Masked-LM predictions at a token")
def test_the_mask_is_filled_with_what_the_model_finds_likely(open_page: Open) -> None:
    text = "The boy saw the [MASK]."
    app = open_page(PAGE, model="tales-bert", view="What if", text=text)
    reading = Reading("tales-bert", text)
    place = engine().tokens(reading).pieces.index("[MASK]")
    best = int(engine().logits(reading, (place,)).logits[0].argmax())
    word = engine().texts("tales-bert", (best,))[0]
    assert f">{word}<" in picture(app, "attention-changes")["svg"]


def test_a_locked_head_that_the_new_model_lacks_is_said_and_replaced(open_page: Open) -> None:
    app = open_page(PAGE, model="tales-gpt", layer="6", head="8", hold="1", off="6.8", text=BOAT)
    assert picture(app, "head-grid")["locked"] == "h6.8"
    app.selectbox(key="model").set_value("tales-bert").run()
    assert not app.exception and not app.error
    layers, heads = (
        engine().card("tales-bert").tower.layers,
        engine().card("tales-bert").tower.heads,
    )
    assert layers < 6 and app.number_input(key="layer").value == layers
    said = " ".join(sentences(app))
    assert f"Layer 6: {engine().card('tales-bert').title} has {layers} layers; showing" in said
    assert "Head 6.8" in said
    place = f"h{layers}.{min(8, heads)}"
    grid = picture(app, "head-grid")
    assert grid["locked"] == place == grid["marked"] and f'data-id="{place}"' in grid["svg"]
    app.number_input(key="layer").set_value(2).run()
    assert not any("Layer 6" in text for text in sentences(app))


def test_a_locked_word_of_an_older_text_is_said_and_freed(open_page: Open) -> None:
    app = open_page(PAGE, model="tales-gpt", text=BOAT, spot="q7")
    assert picture(app, "attention-map")["locked"] == "q7" and not sentences(app)
    app.text_area[0].set_value("Two words").run()
    assert not app.exception
    assert any("older text" in text for text in sentences(app))
    assert picture(app, "attention-map")["locked"] is None


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("hide", ["Nothing", "Special"])
def test_a_text_of_masks_alone_is_drawn(open_page: Open, view: str, hide: str) -> None:
    app = open_page(
        PAGE, model="tales-bert", text="[MASK] [MASK]", view=view, hide=hide, other="[MASK]"
    )
    assert not app.exception and not app.error


def test_words_of_ones_own_are_followed_through_the_layers(open_page: Open) -> None:
    app = open_page(PAGE, model="tales-gpt", view="Layers", text=BOAT, follow="boat, unbelievably")
    assert not app.exception and not sentences(app)
    assert any("is tracked" in c.value and "unbelievably" in c.value for c in app.caption)
    svg = picture(app, "layers-followed")["svg"]
    reading = Reading("tales-gpt", BOAT)
    last = len(engine().tokens(reading)) - 1
    word = vocabulary.exact(engine().vocabulary("tales-gpt", "decoder"), "boat")
    logits = engine().logit_lens(reading, "decoder", last)
    ranks = (logits > logits[:, [word]]).sum(axis=1) + 1
    tip = svg.split('data-tip="')[1].split('"')[0]
    assert [int(place.replace(",", "")) for place in re.findall(r"rank ([\d,]+)", tip)] == [
        int(rank) for rank in ranks[::-1]
    ]


def test_the_copied_link_carries_what_is_typed_on_the_page(open_page: Open) -> None:
    typed = {"other": "It was ripe.", "with": "Another sentence"}
    app = open_page(PAGE, model="tales-gpt", view="Compare", text="It was hungry.", **typed)
    link = next(e for e in app.get("bidi_component") if "copy-link" in e.proto.id)
    assert json.loads(link.proto.json)["values"]["other"] == "It was ripe."


@pytest.mark.parametrize(
    ("view", "name", "said"),
    [
        ("Map", "attention", "attends most to"),
        ("Lines", "lines", "attends most to"),
        ("Text", "text", "attends most to"),
        ("Inside", "inside", "product"),
        ("What if", "changes", "before"),
        ("Layers", "lens", "after layer"),
        ("Layers", "towers", "attends most to"),
        ("Layers", "commitment", "settled after layer"),
        ("Layers", "updates", "norm added"),
        ("Layers", "block", "cosine"),
        ("Layers", "units", "pushes up"),
        ("Layers", "firing", "activation"),
        ("Compare", "difference", "difference"),
        ("Map", "heads", "previous"),
    ],
)
def test_every_picture_can_be_read_as_a_table(
    open_page: Open, view: str, name: str, said: str
) -> None:
    app = open_page(PAGE, model="tales-gpt", view=view, text=BOAT, other="The big boat sank.")
    app.session_state[f"table-{name}"] = True
    app.run()
    assert not app.exception
    found = tables(app)
    assert any(said in table for table in found), [list(table) for table in found]


@pytest.mark.feature("QK^T -> scale -> mask -> softmax pipeline")
def test_the_stages_inside_a_head_are_stepped_through_and_play_begins_with_the_first(
    open_page: Open,
) -> None:
    address = {"model": "tales-gpt", "view": "Inside", "text": BOAT, "layer": "3", "head": "2"}
    starts = (r"q \cdot k", r"\text{score}", r"\text{weight}", r"\text{output}")

    def told(app: AppTest) -> tuple[int, int]:
        assert not app.exception
        svg = picture(app, "attention-inside")["svg"]
        assert app.latex[0].value.strip("$ \n").startswith(starts[told_first(app)])
        return len(app.latex), sum(f">{mark}</text>" in svg for mark in "1234")

    def told_first(app: AppTest) -> int:
        stage = app.session_state["stage"]
        return 0 if stage == "All" else int(stage) - 1

    app = open_page(PAGE, **address)
    assert told(app) == (4, 4) and app.button(key="inside-next").disabled
    app.button(key="inside-play").click().run()
    assert told(app) == (1, 1)
    for stage in range(1, 5):
        app = open_page(PAGE, **address, stage=str(stage))
        assert told(app) == (1, stage)
        app.button(key="inside-next").click().run()
        assert told(app) == ((1, stage + 1) if stage < 4 else (4, 4))


@pytest.mark.feature("Real q, k, v numbers shown")
def test_inside_a_head_are_the_numbers_of_this_text(open_page: Open) -> None:
    app = open_page(PAGE, model="tales-gpt", view="Inside", text=BOAT, head="2", spot="q6 k3")
    attention = engine().attention(Reading("tales-gpt", BOAT), "decoder", 0)
    one = transforms.inside(attention, head=1, query=6, key=3)
    assert one is not None
    svg = picture(app, "attention-inside")["svg"]
    for what, vector in (
        ("query", one.query),
        ("key", one.key),
        ("product", one.products),
        ("value", one.value),
        ("sum over all keys", one.output),
    ):
        found = re.findall(rf"dimension \d+&#10;{what} (-?[\d.]+)", svg)
        assert [float(value) for value in found] == pytest.approx(vector.tolist(), abs=6e-5)
    written = " ".join(latex.value for latex in app.latex)
    assert f"= {one.dot:.2f}" in written and f"= {one.weights[3]:.4f}" in written


@pytest.mark.feature("Head metrics (previous-token, induction, entropy)")
@pytest.mark.parametrize(
    ("title", "name"),
    [("Previous token", "previous"), ("Induction", "induction"), ("Entropy", "broad")],
)
def test_heads_are_measured_and_the_values_are_shown(
    open_page: Open, title: str, name: str
) -> None:
    app = open_page(PAGE, model="tales-gpt", text=f"{BOAT} {BOAT}", order=title)
    svg = picture(app, "head-grid")["svg"]
    reading = Reading("tales-gpt", f"{BOAT} {BOAT}")
    values = np.stack([engine().measures(reading, "decoder", k).of(name) for k in range(6)])
    best = np.unravel_index(int(values.argmax()), values.shape)
    first = re.search(r">(\d+)\.(\d+)  (\d+) %<", svg)
    assert first is not None
    assert (int(first[1]) - 1, int(first[2]) - 1) == best
    assert int(first[3]) == round(100 * float(values[best]))
    formula = next(m.formula for m in heads.MEASURES if m.name == name)
    assert formula in app.selectbox(key="order").help.replace("\\", "")


@pytest.mark.timeout(600)
@pytest.mark.feature("GQA / modern decoder models")
@pytest.mark.parametrize("name", ["llama"])
def test_a_model_whose_heads_share_keys_shows_its_groups_and_every_head(
    open_page: Open, bundles: Bundles, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str
) -> None:
    shutil.copytree(bundles(name), tmp_path / "tiny-llama")
    changed = replace(catalog.settings(), models=tmp_path)
    monkeypatch.setattr(catalog, "settings", lambda: changed)
    app = open_page(PAGE, model="tiny-llama", text="The cat sat on the mat.", head="4", layer="2")
    assert not app.exception and not sentences(app)
    svg = picture(app, "head-grid")["svg"]
    assert "Heads 1–2 share keys and values" in svg and "Heads 3–4 share" in svg
    own = engine().attention(Reading("tiny-llama", "The cat sat on the mat."), "decoder", 1)
    found = weights_of(picture(app, "attention-map")["svg"])
    assert np.nan_to_num(found) == pytest.approx(own.weights[3], abs=1e-3)


@pytest.mark.feature("Usable above 500 tokens", "Layer / head pre-filter to limit payload")
def test_more_than_five_hundred_tokens_are_drawn_one_head_at_a_time(open_page: Open) -> None:
    words = ("the old king went to the sea and the boy said that he was not there " * 40).split()
    while len(engine().tokenized("tales-gpt", " ".join(words))) > (
        engine().card("tales-gpt").limit or 600
    ):
        words.pop()
    reading = Reading("tales-gpt", " ".join(words))
    count = len(engine().tokens(reading))
    assert count > 500
    app = open_page(PAGE, model="tales-gpt", text=reading.text, layer="2", head="3", seconds=120)
    wait_for(lambda: not registry.running())
    app.run()
    assert not app.exception and not sentences(app)
    drawn = pictures(app)
    assert sum(len(data["svg"]) for data in drawn.values()) < 400_000
    own = engine().attention(reading, "decoder", 1).weights[2]
    window = weights_of(picture(app, "attention-map")["svg"])
    size = len(window)
    assert np.nan_to_num(window) == pytest.approx(own[-size:, -size:], abs=1e-3)
    said = [caption.value.replace("\\", "") for caption in app.caption]
    assert any(f"{count:,} rows are too many" in text for text in said)
