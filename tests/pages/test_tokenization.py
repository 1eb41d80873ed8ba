"""The Tokenization page, run by AppTest; what happens inside pictures is seen in Chromium."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

import pytest
from streamlit.testing.v1 import AppTest

from engine.jobs import registry
from engine.models import catalog
from pages.pictures.tokens import WINDOW
from pages.tokenization.compare import external
from tests.engine.hub_stand_in import hub
from tests.pages.conftest import Open, components, crash, sentences, unfolded

PAGE = "1_Tokenization"
MODELS = ("tales-gpt", "tales-bert", "fr-en")
VIEWS = ("Tokens", "Step by step", "Compare tokenizers", "Token + position embeddings")
HOSTILE = {
    "markup": "<script>alert(1)</script> <b>bold</b> & 'quotes'",
    "scripts": "👩‍👩‍👧 naïve café — 你好, мир! שלום مرحبا e\u0301",
    "controls": "a\x00b\u202e\u2066c\r\n\t d",
    "one": "a",
    "letters": "x" * 300,
}


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("view", VIEWS)
def test_every_view_answers_under_every_tokenizer(open_page: Open, model: str, view: str) -> None:
    app = open_page(PAGE, model=model, view=view)
    assert not crash(app)
    assert sentences(app) == []


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.parametrize("view", VIEWS)
def test_strange_texts_are_cut_and_shown(open_page: Open, text: str, view: str) -> None:
    app = open_page(PAGE, view=view, text=text, model="tales-bert")
    assert not crash(app)
    assert sentences(app) == []


@pytest.mark.parametrize("view", VIEWS)
def test_an_empty_text_is_one_sentence(open_page: Open, view: str) -> None:
    app = open_page(PAGE, view=view, text="")
    assert not crash(app)
    assert len(sentences(app)) == 1
    assert "The text is empty" in sentences(app)[0]


@pytest.mark.feature("Token and character counts")
def test_counts_are_those_of_the_text(open_page: Open) -> None:
    app = open_page(PAGE, model="tales-gpt", text="The cat sat.")
    values = {metric.label: metric.value for metric in app.metric}
    tokens = int(values["Tokens"])
    assert values["Characters"] == "12"
    assert values["Bytes"] == "12"
    assert float(values["Characters per token"]) == pytest.approx(12 / tokens, abs=0.005)


@pytest.mark.feature("Big-paste guard (worker, auto-hide, cap)")
def test_a_hundred_thousand_characters_are_counted_in_full_and_drawn_in_parts(
    open_page: Open,
) -> None:
    app = open_page(PAGE, model="tales-gpt", text="The cat sat on the mat. " * 4200)
    assert not crash(app)
    values = {metric.label: metric.value for metric in app.metric}
    assert values["Characters"] == "100,800"
    assert int(values["Tokens"].replace(",", "")) > 10_000
    assert len(chips_drawn(app)) == WINDOW
    app.slider(key="part").set_value(20).run()
    assert not crash(app)
    assert [chip.get("data-id") for chip in chips_drawn(app)] == [
        f"t{i}" for i in range(19 * WINDOW, 20 * WINDOW)
    ]


def test_a_link_with_values_that_make_no_sense_is_put_right(open_page: Open) -> None:
    app = open_page(PAGE, view="Magic", below="colour", token="t999", part="-1")
    assert not crash(app)
    told = " ".join(sentences(app))
    assert "View=Magic" in told
    assert "Show=colour" in told
    assert "token t999" in told
    app = open_page(PAGE, view="Step by step", word="w99", step="200")
    assert not crash(app)
    assert "word w99" in " ".join(sentences(app))
    assert "Step 200" in " ".join(sentences(app))


def test_a_step_back_moves_the_slider_and_the_link(open_page: Open) -> None:
    app = open_page(PAGE, view="Step by step", model="tales-gpt", text="unbelievably")
    last = app.slider(key="step").value
    assert last == app.slider(key="step").max
    app.button(key="step-back").click().run()
    assert app.slider(key="step").value == last - 1
    assert "step" in app.query_params
    assert not crash(app)


def chips_drawn(app: AppTest) -> list[Element]:
    """The chips of the page's first picture, in the order in which they stand."""
    root = ElementTree.fromstring(components(app, "atlas_picture")[0]["svg"])
    return [node for node in root.iter() if (node.get("class") or "").startswith("tok ")
            or node.get("class") == "tok"]  # fmt: skip


@pytest.mark.feature("Coloured token chips", "Token ids shown")
def test_every_token_is_a_chip_with_its_id_and_no_neighbour_has_its_colour(
    open_page: Open,
) -> None:
    app = open_page(PAGE, model="tales-gpt", text="the the the\nthe unbelievable cat")
    app = unfolded(app, "chips-table")
    drawn = chips_drawn(app)
    table = app.dataframe[0].value
    assert [chip.get("data-id") for chip in drawn] == [f"t{i}" for i in range(len(table))]
    assert [int("".join(chip[1].itertext())) for chip in drawn] == list(table["id"])
    assert [chip.get("data-name") for chip in drawn] == list(table["text"])
    sheet = components(app, "atlas_picture")[0]["svg"]
    colours = dict(re.findall(r"\.tokens \.(c\d+) \{ background:([^;]+);", sheet))
    grounds = [colours[chip.attrib["class"].split()[1]] for chip in drawn]
    assert all(a != b for a, b in pairwise(grounds))


@pytest.mark.feature("Byte view of each token")
def test_each_token_shows_its_bytes(open_page: Open) -> None:
    app = open_page(PAGE, model="tales-gpt", text="The caf\u00e9 \u4f60", below="Bytes")
    app = unfolded(app, "chips-table")
    shown = ["".join(chip[1].itertext()) for chip in chips_drawn(app)]
    assert bytes.fromhex(" ".join(shown)) == "The caf\u00e9 \u4f60".encode()
    assert list(app.dataframe[0].value["bytes"]) == shown


@pytest.mark.feature("Regex pre-split stage shown")
def test_the_text_is_normalised_and_split_before_the_algorithm(open_page: Open) -> None:
    address = {"view": "Step by step", "text": "Caf\u00e9 at 9pm!"}
    root = ElementTree.fromstring(
        components(open_page(PAGE, model="tales-gpt", **address), "atlas_picture")[0]["svg"]
    )
    words = ["".join(n.itertext()) for n in root.iter() if n.get("class") == "word"]
    assert words == ["Caf\u00e9", "\u00b7at", "\u00b79", "pm", "!"]
    told = "".join(root.itertext())
    assert "Split into words: ByteLevel" in told and r"\p{L}+" in told
    bert = components(open_page(PAGE, model="tales-bert", **address), "atlas_picture")[0]["svg"]
    assert "Normalized: BertNormalizer" in bert and "cafe\u00b7at\u00b79pm!" in bert


@pytest.mark.feature("BPE merges shown step by step")
def test_every_step_of_bpe_is_shown(open_page: Open) -> None:
    app = open_page(PAGE, view="Step by step", model="tales-gpt", text="unbelievably")
    steps = int(app.slider(key="step").max)
    assert steps > 3
    for step in range(steps + 1):
        app.slider(key="step").set_value(step).run()
        assert not crash(app)
        svg = components(app, "atlas_picture")[1]["svg"]
        assert f"BPE after {step} of {steps} merges: " in svg
        assert len(re.findall(r"merge no\. [\d,]+", svg)) == step
    tokens = open_page(PAGE, model="tales-gpt", text="unbelievably")
    cut = unfolded(tokens, "chips-table").dataframe[0].value
    result = next(one.value for one in app.markdown if one.value.startswith("Result: "))
    assert re.findall("`([^`]+)`", result) == list(cut["text"])


@pytest.mark.feature("Two tokenizers side by side on the same text")
def test_the_comparison_counts_what_each_tokenizer_gives(open_page: Open) -> None:
    app = open_page(PAGE, view="Compare tokenizers", model="tales-gpt", text="The cat sat.")
    table = app.dataframe[0].value
    assert sorted(table["tokenizer"]) == sorted(MODELS)
    assert set(table["algorithm"]) == {"BPE", "Unigram", "WordPiece"}
    app.multiselect(key="with").set_value(["tales-bert"]).run()
    assert not crash(app)
    assert list(app.dataframe[0].value["tokenizer"]) == ["tales-bert"]
    app.multiselect(key="with").set_value([]).run()
    assert not crash(app)


def test_the_vocabulary_is_searched_and_sorted(open_page: Open) -> None:
    app = open_page(PAGE, view="Vocabulary", model="tales-gpt", search="house")
    assert not crash(app)
    table = app.dataframe[0].value
    assert len(table) and all("house" in text.lower() for text in table["text"])
    app.text_input(key="search").set_value("").run()
    app = unfolded(app, "vocabulary-options")
    app.segmented_control(key="order").set_value("Length").run()
    app.toggle(key="falling").set_value(True).run()
    assert not crash(app)
    lengths = list(app.dataframe[0].value["length"])
    assert lengths == sorted(lengths, reverse=True)
    app.text_input(key="search").set_value("\u4eba\u4eba").run()
    assert any("No token of this vocabulary" in caption.value for caption in app.caption)


@pytest.mark.feature("Token + position embedding step shown")
def test_a_row_plus_its_position_enters_layer_one(open_page: Open) -> None:
    app = open_page(
        PAGE, view="Token + position embeddings", model="tales-gpt", text="The cat", token="t1"
    )
    app = unfolded(app, "vectors-table")
    assert not crash(app)
    table = app.dataframe[0].value
    total = table["token embedding"] + table["position embedding"]
    assert total.to_numpy() == pytest.approx(table["enters layer 1"].to_numpy(), abs=1e-4)
    assert any("Their sum enters layer 1" in one.value for one in app.markdown)


TEMPLATE = (
    "{% for m in messages %}{% if m.role == 'system' and not loop.first %}"
    "{{ raise_exception('system comes first') }}{% endif %}<s>{{ m.role }}: {{ m.content }}\n"
    "{% endfor %}{% if add_generation_prompt %}assistant:{% endif %}"
)


@pytest.mark.feature("Chat-template / role editor")
def test_a_chat_template_is_rendered_with_its_roles(open_page: Open, models: Path) -> None:
    folder = shutil.copytree(catalog.SHIPPED / "tales-gpt", models / "talker")
    card = json.loads((folder / "card.json").read_text())
    (folder / "card.json").write_text(json.dumps(card | {"template": TEMPLATE}))
    app = open_page(PAGE, view="Chat template", model="talker", turn1="Hello <b>there", turns="2")
    app = unfolded(app, "chat-rendered")
    assert not crash(app) and sentences(app) == []
    assert app.code[0].value == "<s>user: Hello <b>there\n<s>assistant: Paris.\nassistant:"
    app.toggle(key="answer").set_value(False).run()
    assert app.code[0].value.endswith("Paris.")
    app.selectbox(key="role2").set_value("system").run()
    assert not crash(app)
    assert "system comes first" in sentences(app)[0]


def test_a_model_without_a_chat_template_offers_none(open_page: Open) -> None:
    app = open_page(PAGE, view="Chat template", model="tales-gpt")
    assert not crash(app)
    assert "View=Chat template" in " ".join(sentences(app))


@pytest.mark.feature("Parse-special-tokens toggle")
def test_names_of_special_tokens_are_parsed_or_spelt(open_page: Open) -> None:
    app = open_page(PAGE, model="tales-bert", text="a [MASK] b")
    app = unfolded(app, "chips-options", "chips-table")
    whole = app.dataframe[0].value
    assert "[MASK]" in list(whole["stored"])
    app.toggle(key="names").set_value(False).run()
    assert not crash(app)
    spelt = app.dataframe[0].value
    assert "[MASK]" not in list(spelt["stored"]) and len(spelt) > len(whole)


def test_a_chip_leads_to_its_place_in_the_vocabulary(open_page: Open) -> None:
    app = open_page(PAGE, model="tales-gpt", text="The cat", token="t1")
    app = unfolded(app, "chips-table")
    number = int(app.dataframe[0].value["id"][1])
    app.button(key="jump-1").click().run()
    assert not crash(app)
    assert app.dataframe[0].value["id"][0] == number
    assert app.dataframe[0].value["text"][0] == "\u00b7cat"


@pytest.mark.feature("Many tokenizers to pick from")
def test_a_well_known_tokenizer_is_fetched_at_one_choice(
    open_page: Open, models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HF_HUB_OFFLINE")
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hub"))
    known = external.KNOWN[0]
    with hub({known: catalog.SHIPPED / "tales-gpt"}) as address:
        monkeypatch.setenv("HF_ENDPOINT", address)
        app = open_page(PAGE, view="Compare tokenizers", model="tales-bert", text="The cat sat.")
        app.selectbox(key="borrow-known").set_value(known).run()
        job = registry.find(f"borrow:guest:{known}")
        assert job is not None and job.wait(120)
    app.run()
    assert not crash(app) and sentences(app) == []
    assert f"hub:{known}" in list(app.dataframe[0].value["tokenizer"])


@pytest.mark.feature("Any repository id as tokenizer")
def test_any_hub_tokenizer_joins_the_comparison(
    open_page: Open, models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HF_HUB_OFFLINE")
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hub"))
    with hub({"maker/model": catalog.SHIPPED / "tales-bert"}) as address:
        monkeypatch.setenv("HF_ENDPOINT", address)
        app = open_page(PAGE, view="Compare tokenizers", model="tales-gpt", text="The cat sat.")
        app.text_input(key="borrow-id").set_value("maker/model").run()
        app.button(key="borrow-fetch").click().run()
        job = registry.find("borrow:guest:maker/model")
        assert job is not None and job.wait(120)
    app = unfolded(app, "languages-table")
    assert not crash(app) and sentences(app) == []
    table = app.dataframe[0].value
    assert list(table["tokenizer"])[-1] == "hub:maker/model"
    assert list(table["algorithm"])[-1] == "WordPiece"
    languages = app.dataframe[1].value
    assert (languages["hub:maker/model: tokens"] > 0).all()
    link = open_page(PAGE, view="Compare tokenizers", **{"with": ["hub:maker/model", "tales-bert"]})
    both = link.dataframe[0].value["tokens"]
    assert both[0] == both[1]


OLD = {
    "Into vectors": "Token + position embeddings",
    "Id": "ID",
    "Characters": "Span",
    "As stored": "Vocabulary form",
}


@pytest.mark.parametrize("below", ["Id", "Characters", "As stored"])
def test_links_of_old_are_still_understood(open_page: Open, below: str) -> None:
    app = open_page(PAGE, model="tales-gpt", text="The cat", below=below, view="Tokens")
    app = unfolded(app, "chips-options")
    assert not crash(app) and sentences(app) == []
    assert app.segmented_control(key="below").value == OLD[below]
    app = open_page(PAGE, model="tales-gpt", text="The cat", view="Into vectors")
    assert not crash(app) and sentences(app) == []
    assert app.segmented_control(key="view").value == OLD["Into vectors"]


def walked(block: Any) -> Iterator[str]:
    """What stands on a page, in order."""
    for child in block.children.values():
        if hasattr(child, "children"):
            yield child.type
            yield from walked(child)
        else:
            yield child.type


def test_the_picture_comes_before_the_controls(open_page: Open) -> None:
    app = open_page(PAGE, model="tales-gpt", text="The cat [sat].")
    app = unfolded(app, "chips-options", "chips-table")
    order = [*walked(app.main)]
    assert "bidi_component" in order and "expander" in order
    # The text box above is a component too.
    assert order.index("bidi_component", order.index("bidi_component") + 1) < order.index(
        "button_group", order.index("button_group") + 1
    )
    assert order.index("expander") < order.index("dataframe")


def test_the_sentence_and_the_chips_speak_of_the_same(open_page: Open) -> None:
    app = open_page(PAGE, model="tales-bert", text="I saw \U0001f642 te\x10st")
    app = unfolded(app, "chips-table")
    table = app.dataframe[0].value
    assert list(table["unknown"]).count(True) == 1
    words = " ".join(one.value for one in app.markdown).replace("\\", "")
    assert "1 unknown word ([UNK])" in words and "deleted 1 character: U+0010" in words
    assert "start mark [CLS], separator [SEP]" in words
