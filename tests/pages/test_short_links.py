"""Short links of every page: what a page shows -> store -> `?s=<id>` -> the same page again.

The state is made of what "Copy link" would write. Every control of the registry is set to a value
that is not its default, and some more are drawn at random; a control that a short link does not
carry fails.
"""

from __future__ import annotations

import json
import random
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as tries
from hypothesis import strategies as some
from streamlit.testing.v1 import AppTest

from engine.links import state as state_module
from engine.links import store
from engine.links.state import RESERVED, SharedState, link_id
from engine.settings import settings
from pages.attention.page import VIEWS as ATTENTION
from pages.decoding.page import VIEWS as DECODING
from pages.embeddings.page import VIEWS as EMBEDDINGS
from pages.models.page import VIEWS as MODELS
from pages.prompting.page import VIEWS as PROMPTING
from pages.shell import share
from pages.shell.cache import engine
from pages.shell.controls import REGISTRY, Control
from pages.shell.links import making
from pages.shell.links.route import UNKNOWN
from pages.tokenization.page import VIEWS as TOKENIZATION
from pages.training.page import VIEWS as TRAINING
from pages.translation.page import VIEWS as TRANSLATION
from tests.pages.conftest import Open, components, crash, sentences
from tests.pages.test_decoding import settled
from tests.pages.test_prompting import answered
from tests.pages.test_round_trips import Address, link, shown

TEXT = "The little boat sailed, and the boy said hello."
FRENCH = "Il a mangé une pomme rouge."
PAGES = {
    "1_Tokenization": (TOKENIZATION, "view"),
    "2_Embeddings": (EMBEDDINGS, "view"),
    "3_Attention": (ATTENTION, "view"),
    "4_Translation": (TRANSLATION, "show"),
    "5_Decoding": (DECODING, "view"),
    "6_Prompting": (PROMPTING, "view"),
    "7_Training": (TRAINING, "view"),
    "8_Models": (MODELS, "view"),
}
# Of each page and view: what it is shown with.
VIEWS = [
    (page, view, key, model)
    for page, (views, key) in PAGES.items()
    for view in views
    for model in ("tales-gpt", "tales-bert", "fr-en")
    if engine().card(model).family in view.families
    and (view.name != "Chat template" or engine().card(model).template)
    and not (page == "4_Translation" and model != "fr-en")
]
NOTED = "test: what Share would store"
KEPT_AWAY = {
    "layout": ("UMAP", "t-SNE"),  # minutes of another process
    "runs": (32, 64),
    "length": range(13, 1000),
}

CHAT = ("turns", "answer", *(f"{part}{n}" for n in range(1, 7) for part in ("role", "turn")))
ELSEWHERE = {
    *(f"Tokenization.{key}" for key in CHAT),  # of models that are not shipped
    "Tokenization.names",
    "Tokenization.part",
    "Embeddings.minus",
    "Embeddings.plus",
    "Embeddings.area-alone",
    "Embeddings.own",
    "Translation.also",
    "learn.opponent",  # of the game
    "Training.moment_head",  # of one part of a view, as is the next
    "Training.words",
}
"""Shown for some texts and models only, which tests of their own have."""


@pytest.fixture(autouse=True)
def links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[store.Links]:
    """A store of this test's own."""
    monkeypatch.setenv("ATLAS_LINKS", str(tmp_path / "links.sqlite"))
    settings.cache_clear()
    store.links.cache_clear()
    yield store.links()
    settings.cache_clear()
    store.links.cache_clear()


@pytest.fixture(autouse=True)
def kept(moments: Path) -> None:
    """The moments of a training, as they come along or not."""


@pytest.fixture(autouse=True)
def shared(monkeypatch: pytest.MonkeyPatch) -> None:
    """Note at the end of every page what Share would store, as AppTest opens no panels."""
    complete = share.complete_link

    def noted() -> None:
        complete()
        st.session_state[NOTED] = making.current()

    monkeypatch.setattr(share, "complete_link", noted)


def state_of(app: AppTest, page: str) -> SharedState:
    """What a short link of this page would store."""
    found = app.session_state[NOTED]
    assert isinstance(found, SharedState) and found.page == page.partition("_")[2]
    # It says what the copied link says, and the whole text, however long.
    said = {key: (one,) if isinstance(one, str) else tuple(one) for key, one in link(app).items()}
    assert found.text == app.session_state["atlas"].text and (found.model,) == said["model"]
    assert found.controls == {key: one for key, one in said.items() if key not in RESERVED}
    assert found.digest == engine().digest(found.model)
    return found


def opened(open_page: Open, page: str, **address: Any) -> AppTest:
    app = open_page(page, **address)
    assert not crash(app)
    if page == "6_Prompting":
        return answered(app)
    while any(one.value.startswith("Generating") for one in app.caption):
        app.run()
    return settled(app) if page == "5_Decoding" else app


def reopened(open_page: Open, page: str, state: SharedState) -> AppTest:
    name = store.links().put(state)
    assert name == link_id(state)
    return opened(open_page, page, s=name)


def forged(links: store.Links, **changes: Any) -> str:
    """The id of a state that somebody wrote into the file past every check."""
    links.put(SharedState("Attention", "the sea", "tales-gpt"))  # makes the file
    fields = {"page": "Attention", "text": "", "model": "tales-gpt", "version": 1, "controls": {}}
    raw = json.dumps(fields | changes).encode()
    name = state_module.digest(raw)[:10]
    with closing(sqlite3.connect(links.path)) as file, file:
        file.execute("INSERT INTO links VALUES (?, ?, 0)", (name, raw))
    return name


def written(value: Any, control: Control) -> str | list[str]:
    if isinstance(value, list | tuple):
        return [control.shown(one) for one in value]
    if isinstance(value, bool):
        return str(value).lower()
    return control.shown(value)


def values(app: AppTest, control: Control) -> Sequence[Any]:
    """What a control may be on this page now; texts are anybody's."""
    if control.widget in ("text", "area"):
        return ("dog", "a <b>&amp; “c”", "été", "🙂 x")
    legal, _ = app.session_state["atlas"].controls.get(control.key, ((), None))
    if isinstance(legal, tuple) and len(legal) == 2 and isinstance(legal[0], float):
        low, high = legal
        return [round(low + (high - low) * part / 4, 1) for part in range(5)]
    kept_away = KEPT_AWAY.get(control.key, ())
    # The ends: a seed is one of four thousand million.
    ends = [*legal[:25], *legal[-25:]] if len(legal) > 50 else legal
    left = [one for one in ends if one not in kept_away]
    if control.widget in ("many", "chips"):
        return [left[:n] for n in range(min(3, len(left)) + 1)]
    return left


def drawn(app: AppTest) -> list[Control]:
    """The controls of the registry that this page has now."""
    listed = app.session_state["atlas"].listed
    page = app.session_state["atlas"].page.lower()
    return [
        control
        for name, control in REGISTRY.items()
        if name.lower().startswith(page + ".") and control.key in listed
    ]


def default(app: AppTest, key: str) -> Any:
    return app.session_state["atlas"].listed[key].default


def check_round_trip(open_page: Open, page: str, address: Address) -> None:
    first = opened(open_page, page, **address)
    state = state_of(first, page)
    again = reopened(open_page, page, state)
    assert set(sentences(again)) <= set(sentences(first))  # of the page, none of the link
    assert state_of(again, page) == state
    assert link_id(state_of(again, page)) == link_id(state)
    assert shown(again) == shown(first)


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("page", "view", "key", "model"), VIEWS, ids=lambda one: getattr(one, "name", str(one))
)
def test_every_control_of_every_view_is_carried(
    open_page: Open, page: str, view: Any, key: str, model: str
) -> None:
    text = FRENCH if model == "fr-en" else "The [MASK] saw the [MASK]." * (model == "tales-bert")
    plain: Address = {"model": model, "text": text or TEXT}
    if page != "5_Decoding" or model != "tales-bert":
        plain[key] = view.name
    app = opened(open_page, page, **plain)
    changed: Address = dict(plain)
    for control in drawn(app):
        others = [
            said
            for one in values(app, control)
            if (said := written(one, control)) != default(app, control.key)
        ]
        if others:
            changed[control.key] = others[-1]
    check_round_trip(open_page, page, changed)


RARE: dict[str, tuple[str, Address]] = {
    "a long text with special tokens": (
        "1_Tokenization",
        {"model": "tales-bert", "text": "[MASK] so " * 190, "names": "false", "part": "2"},
    ),
    "an axis of one's own": (
        "2_Embeddings",
        {"view": "Vocabulary", "model": "tales-gpt", "layout": "Custom axis", "minus": "dog",
         "plus": "king", "area": "v300 v301 v302", "area-alone": "true"},
    ),
    "passages of one's own": (
        "2_Embeddings",
        {"view": "Search", "model": "tales-bert", "passages": "Your own", "query": "a fox",
         "own": "A fox ran.\nThe <b>sea</b> was cold.\nWe ate bread.", "without": ["a"]},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", RARE)
def test_controls_that_few_texts_bring_are_carried(open_page: Open, name: str) -> None:
    page, address = RARE[name]
    copied = link(opened(open_page, page, **address))
    assert {key: copied.get(key) for key in address} == address
    check_round_trip(open_page, page, address)


def test_another_model_beside_is_carried(open_page: Open, told_models: None) -> None:
    address: Address = {"model": "fr-en", "text": FRENCH, "show": "Compare", "also": ["t5-tasks"]}
    assert link(opened(open_page, "4_Translation", **address))["also"] == ["t5-tasks"]
    check_round_trip(open_page, "4_Translation", address)


def test_every_control_of_the_registry_stands_on_a_view(open_page: Open) -> None:
    """What the test above sets is all there is: a control that no view shows would be missed."""
    found = set()

    def missing(page: str) -> set[str]:
        own = {name for name in REGISTRY if name.lower().startswith(page.partition("_")[2].lower())}
        return {name for name in own - ELSEWHERE if id(REGISTRY[name]) not in found}

    for page, view, key, model in VIEWS:
        if not missing(page):
            continue
        text = FRENCH if model == "fr-en" else TEXT
        if model == "tales-bert" and page == "5_Decoding":
            text = "The [MASK] saw the [MASK]."
        app = opened(open_page, page, **{"model": model, "text": text, key: view.name})
        found |= {id(control) for control in drawn(app)}
    missed = {name for name, control in REGISTRY.items() if id(control) not in found}
    assert missed <= ELSEWHERE, missed - ELSEWHERE


@pytest.mark.timeout(600)
@pytest.mark.parametrize("page", PAGES)
@given(seed=some.integers(0, 2**32 - 1))
@tries(
    max_examples=4,
    deadline=None,
    phases=(Phase.generate,),
    derandomize=True,
    suppress_health_check=(HealthCheck.function_scoped_fixture, HealthCheck.too_slow),
)
def test_any_controls_of_a_page_are_carried(open_page: Open, page: str, seed: int) -> None:
    rng = random.Random(seed)
    offered = [(view, key, model) for of, view, key, model in VIEWS if of == page]
    view, key, model = rng.choice(offered)
    text = {"fr-en": FRENCH, "tales-bert": "The [MASK] saw the dog."}.get(model, TEXT)
    plain: Address = {"model": model, "text": text, key: view.name}
    app = opened(open_page, page, **plain)
    chosen = {
        control.key: written(rng.choice(list(values(app, control))), control)
        for control in drawn(app)
        if rng.random() < 0.5 and len(values(app, control))
    }
    check_round_trip(open_page, page, plain | chosen)


# ---------------------------------------------------------------------- what a link may say


def test_a_text_too_long_for_an_address_comes_with_the_short_link(open_page: Open) -> None:
    text = "A rather short story, told once more. " * 800
    state = SharedState("Tokenization", text, "tales-gpt")
    app = reopened(open_page, "1_Tokenization", state)
    assert app.session_state["atlas"].text == text and not sentences(app)
    # The address stands for it, for who loads the page again.
    said = app.query_params["text_of"]
    name = said if isinstance(said, str) else said[-1]
    assert name == link_id(state) and "text" not in app.query_params
    assert opened(open_page, "1_Tokenization", text_of=name).session_state["atlas"].text == text
    assert link(app)["text_of"] == name


def test_what_the_address_says_itself_goes_before(open_page: Open) -> None:
    state = SharedState("Attention", TEXT, "tales-gpt", controls={"layer": ("2",), "head": ("3",)})
    app = opened(open_page, "3_Attention", s=store.links().put(state), layer="4")
    assert (link(app)["layer"], link(app)["head"]) == ("4", "3")


@pytest.mark.parametrize("name", ["aaaaaaaaaa", "../../etc", "", "<script>"])
def test_an_id_that_does_not_exist_is_a_sentence(open_page: Open, name: str) -> None:
    app = opened(open_page, "3_Attention", s=name)
    assert sentences(app) == [UNKNOWN] and components(app, "atlas_picture")


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"version": 2}, "made by a newer Transformer Atlas"),
        ({"version": "1"}, "does not say which version"),
        ({"page": "../../etc/passwd"}, "names no page that makes sense"),
        ({"model": "m" * 300}, "names no model that makes sense"),
        ({"text": ["a"]}, "names no text that makes sense"),
        ({"text": "x" * 1_000_000}, "carries 64 kB at most"),
        ({"controls": {f"k{n}": ["1"] for n in range(100_000)}}, "carries 64 kB at most"),
    ],
    ids=lambda one: str(one)[:30],
)
def test_a_state_written_past_every_check_is_a_sentence(
    open_page: Open, links: store.Links, changes: dict[str, Any], sentence: str
) -> None:
    app = opened(open_page, "3_Attention", s=forged(links, **changes))
    (said,) = sentences(app)
    assert sentence in said and len(said) < 200
    assert components(app, "atlas_picture")


def test_what_a_forged_state_says_beside_is_left_out_and_named(
    open_page: Open, links: store.Links
) -> None:
    controls = {"layer": ["2"], "text": ["other"], "<b>": ["1"], "number": 3, "long": ["1" * 5000]}
    name = forged(links, controls=controls, reward=1, text=TEXT)
    app = opened(open_page, "3_Attention", s=name)
    (said,) = sentences(app)
    assert all(word in said for word in ("text", "<b>", "number", "long", "reward"))
    assert said.endswith("cannot be read here; left out.")
    assert link(app)["layer"] == "2" and link(app)["text"] == TEXT


def test_forged_controls_are_put_right_and_said(open_page: Open) -> None:
    state = SharedState(
        "Attention",
        "<img src=x onerror=alert(1)> **bold**",
        "tales-gpt",
        controls={
            "layer": ("99",),
            "head": ("1",),
            "rewards": ("1",),
            "view": ("<b>x</b>",),
            "scale": ("javascript:alert(1)",),
        },
    )
    app = opened(open_page, "3_Attention", s=store.links().put(state))
    said = " | ".join(sentences(app))
    assert "Layer 99" in said and "rewards" in said and "does not know" in said
    assert len(sentences(app)) == 4 and components(app, "atlas_picture")
    assert not any("<img" in one["svg"] for one in components(app, "atlas_picture"))


def test_a_model_that_is_not_here_is_said_with_the_way_to_it(open_page: Open) -> None:
    state = SharedState("Attention", TEXT, "far-away", digest="0" * 64, source="maker/far-away")
    app = opened(open_page, "3_Attention", s=store.links().put(state))
    said = " | ".join(sentences(app))
    assert "far-away is not installed here." in said and "on Home: maker/far-away" in said
    assert "Showing" in said and components(app, "atlas_picture")


def test_another_export_of_the_model_is_said(open_page: Open) -> None:
    state = SharedState("Attention", TEXT, "tales-gpt", digest="0" * 64)
    app = opened(open_page, "3_Attention", s=store.links().put(state))
    assert "not the same export" in " ".join(sentences(app))
    same = SharedState("Attention", TEXT, "tales-gpt", digest=engine().digest("tales-gpt"))
    assert not sentences(opened(open_page, "3_Attention", s=store.links().put(same)))


def test_a_link_of_another_page_gives_its_text_and_model(open_page: Open) -> None:
    state = SharedState("Decoding", TEXT, "tales-bert", controls={"seed": ("7",)})
    app = opened(open_page, "3_Attention", s=store.links().put(state))
    assert link(app)["text"] == TEXT and link(app)["model"] == "tales-bert"
    assert not sentences(app)


def test_a_store_that_cannot_be_opened_leaves_the_page_as_it_is(
    open_page: Open, links: store.Links
) -> None:
    links.path.mkdir()
    app = opened(open_page, "3_Attention", s="aaaaaaaaaa")
    assert "cannot be opened" in sentences(app)[0] and components(app, "atlas_picture")
