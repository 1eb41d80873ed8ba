"""The Attention page as it opens, and what is done where the click is: heads, words, links."""

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from engine.values import Kind, Reading
from pages.attention.page import VIEWS
from pages.pictures.names import quoted
from pages.shell import paths
from pages.shell.cache import engine
from pages.shell.controls import REGISTRY
from pages.shell.frame import samples
from tests.pages.conftest import Act, Open, components, sentences, tables, unfolded
from tests.pages.test_attention import PAGE, picture, pictures, weights_of

MONKEY = "The monkey ate that banana because it was too hungry."
BANK = "The river bank was wet, so she walked to the bank and asked for money."


def said(app: AppTest) -> str:
    """Everything the page says in words."""
    return " ".join(one.value for one in [*app.markdown, *app.caption]).replace("\\", "")


def head(app: AppTest) -> tuple[int, int]:
    layer, head = (int(app.number_input(key=key).value or 0) for key in ("layer", "head"))
    return layer, head


# Which head the page opens on.


@pytest.mark.parametrize(
    ("model", "kind", "text"),
    [
        ("tales-gpt", "decoder", None),
        ("tales-bert", "encoder", MONKEY),
        ("tales-gpt", "decoder", BANK),
        ("fr-en", "cross", "Il a mangé une pomme rouge."),
    ],
)
def test_the_page_opens_on_the_head_that_stands_out_and_says_why(
    open_page: Open, model: str, kind: Kind, text: str | None
) -> None:
    address = {"model": model, "kind": kind} | ({"text": text} if text else {})
    app = open_page(PAGE, **address)
    assert not app.exception and not sentences(app)
    own = text or next(one.text for one in samples() if PAGE[2:] in one.pages)
    reading = engine().translated(model, own) if kind == "cross" else Reading(model, own)
    best = engine().most_notable_head(reading, kind, engine().stack(model, kind).layers)
    assert best is not None and head(app) == (best.layer + 1, best.head + 1)
    words = said(app)
    assert f"Head {best.layer + 1}.{best.head + 1}, the most notable for this text, " in words
    # It is no sink: it exceeds what the same head gives whatever the query.
    assert best.value - best.columns >= 0.1 and best.value - best.uniform >= 0.1


def test_a_link_that_names_a_head_or_a_layer_is_obeyed(open_page: Open) -> None:
    assert head(open_page(PAGE, text=MONKEY, model="tales-gpt", layer="1", head="1")) == (1, 1)
    assert head(open_page(PAGE, text=MONKEY, model="tales-gpt", head="2")) == (1, 2)
    assert head(open_page(PAGE, text=MONKEY, model="tales-gpt", layer="3")) == (3, 1)


def test_the_head_follows_the_text_until_somebody_chooses_one(open_page: Open) -> None:
    app = open_page(PAGE, model="tales-gpt", text=MONKEY)
    app.text_area[0].set_value(BANK).run()
    best = engine().most_notable_head(Reading("tales-gpt", BANK), "decoder", 6)
    assert best is not None and head(app) == (best.layer + 1, best.head + 1)
    app.number_input(key="layer").set_value(1).run()
    app.number_input(key="head").set_value(1).run()
    app.text_area[0].set_value(MONKEY).run()
    assert head(app) == (1, 1)
    copied = components(app, "atlas_copy")[0]["values"]
    assert (copied["layer"], copied["head"]) == ("1", "1")


def test_a_text_in_which_no_head_stands_out_opens_on_the_first(
    open_page: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.attention.notable.LEAST", 2.0)
    monkeypatch.setattr("engine.attention.notable.most_notable", lambda layers: None)
    app = open_page(PAGE, model="tales-gpt", text="A quiet text of its own.")
    assert not app.exception and head(app) == (1, 1)


# From a word to a word.


@pytest.mark.parametrize(
    ("model", "kind", "text", "query", "key"),
    [
        ("tales-bert", "encoder", MONKEY, 8, 2),
        ("tales-gpt", "decoder", "The dog lost its bone, so it cried.", 8, 1),
        ("fr-en", "encoder", "Le chat noir dort sur la table.", 3, 1),
        ("tales-bert", "encoder", "你好 世界 🙂", 2, 1),
    ],
)
def test_every_head_is_ranked_by_how_far_a_link_exceeds_what_others_give(
    open_page: Open, model: str, kind: Kind, text: str, query: int, key: int
) -> None:
    app = open_page(PAGE, model=model, kind=kind, text=text)
    app.selectbox(key="link-q").set_value(query).run()
    app.selectbox(key="link-k").set_value(key).run()
    assert not app.exception and not sentences(app)
    reading, stack = Reading(model, text), engine().stack(model, kind)
    tokens = len(engine().tokens(reading))
    excess = []
    for layer in range(stack.layers):
        weights = engine().attention(reading, kind, layer).weights
        rows = [at for at in range(key if kind == "decoder" else 0, tokens) if at != query]
        excess.append(weights[:, query, key] - weights[:, rows, key].mean(axis=1))
    order = np.argsort(-np.stack(excess), axis=None, kind="stable")
    names = [f"{at // stack.heads + 1}.{at % stack.heads + 1}" for at in order.tolist()]
    ids = [part.split('"')[0][1:] for part in picture(app, "word-links")["svg"].split('data-id="')]
    assert len(ids[1:]) == stack.layers * stack.heads
    assert ids[1:4] == names[:3]


def test_two_words_clicked_in_the_map_are_ranked(open_page: Open) -> None:
    app = open_page(PAGE, model="tales-gpt", text=MONKEY, spot="q7 k2")
    assert "word-links" in " ".join(pictures(app))
    assert app.selectbox(key="link-q").value == 7 and app.selectbox(key="link-k").value == 2


def test_a_later_word_is_closed_to_a_decoder_and_that_is_said(open_page: Open) -> None:
    app = open_page(PAGE, model="tales-gpt", text=MONKEY, spot="q2 k7")
    assert not app.exception
    assert "this attention is causal" in said(app)
    assert "word-links" not in " ".join(pictures(app))


def test_a_sink_is_called_one(open_page: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nearly every word attends to “monkey”, that “it” does so too means little."""
    from engine.local.heads import Heads

    real = Heads.attention

    def sunk(self, reading, kind, index):
        from dataclasses import replace

        found = real(self, reading, kind, index)
        if index != 0:
            return found
        weights = np.array(found.weights)
        weights[7] = 0.1 / (weights.shape[-1] - 1)
        weights[7, :, 2] = 0.9
        return replace(found, weights=weights)

    monkeypatch.setattr(Heads, "attention", sunk)
    text = MONKEY.replace("hungry", "sleepy")  # read by nobody before
    app = open_page(PAGE, model="tales-bert", text=text, spot="q8 k2", layer="1", head="8")
    words = said(app)
    assert "attention sink: tokens give “monkey” 90 % on average" in words
    assert "In head 1.8 the weight is 90 %" in words and "is an attention sink there" in words
    assert "Head 1.8 attends" not in words
    svg = picture(app, "word-links")["svg"]
    assert svg.split('data-id="h1.8"')[0].count("data-id=") > 0 and " · sink" in svg


# One threshold; old links.


@pytest.mark.parametrize(
    ("address", "value"),
    [
        ({}, 0),
        ({"view": "Lines"}, 30),
        ({"drop": "40"}, 40),
        ({"drop": "40", "thin": "20"}, 40),
        ({"drop": "40", "thin": "20", "view": "Lines"}, 20),
        ({"thin": "20"}, 0),
        ({"threshold": "55", "view": "Text"}, 55),
    ],
)
def test_threshold_takes_the_place_of_two_controls(
    open_page: Open, address: dict[str, str], value: int
) -> None:
    app = open_page(PAGE, model="tales-gpt", text=MONKEY, **address)
    assert not app.exception and not sentences(app)
    app = unfolded(app, "attention-options")
    assert app.slider(key="threshold").value == value


def test_a_threshold_that_nobody_changed_is_the_views_own(open_page: Open) -> None:
    app = unfolded(open_page(PAGE, model="tales-gpt", text=MONKEY), "attention-options")
    app.button_group(key="view").set_value("Lines").run()
    assert app.slider(key="threshold").value == 30
    app.slider(key="threshold").set_value(50).run()
    app.button_group(key="view").set_value("Map").run()
    assert app.slider(key="threshold").value == 50


def test_old_words_of_links_are_understood(open_page: Open) -> None:
    old = {"order": "Broad (entropy)", "scale": "Root", "together": "Largest"}
    app = open_page(PAGE, model="tales-gpt", text=MONKEY, **old)
    assert not app.exception and not sentences(app)
    assert app.selectbox(key="order").value == "Entropy"
    values = components(app, "atlas_copy")[0]["values"]
    assert (values["scale"], values["together"]) == ("Square root", "Maximum")


def test_every_control_of_a_view_is_declared_once() -> None:
    mine = {name for name in REGISTRY if name.startswith("attention.")}
    used = {f"attention.{control.key}" for view in VIEWS for control in view.controls}
    assert used <= mine
    assert mine - used == {"attention.kind", "attention.second", "attention.write"}


# A picture of a text shows that text's run.


@pytest.mark.parametrize(
    ("model", "text"),
    [
        ("tales-bert", MONKEY),
        ("tales-bert", "The old king went to the sea and the boy said that he was not there."),
        ("tales-gpt", BANK),
        ("fr-en", "Les enfants jouent dans le jardin avec leur petit chien noir."),
    ],
)
def test_the_path_of_a_long_text_is_cut_in_the_picture_not_in_the_run(
    model: str, text: str
) -> None:
    found = paths.path(model, text)
    assert found.cut and found.reading.text == text
    reading, shown = found.reading, paths.SHOWN
    card = engine().card(model)
    side = "encoder" if card.family == "encoder" else "decoder"
    tower = found.towers[-1]
    for layer in range(tower.layers):
        whole = engine().attention(reading, side, layer).weights.mean(axis=0)
        assert tower.weights[layer] == pytest.approx(whole[:shown], abs=1e-6)
    assert len(tower.texts) == len(engine().tokens(reading, side)) > tower.shown == shown
    logits = engine().logits(reading, tuple(range(shown))).logits
    if card.family != "encoder-decoder":
        texts = engine().texts(model, tuple(logits.argmax(axis=1).tolist()), side)
        assert [one.text for one in found.outcomes] == list(texts)


def test_a_text_too_long_to_be_read_at_once_has_the_weights_of_its_own_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from engine.trace import tracing

    text = "The fox and the owl went over the old bridge, and the fox said that it was late."
    whole = paths.path("tales-gpt", text)
    monkeypatch.setattr(tracing, "AT_ONCE", 1)
    long = paths.path("tales-gpt", text)
    assert long.towers[0].weights == pytest.approx(whole.towers[0].weights, abs=1e-5)


def test_the_layers_of_a_pair_are_those_of_the_pair(open_page: Open) -> None:
    reading = Reading("tales-bert", "The boy saw it.", second="It was a boat.")
    assert "boat" in paths.path_of(reading).towers[0].texts


def test_above_and_below_the_same_word_is_predicted(open_page: Open) -> None:
    """The towers and the logit lens of one text tell one prediction at each position."""
    found = paths.path("tales-bert", MONKEY)
    logits = engine().logits(Reading("tales-bert", MONKEY), (8,)).logits[0]
    (best,) = engine().texts("tales-bert", (int(logits.argmax()),))
    assert found.outcomes[8].text == best


@pytest.mark.parametrize(
    ("model", "row"),
    [("tales-bert", "predicted here"), ("tales-gpt", "predicted next"), ("fr-en", "written next")],
)
@pytest.mark.parametrize("page", [PAGE, "Home"])
def test_the_top_row_says_what_the_model_does(
    open_page: Open, page: str, model: str, row: str
) -> None:
    app = open_page(page, model=model, view="Layers", text="Il a mangé une pomme.")
    key = "home-path" if page == "Home" else "layers-path"
    assert f">{row}<" in picture(app, key)["svg"]


# Acts where the click is, and undone there.


@pytest.mark.parametrize("model", ["tales-gpt", "tales-bert", "fr-en"])
@pytest.mark.parametrize("view", ["Map", "Lines", "Layers"])
def test_a_head_is_ablated_beside_its_picture_and_restored_there(
    open_page: Open, model: str, view: str
) -> None:
    app = open_page(PAGE, model=model, view=view, text=MONKEY, layer="2", head="3")
    app = unfolded(app, "attention-options")
    assert app.button(key="ablate").label == "Ablate head 2.3"
    app.button(key="ablate").click().run()
    assert not app.exception
    assert app.multiselect(key="off").value == ["2.3"]
    assert "head 3 (ablated)" in picture(app, "head-grid")["svg"]
    assert "Ablated: 2.3." in said(app)
    assert app.button(key="ablate").label == "Restore head 2.3"
    app.button(key="restore-here").click().run()
    assert app.multiselect(key="off").value == [] and "Ablated:" not in said(app)


def test_what_an_ablation_changes_is_said_in_the_models_own_numbers(open_page: Open) -> None:
    from dataclasses import replace

    app = open_page(PAGE, model="tales-gpt", text=MONKEY, off=["1.1", "1.2", "1.3", "1.4"])
    reading = Reading("tales-gpt", MONKEY)
    off = replace(reading, off=tuple(("decoder", 0, head) for head in range(4)))
    last = len(engine().tokens(reading)) - 1
    shares = []
    for one in (reading, off):
        logits = engine().logits(one, (last,)).logits[0].astype(np.float64)
        likely = np.exp(logits - logits.max())
        shares.append(likely / likely.sum())
    names = engine().texts("tales-gpt", tuple(int(one.argmax()) for one in shares))
    words = said(app)
    assert "next: " in words and "before" in words
    assert all(quoted(name) in words for name in names)


@pytest.mark.parametrize("view", ["Map", "Lines", "Text"])
@pytest.mark.parametrize("target", ["q5", "k5"])
def test_a_word_is_masked_where_it_stands_and_put_back_to_the_same_view(
    open_page: Open, acts: Act, view: str, target: str
) -> None:
    if (view, target) == ("Text", "k5"):
        target = "q2"  # a word of a text shaded by itself has one name
    app = open_page(PAGE, model="tales-bert", text="The boy saw the sea.", view=view)
    app = acts(app, target, "mask")
    hidden = "The [MASK] saw the sea." if target == "q2" else "The boy saw the [MASK]."
    assert not app.exception and app.session_state["text"] == hidden
    assert "attention-changes" in " ".join(pictures(app))
    app.button(key="unmask").click().run()
    assert not app.exception and app.session_state["text"] == "The boy saw the sea."
    assert app.session_state["view"] == view


def test_the_mask_of_a_map_puts_its_word_back_and_another_mask_does_not(
    open_page: Open, acts: Act
) -> None:
    app = open_page(PAGE, model="tales-bert", text="The [MASK] saw the sea.", view="Map")
    app = acts(app, "q5", "mask")
    app.button_group(key="view").set_value("Map").run()
    restoring = {str(one.key): one.label for one in app.button if str(one.key).endswith("restore")}
    words = {key: label for key, label in restoring.items() if not key.startswith("act h")}
    assert words == dict.fromkeys(("act q5 restore", "act k5 restore"), "Restore “sea”")
    app = acts(app, "q5", "restore")
    assert app.session_state["text"] == "The [MASK] saw the sea."


@pytest.mark.parametrize("model", ["tales-gpt", "fr-en"])
def test_only_what_fills_masks_offers_to_mask(open_page: Open, acts: Act, model: str) -> None:
    app = open_page(PAGE, model=model, text="The boy saw the sea.")
    offered = [str(one.key) for one in app.button if str(one.key).startswith("act ")]
    assert offered and not any(key.endswith(" mask") for key in offered)


def test_a_special_token_is_not_offered_for_masking(open_page: Open, acts: Act) -> None:
    app = open_page(PAGE, model="tales-bert", text="The boy saw the sea.")
    places = {str(one.key).split()[1] for one in app.button if str(one.key).endswith(" mask")}
    assert places == {f"{side}{place}" for side in "qk" for place in range(1, 7)}


def test_a_head_is_ablated_and_restored_where_it_stands(open_page: Open, acts: Act) -> None:
    app = open_page(PAGE, model="tales-gpt", text=MONKEY)
    for head in ("2.3", "1.8"):
        app = acts(app, f"h{head}", "ablate")
    assert not app.exception and app.session_state["off"] == ["1.8", "2.3"]
    assert "Ablated: 1.8, 2.3" in said(app)
    app = acts(app, "h2.3", "restore")
    assert app.session_state["off"] == ["1.8"] and not app.exception


# Tables and names.


def table(open_page: Open, text: str) -> tuple[AppTest, list[str]]:
    app = open_page(PAGE, model="tales-gpt", text=text)
    app.session_state["table-heads"] = True
    app.run()
    return app, list(tables(app)[0])


def test_a_measure_with_nothing_to_count_is_left_out_and_said_why(open_page: Open) -> None:
    app, names = table(open_page, "Once a small boat sailed far")
    assert "induction" not in names and "previous" in names
    assert "Induction is left out: no token of this text occurs twice" in said(app)
    cells = [cell for column in tables(app)[0].values() for cell in column]
    assert cells and not any("nan" in cell for cell in cells)
    app, names = table(open_page, "a cat and a cat")
    assert "induction" in names and "Induction is left out" not in said(app)


@pytest.mark.parametrize("model", ["tales-gpt", "tales-bert", "fr-en"])
def test_no_table_of_the_page_has_a_cell_that_is_no_number(open_page: Open, model: str) -> None:
    """Where there is nothing to count a dash stands: before layer 1 no block has added anything."""
    dashes = 0
    for view in ("Map", "Lines", "Text", "What if", "Layers"):
        app = open_page(PAGE, model=model, view=view, text="Once a small [MASK] sailed far")
        for key in ("heads", "norms", "attention", "lines", "text", "changes", "links"):
            app.session_state[f"table-{key}"] = True
        app.run()
        assert not app.exception and tables(app)
        cells = [cell for one in tables(app) for column in one.values() for cell in column]
        assert not any("nan" in cell.lower().split() for cell in cells)
        dashes += sum(cell == "–" for cell in cells)
    assert dashes


def test_a_measure_that_sorts_nothing_is_said_why(open_page: Open) -> None:
    app = open_page(PAGE, model="tales-gpt", text="Once a small boat", order="Induction")
    assert "Induction cannot be measured: no token of this text occurs twice" in said(app)


def test_a_newline_has_the_name_that_pictures_give_it(open_page: Open) -> None:
    text = "Review: The fish was awful.\nSentiment: bad\nReview: The sea was calm.\nSentiment: good"
    app = open_page(PAGE, model="tales-gpt", text=text, view="What if", off=["1.1"])
    words = said(app)
    logits = (
        engine()
        .logits(Reading("tales-gpt", text), (len(engine().tokens(Reading("tales-gpt", text))) - 1,))
        .logits[0]
    )
    (best,) = engine().texts("tales-gpt", (int(logits.argmax()),))
    assert best == "\n" and f"1 head ablated. {quoted(best)}" in words and "⏎" in quoted(best)


@pytest.mark.parametrize(
    ("text", "count"),
    [("I saw 🙂 today", 2), ("🙂 🙂 🙂", 2), ("你好 is [MASK] here", 3)],
)
def test_only_special_tokens_are_ignored_as_special(open_page: Open, text: str, count: int) -> None:
    """An unknown word is the text's own: its weight stays."""
    app = open_page(PAGE, model="tales-bert", text=text, hide="Special", layer="2", head="1")
    assert not app.exception
    assert f"Special tokens are ignored as key ({count} columns)" in said(app)
    tokens = engine().tokens(Reading("tales-bert", text))
    own = engine().attention(Reading("tales-bert", text), "encoder", 1).weights[0]
    left = np.where(tokens.special, np.nan, own)
    expected = left / np.nansum(left, axis=1, keepdims=True)
    found = weights_of(picture(app, "attention-map")["svg"])
    assert found == pytest.approx(expected, abs=2e-3, nan_ok=True)


@pytest.mark.parametrize(
    "address",
    [
        {
            "model": "tales-gpt", "text": BANK, "layer": "2", "head": "5", "together": "Mean",
            "several": ["1.2", "6.8"], "hide": "First", "scale": "Log", "per": "Row",
            "threshold": "25", "words": "true", "value": "true", "upto": "9", "write": "2",
            "off": ["3.1", "3.2"], "order": "Entropy", "least": "40", "spot": "q8 k2",
        },
        {
            "model": "tales-bert", "text": "The boy saw it.", "second": "It was a boat.",
            "pair": "B to A", "layer": "1", "head": "2", "view": "Text", "hide": "Special",
        },
        {
            "model": "fr-en", "text": "Il a mangé une pomme rouge.", "kind": "cross",
            "view": "Compare", "with": "Another sentence", "other": "Il a mangé une poire.",
            "layer": "3", "head": "8",
        },
        {"model": "tales-gpt", "text": BANK, "view": "Inside", "stage": "3", "layer": "4"},
        {"model": "tales-gpt", "text": BANK, "view": "Layers", "follow": "king, boat",
         "unit": "17"},
    ],
)  # fmt: skip
def test_a_link_opens_what_it_was_copied_from(
    open_page: Open, address: dict[str, str | list[str]]
) -> None:
    def drawn(app: AppTest) -> list[str]:
        assert not app.exception and not sentences(app)
        return [one["svg"] for one in components(app, "atlas_picture")]

    app = open_page(PAGE, **address)
    first = drawn(app)
    copied = components(app, "atlas_copy")[0]["values"]
    assert {key: copied.get(key) for key in address} == address
    again = open_page(PAGE, **copied)
    assert drawn(again) == first
    assert components(again, "atlas_copy")[0]["values"] == copied


@pytest.mark.parametrize("view", ["Map", "What if", "Layers"])
def test_a_model_without_a_prediction_head_predicts_nothing_anywhere(
    open_page: Open, monkeypatch: pytest.MonkeyPatch, view: str
) -> None:
    from dataclasses import replace

    from engine.local.models import Models

    real = Models.card
    monkeypatch.setattr(Models, "card", lambda *given: replace(real(*given), predicts=False))
    app = open_page(PAGE, model="tales-bert", text=MONKEY, view=view, off=["1.1"])
    assert not app.exception
    assert not sentences(app)  # it is no failure
    words = " ".join([said(app), *(box.value for box in app.info)])
    assert "most likely" not in words.lower() and "mask token" not in words
    if view == "What if":
        assert "has no prediction head" in words
    if view == "Layers":
        svg = picture(app, "layers-path")["svg"]
        assert ">predicted here<" not in svg and ">probability<" not in svg
        assert "there is no logit lens" in words
