"""The shell without a browser: cache, link values, sentences, what is saved."""

from __future__ import annotations

import csv
import io
import json
import re
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from streamlit.errors import StreamlitAPIException
from streamlit.testing.v1 import AppTest

from engine.errors import EngineError
from engine.models import catalog
from engine.store import Store, size
from pages.pictures import matrix, svg
from pages.shell import address, frame
from pages.shell.address import TEXT_IN_LINK, plain
from pages.shell.cache import engine
from pages.shell.menu import PAGES as MENU
from pages.shell.share import csv_file, html_file, json_file, svg_file
from pages.shell.state import Listed, State
from tests.pages.conftest import ROOT, Open, crash, sentences

PAGES = sorted(path.stem for path in (ROOT / "pages").glob("[1-9]*.py"))
BARE = {Path(page.file).stem for page in MENU if not page.reads}  # neither text nor model


# Cache


def test_a_value_is_made_once_and_then_found() -> None:
    store, made = Store(10_000), []
    for _ in range(3):
        assert store.get("a", lambda: made.append(1) or "value") == "value"
    assert made == [1]


def test_the_store_keeps_to_its_bytes_and_drops_what_was_unused_longest() -> None:
    alone = Store(10**6)
    alone.get("a", lambda: np.zeros(1000, np.uint8))
    limit = 3 * alone.nbytes + alone.nbytes // 2  # three values with their keys, no fourth
    store = Store(limit)
    for key in "abc":
        store.get(key, lambda: np.zeros(1000, np.uint8))
    store.get("a", lambda: pytest.fail("a is still there"))
    store.get("d", lambda: np.zeros(1000, np.uint8))
    assert store.nbytes <= limit
    made: list[str] = []
    store.get("a", lambda: made.append("a"))
    store.get("b", lambda: made.append("b"))
    assert made == ["b"]


def test_a_value_larger_than_the_store_is_given_but_not_kept() -> None:
    store = Store(100)
    assert len(store.get("a", lambda: np.zeros(1000))) == 1000
    assert store.nbytes == 0


def test_an_error_is_given_to_all_who_wait_and_not_kept() -> None:
    store, tries = Store(1000), []

    def fails() -> str:
        tries.append(1)
        raise EngineError("no")

    for _ in range(2):
        with pytest.raises(EngineError):
            store.get("a", fails)
    assert len(tries) == 2
    assert store.get("a", lambda: "yes") == "yes"


def test_threads_that_ask_at_once_share_one_computation() -> None:
    store, made, got = Store(10_000), [], []

    def slow() -> str:
        made.append(1)
        time.sleep(0.1)
        return "value"

    threads = [threading.Thread(target=lambda: got.append(store.get("a", slow))) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert made == [1] and got == ["value"] * 12


def test_other_keys_do_not_wait() -> None:
    store, gate = Store(1000), threading.Event()
    waiting = threading.Thread(target=lambda: store.get("slow", gate.wait))
    waiting.start()
    assert store.get("fast", lambda: 1) == 1
    gate.set()
    waiting.join()


def test_size_counts_arrays_wherever_they_lie() -> None:
    assert size({"a": [np.zeros(100), (np.zeros(50), "x" * 10)]}) >= 8 * 150 + 10


# Link values, on a page of its own: every kind of control


SCRIPT = """
import streamlit as st
from pages.shell.address import checked, checked_many, link_values, selection, show_notes
from pages.shell.state import state
state().turn_to("Test")
state().notes_place = st.container()
show_notes()
layers = st.session_state.get("layers", 6)
checked("layer", range(1, layers + 1), default=1, because=f"this model has {layers} layers")
st.slider("Layer", 1, layers, key="layer", bind="query-params")
checked("temperature", (0.0, 2.0), default=1.0)
st.slider("Temperature", 0.0, 2.0, 1.0, key="temperature", bind="query-params")
checked("kind", ("self", "cross"), default="self", shown=str.title)
st.selectbox("Kind", ("self", "cross"), format_func=str.title, key="kind", bind="query-params")
checked_many("heads", ["1", "2", "3"], default=["1"])
st.multiselect("Heads", ["1", "2", "3"], default=["1"], key="heads", bind="query-params")
checked("on", (True, False), default=False, shown=lambda v: str(v).lower())
st.checkbox("On", key="on", bind="query-params")
st.text("lock " + str(selection("token", ["t0", "t1"], name="token")))
st.json(link_values()[0])
"""


def page_of(layers: int = 6, **address: str | list[str]) -> AppTest:
    app = AppTest.from_string(SCRIPT)
    app.session_state["layers"] = layers
    for key, value in address.items():
        app.query_params[key] = value
    return app.run()


def shown(app: AppTest) -> dict[str, object]:
    return json.loads(app.json[0].value)


def test_a_link_without_values_gives_the_defaults_and_says_nothing() -> None:
    app = page_of()
    assert not app.exception and not app.warning
    expected = {"layer": "1", "temperature": "1", "kind": "Self", "heads": ["1"], "on": "false"}
    assert {key: shown(app)[key] for key in expected} == expected


def test_a_link_gives_every_control_its_value() -> None:
    app = page_of(
        layer="4", temperature="0.5", kind="Cross", heads=["2", "3"], on="true", token="t1"
    )
    assert not app.exception and not app.warning
    assert app.slider(key="layer").value == 4
    assert app.slider(key="temperature").value == 0.5
    assert app.selectbox(key="kind").value == "cross"
    assert app.multiselect(key="heads").value == ["2", "3"]
    assert app.checkbox(key="on").value is True
    assert "lock t1" in [text.value for text in app.text]


BAD = {
    "layer 99": ({"layer": "99"}, "layer 99: this model has 6 layers; showing layer 6."),
    "layer -1": ({"layer": "-1"}, "layer -1: this model has 6 layers; showing layer 1."),
    "layer x": ({"layer": "x"}, "layer=x is not a whole number; showing 1."),
    "number": ({"temperature": "abc"}, "temperature=abc is not a number; showing 1.0."),
    "nan": ({"temperature": "nan"}, "temperature nan:"),
    "too hot": ({"temperature": "9"}, "it goes from 0.0 to 2.0 here; showing temperature 2.0."),
    "option": ({"kind": "<b>"}, "kind=<b> is none of Self, Cross; showing Self."),
    "many": ({"heads": ["2", "9"]}, "heads 9 is not offered here; it is left out."),
    "lock": ({"token": "t9"}, "token t9 does not exist here; nothing is selected."),
    "bool": ({"on": "perhaps"}, "on=perhaps is none of"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_wrong_link_value_is_said_in_one_sentence_and_the_rest_works(case: str) -> None:
    address, sentence = BAD[case]
    app = page_of(**address)
    assert not crash(app), crash(app)
    said = sentences(app)
    assert len(said) == 1 and sentence in said[0]


def test_the_sentence_stays_until_the_value_is_changed() -> None:
    app = page_of(layer="99")
    assert app.slider(key="layer").value == 6
    app.checkbox(key="on").check().run()
    assert len(app.warning) == 1
    app.slider(key="layer").set_value(3).run()
    assert not app.warning and shown(app)["layer"] == "3"


def test_a_value_left_over_from_another_model_is_put_right_silently() -> None:
    app = page_of(layer="5")
    app.session_state["layers"] = 3
    app.run()
    assert not app.exception and not app.warning
    assert app.slider(key="layer").value == 3


def test_a_run_that_was_cut_short_forgets_no_control_of_its_page() -> None:
    here = State()
    here.turn_to("Attention")
    here.listed = {"view": Listed("Map", str), "layer": Listed("1", str)}
    here.turn_to("Attention")  # the next act came before this run had listed its controls
    assert set(here.known) == {"view", "layer"} and not here.listed
    here.turn_to("Attention")
    assert set(here.known) == {"view", "layer"}
    here.turn_to("Decoding")
    assert here.carried == {"view", "layer"} and not here.known


def test_a_value_that_a_widget_still_holds_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """Streamlit refuses to change what a widget was bound to in a run that was cut short."""

    class Bound(dict[str, str]):
        def __delitem__(self, key: str) -> None:
            raise StreamlitAPIException(f"Cannot directly delete query parameter '{key}'")

        def __setitem__(self, key: str, value: str) -> None:
            raise StreamlitAPIException(f"Cannot directly set query parameter '{key}'")

    held = Bound(search="king")
    monkeypatch.setattr(address.st, "query_params", held)
    address.take_out("search")
    address.take_out("never there")
    address.put("search", None)
    address.put("search", "queen")
    assert held == {"search": "king"}


def test_links_cannot_make_markdown() -> None:
    app = page_of(kind="![x](http://example.com) **b** :red[c] $d$")
    assert not crash(app), crash(app)
    value = app.warning[0].value
    for mark in ("!", "[", "(", "*", ":", "$"):
        assert all(before == "\\" for before in re.findall(f"(.){re.escape(mark)}", value)), mark


@pytest.mark.parametrize("text", ["plain", "a*b_c`d", "[x](y)", "<b>&", "$1$ :smile: #"])
def test_plain_escapes_and_loses_nothing(text: str) -> None:
    assert plain(text).replace("\\", "") == text.replace("\\", "")


# Every page


@pytest.mark.parametrize("name", ["Home", *PAGES])
def test_every_page_runs_from_its_address_alone(open_page: Open, name: str) -> None:
    app = open_page(name)
    assert not crash(app), crash(app)
    assert not app.error and not app.warning


@pytest.mark.parametrize("name", PAGES)
def test_an_unknown_model_is_said_and_another_is_shown(open_page: Open, name: str) -> None:
    app = open_page(name, model="no/such*model*")
    assert not crash(app), crash(app)
    assert any("no/such*model*" in sentence for sentence in sentences(app))
    if name in BARE:
        assert app.session_state["model"] in [one.name for one in engine().models() if one.ready]
    else:
        assert app.selectbox(key="model").value in app.selectbox(key="model").options


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize(
    "text", ["   ", "\x00\x07", "<script>alert(1)</script>", "\u202eשלום 👩‍👩‍👧"]
)
def test_no_text_breaks_a_page(open_page: Open, name: str, text: str) -> None:
    app = open_page(name, text=text)
    assert not crash(app), crash(app)
    assert app.session_state["atlas"].text == text


@pytest.mark.parametrize("name", PAGES)
def test_a_text_over_the_positions_is_a_sentence_and_is_kept(open_page: Open, name: str) -> None:
    text = "word " * 6000
    app = open_page(name, text=text)
    assert not crash(app), crash(app)
    assert app.session_state["atlas"].text == text
    assert len(text) > TEXT_IN_LINK and "text" not in app.query_params


# What is saved


def drawn() -> str:
    grid = np.array([[1, np.nan], [0.5, 0.5]], np.float32)
    names = ["a</script>", "b"]
    return svg.document(
        80,
        80,
        [
            matrix.matrix(
                grid,
                x=0,
                y=0,
                cell=20,
                rows=["q0", "q1"],
                columns=["k0", "k1"],
                row_labels=names,
                column_labels=names,
            ),
            svg.label("</script><script>x", 0, 70, data_id="q0", data_show="k0"),
        ],
        "A map",
    )


def test_the_svg_file_is_plain_and_hides_what_waits_for_a_click() -> None:
    content = svg_file(drawn())
    assert content.startswith("<?xml") and "var(" not in content
    assert "[data-show]{display:none}" in content


def test_the_html_file_asks_no_address_and_cannot_be_broken_out_of() -> None:
    content = html_file(drawn(), "<b>A map</b>")
    assert content.count("<script>") == 1 and content.count("</script>") == 1
    assert "<b>" not in content
    rest = content.replace("http://www.w3.org/2000/svg", "")
    assert "http://" not in rest and "https://" not in rest


def test_tables_come_back_as_they_went_in() -> None:
    table = {"token": [" a", "=1+1", 'q"x\n'], "weight": np.array([0.25, np.nan, 1.0])}
    rows = list(csv.reader(io.StringIO(csv_file(table))))
    assert rows[0] == ["token", "weight"] and rows[1] == [" a", "0.25"]
    assert rows[2] == ["'=1+1", ""] and rows[3][0] == 'q"x\n'  # no number: an empty cell
    back = json.loads(json_file(table))
    assert back == {"token": [" a", "=1+1", 'q"x\n'], "weight": [0.25, None, 1.0]}


def test_the_icon_and_the_components_are_files_that_exist() -> None:
    for file in ("icon.svg", "samples.toml", "components/picture.js", "components/picture.css"):
        assert (Path(ROOT) / "assets" / file).stat().st_size > 100


# Models that are missing or damaged


def test_without_any_model_a_page_says_so(open_page: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalog, "entries", lambda: ())
    for name in ("Home", "5_Decoding"):
        app = open_page(name)
        assert not crash(app), crash(app)
        assert sentences(app) == [frame.NO_MODEL]


def test_a_damaged_bundle_is_named_and_the_others_can_be_used(
    open_page: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = replace(catalog.entries()[0], name="torn", problem="model.onnx of torn is damaged.")
    whole = catalog.entries()
    monkeypatch.setattr(catalog, "entries", lambda: (broken, *whole))
    app = open_page("Home", model="torn")
    assert not crash(app), crash(app)
    assert sum("model.onnx of torn is damaged." in sentence for sentence in sentences(app)) == 2
    assert app.selectbox(key="model").value != "torn"
