"""The rows that the Decoding page promises, shown with this text's own numbers by AppTest."""

import re
from xml.etree import ElementTree

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from engine.decoding import ranking
from engine.decoding.continuation import Line
from engine.decoding.generation import generate
from engine.decoding.next_token import opened
from engine.decoding.sampling import Sampling
from engine.local.models import bundle
from engine.tokenizers import tokens
from engine.trace import logit_lens, tracing
from engine.values import Reading
from pages.decoding.next_token.bars import percent
from pages.shell.cache import engine
from tests.pages.conftest import Open, components, crash, sentences, unfolded
from tests.pages.test_decoding import PAGE, lines, settled

TEXT = "The milk is bad, my tea tastes"


def ids() -> tuple[int, ...]:
    return tuple(engine().tokens(Reading("tales-gpt", TEXT)).ids.tolist())


def own() -> np.ndarray:
    """The model's probabilities of the token after the text."""
    return ranking.probabilities(engine().following("tales-gpt", ids()))


def pictures(app: AppTest) -> list[str]:
    return [one["svg"] for one in components(app, "atlas_picture")]


def bars(app: AppTest) -> str:
    return next(svg for svg in pictures(app) if 'data-id="n' in svg)


def rows(svg: str) -> dict[int, str]:
    """What the picture of the next token says of each candidate, by its id."""
    parts = [part for part in ElementTree.fromstring(svg).iter() if "data-tip" in part.attrib]
    return {
        int(part.attrib["data-id"][1:]): ElementTree.tostring(part, "unicode") for part in parts
    }


def columns(app: AppTest) -> list[dict]:
    return components(app, "atlas_columns")[0]["columns"]


@pytest.mark.feature("Next-token bars from real logits")
def test_the_bars_are_the_models_own_probabilities(open_page: Open):
    app = open_page(PAGE, text=TEXT, c1="pure sampling", write="no")
    assert not crash(app)
    found, chances = rows(bars(app)), own()
    best = np.argsort(-chances)[:12].tolist()
    assert list(found) == best
    assert all(f"model probability {percent(float(chances[i]))}" in found[i] for i in best)
    others = 1 - float(np.sort(chances)[-12:].sum(dtype=np.float64))
    assert f"other: {percent(others)}" in bars(app)


@pytest.mark.parametrize(
    ("key", "value", "setting", "line"),
    [
        ("temperature", 0.5, "temperature 0.5", ""),
        ("top_k", 5, "top-k 5", "top-k cutoff: 5 tokens"),
        ("top_p", 0.6, "top-p 0.6", "top-p cutoff among these: 0.6"),
        ("top_p", 0.3, "top-p 0.3", "top-p cutoff: 0.3"),
        ("min_p", 0.2, "min-p 0.2", "min-p cutoff: below"),
        ("typical", 0.3, "typical 0.3", ""),
        ("repetition", 1.5, "repetition penalty 1.5", ""),
        ("repetition_new", 1.5, "repetition penalty of new tokens 1.5", ""),
        ("frequency", 1.5, "frequency penalty 1.5", ""),
        ("no_repeat", 1, "no-repeat 1", ""),
    ],
)  # fmt: skip
@pytest.mark.feature(
    "Temperature", "Top-k filter", "Top-p filter", "Penalties / min-p / typical",
    "Raw vs final probability, dropped tokens kept visible",
)  # fmt: skip
def test_a_slider_moves_the_bars_to_what_its_filter_leaves(
    open_page: Open, key: str, value: float, setting: str, line: str
):
    app = unfolded(open_page(PAGE, text=TEXT, c1="pure sampling", write="no"), "repetition")
    slider = app.select_slider if key == "top_k" else app.slider
    slider(key=f"set-{key}").set_value(value).run()
    assert not crash(app) and lines(app)[0] == setting
    expected = opened(
        engine().following("tales-gpt", ids()),
        Line.parse(setting).sampling,
        ids(),
        start=len(ids()),
    )
    found = rows(bars(app))
    assert list(found) == expected.ids.tolist() and line in bars(app)
    for place, i in enumerate(expected.ids.tolist()):
        # its own stays in sight, as a bar with its number and in the tip
        assert f"model probability {percent(float(expected.own[place]))}" in found[i]
        assert f">{percent(float(expected.own[place]))}<" in found[i]
        if expected.cut[place] < 0:
            assert f"after filters {percent(float(expected.after[place]))}" in found[i]
            assert ":line " not in found[i]
        else:
            assert "removed by" in found[i] and ":line " in found[i]  # struck, not gone


@pytest.mark.feature("Formula with the user's numbers")
def test_the_formula_is_filled_with_this_places_numbers(open_page: Open):
    app = open_page(PAGE, text=TEXT, c1="temperature 0.5, top-k 40", write="no")
    logits = engine().following("tales-gpt", ids())
    top = np.sort(logits)[::-1][:40].astype(np.float64)
    sum_ = float(np.exp((top - top[0]) / 0.5).sum())
    (formula,) = [one.value for one in app.latex]
    assert f"{top[0]:.3f}" in formula and "{0.5}" in formula
    assert f"{sum_:.4g}" in formula and f"{100 / sum_:.3g}" in formula
    second = int(np.argsort(-logits)[1])
    other = open_page(PAGE, text=TEXT, c1="temperature 0.5, top-k 40", candidate=f"n{second}")
    (formula,) = [one.value for one in other.latex]
    assert f"{100 * np.exp((top[1] - top[0]) / 0.5) / sum_:.3g}" in formula


@pytest.mark.feature("Entropy / effective vocabulary")
def test_entropy_is_told_as_so_many_equal_choices(open_page: Open):
    app = open_page(PAGE, text=TEXT, c1="top-k 40")
    chances = own().astype(np.float64)
    bits = -float((chances * np.log2(np.maximum(chances, 1e-300))).sum())
    said = " ".join(caption.value.replace("\\", "") for caption in app.caption)
    assert f"{2**bits:,.0f} equal choices ({bits:.1f} bits)" in said
    assert "40 of 6,144 tokens are kept to sample from" in said


@pytest.mark.feature("Greedy as a first-class mode", "Beam search", "N settings side by side")
def test_greedy_beams_and_draws_stand_side_by_side(open_page: Open):
    texts = ("greedy", "beam 4", "top-p 0.9")
    address = {f"c{n}": text for n, text in enumerate(texts, 1)}
    app = settled(open_page(PAGE, text=TEXT, length="9", write="yes", **address))
    shown = [column.ids for column in app.session_state["decoding-shown"][1]]
    wanted = [Line.parse(text) for text in texts]
    steps = list(generate(bundle("tales-gpt"), ids(), wanted, seed=1, limit=9))
    written = [token for step in steps for token in step.written]
    assert shown == [[t.id for t in written if t.line == n] for n in range(3)]
    assert [column["name"] for column in columns(app)] == list(texts)
    greedy = [t for t in written if t.line == 0]
    assert all(token.rank == 1 for token in greedy)
    total = [sum(np.log(t.probability) for t in written if t.line == n) for n in (0, 1)]
    assert total[1] >= total[0] - 1e-4  # four beams find a text at least as likely


@pytest.mark.feature("Latency per token", "Text coloured by surprise / rank")
def test_columns_tell_rank_and_probability_of_each_token_and_their_speed(open_page: Open):
    app = settled(open_page(PAGE, text=TEXT, length="9", write="yes", c1="pure sampling"))
    (shown,) = app.session_state["decoding-shown"][1]
    (column,) = columns(app)
    assert column["r"] == [token.rank for token in shown.tokens]
    assert column["p"] == pytest.approx([token.probability for token in shown.tokens], rel=1e-2)
    figures = {label: value for label, value, _ in column["s"]}
    spent = 1000 * sum(shown.seconds) / 9
    assert figures["ms per token"] == f"{spent:.1f}" and figures["tokens per s"]
    assert set(figures) >= {"mean log p", "perplexity", "mean entropy", "distinct bigrams"}


@pytest.mark.feature("Logit lens per layer")
def test_what_each_layer_would_say_of_the_next_token(open_page: Open):
    app = settled(open_page(PAGE, text=TEXT, c1="greedy", length="6", write="yes", at="c1 t3"))
    assert not any("after layer" in svg for svg in pictures(app))
    app.session_state["lens"] = True
    app.run()
    assert not crash(app) and not sentences(app)
    (column,) = app.session_state["decoding-shown"][1]
    opened, before = bundle("tales-gpt"), (*ids(), *column.ids[:2])
    states = tracing.hidden(opened, Reading("tales-gpt", TEXT, target=before), "decoder").states
    found = logit_lens.read(tracing.lens(opened, states[:, -1]))
    assert int(found.best[-1][0]) == column.ids[2]  # the top row is what greedy took
    svg = next(svg for svg in pictures(app) if 'data-id="l6"' in svg)
    for layer in range(7):
        word = tokens.piece_texts(opened, [int(found.best[layer][0])])[0].strip()
        row = re.search(rf'<g data-id="l{layer}".*?</g>', svg, flags=re.S)
        assert row is not None and word[:7] in row[0]
        assert re.search(rf"[▲▼ ] {int(found.ranks[layer]):,}<", row[0])


def test_the_lens_of_a_gap_and_of_a_translation(open_page: Open):
    app = open_page(PAGE, model="tales-bert", text="The [MASK] was red.", lens="true")
    assert not crash(app) and not sentences(app)
    assert any('data-id="l4"' in svg for svg in pictures(app))
    app = open_page(PAGE, model="fr-en", text="Le chat dort.", lens="true")
    assert not crash(app) and not sentences(app)
    assert any('data-id="l3"' in svg for svg in pictures(app))


def test_greedy_is_never_contradicted(open_page: Open):
    """Greedy with a filter: said to change nothing, and nothing of its text changes."""
    app = settled(open_page(PAGE, text=TEXT, c1="greedy", c2="greedy, top-k 3", length="6",
                            write="yes", at="c2"))  # fmt: skip
    first, second = app.session_state["decoding-shown"][1]
    assert first.ids == second.ids and app.select_slider(key="set-top_k").disabled
    assert "No effect" in app.select_slider(key="set-top_k").help
    assert Sampling(temperature=0, top_k=3).idle == ("top_k",)


def test_a_top_k_over_the_vocabulary_keeps_all_and_says_so(open_page: Open):
    app = open_page(PAGE, text=TEXT, c1="top-k 999999")
    assert not crash(app) and not sentences(app)
    assert any("Top-k removes nothing here" in c.value.replace("\\", "") for c in app.caption)


def test_a_prompt_as_long_as_the_window_is_a_sentence(open_page: Open):
    app = open_page(PAGE, text="a " * 511)
    assert not crash(app)
    assert any("positions" in s and "Shorten" in s for s in sentences(app)), sentences(app)
