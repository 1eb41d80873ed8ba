"""A model from a folder joins the explorer: looked at, stopped once, exported, used, deleted."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Open, rest
from tests.engine.checkpoints import save


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    where = tmp_path_factory.mktemp("checkpoints") / "checkpoint"
    save("gpt2", where)
    return where


def ask_for(page: Page, source: str) -> None:
    """Type an id or a folder and look at it."""
    field = page.get_by_role("textbox", name="Hub id")
    field.fill(source)
    field.press("Enter")
    rest(page)
    page.get_by_role("button", name="Inspect").click()


def test_a_folder_is_looked_at_stopped_exported_used_and_deleted(
    own_server: str, open_at: Open, folder: Path
) -> None:
    page = open_at(f"{own_server}/", cold=True)
    ask_for(page, str(folder))
    main = page.get_by_test_id("stMain")
    expect(main).to_contain_text("Decoder (text generation), type gpt2.", timeout=60_000)
    expect(main).to_contain_text("2 layers of 2 heads, width 16")
    name = page.get_by_role("textbox", name="Name", exact=True)
    expect(name).to_have_value("checkpoint")
    name.fill("little-gpt")
    name.press("Enter")
    rest(page)
    # Stopped: it is said at once, nothing is left behind and it can be begun again.
    stop = page.get_by_role("button", name="Stop")
    page.get_by_role("button", name="Export").click()
    stop.click()
    expect(stop).to_have_count(0, timeout=3_000)
    expect(main).to_contain_text("No files were kept", timeout=60_000)
    # Finished: the model is there, chosen, on the pages that fit it, and nothing is to be stopped.
    page.get_by_role("button", name="Export").click()
    expect(main).to_contain_text("little-gpt is ready", timeout=180_000)
    expect(stop).to_have_count(0)
    rest(page)
    expect(page.get_by_role("combobox", name="Model").first).to_have_value("little-gpt")
    page.get_by_role("link", name="Attention with little-gpt").click()
    page.wait_for_url("**/Attention*")
    rest(page)
    expect(page.get_by_test_id("stMain")).to_contain_text("decoder of 2 layers with 2 heads")
    for path in ("Tokenization", "Embeddings", "Decoding"):
        used = open_at(f"{own_server}/{path}?model=little-gpt&text=The+cat+sat", cold=True)
        expect(used.get_by_test_id("stMain")).to_contain_text("decoder of 2 layers with 2 heads")
        expect(used.get_by_test_id("stException")).to_have_count(0)
    # Deleted again.
    page = open_at(f"{own_server}/", cold=True)
    page.get_by_text("Remove an exported model").click()
    page.get_by_role("button", name="Delete little-gpt").click()
    expect(page.get_by_text("Remove an exported model")).to_have_count(0)


def test_what_cannot_be_added_is_a_sentence(open_at: Open, tmp_path: Path) -> None:
    page = open_at("/")
    (tmp_path / "config.json").write_text('{"model_type": "vit", "image_size": 224}')
    (tmp_path / "model.safetensors").write_bytes(b"\x02\0\0\0\0\0\0\0{}")
    ask_for(page, str(tmp_path))
    expect(page.get_by_test_id("stMain")).to_contain_text("vision or speech", timeout=60_000)


def test_a_name_with_html_in_it_is_shown_and_not_obeyed(open_at: Open) -> None:
    page = open_at("/")
    ask_for(page, "<img src=x onerror=alert(1)>")
    expect(page.get_by_test_id("stMain")).to_contain_text("has no model called", timeout=60_000)
    expect(page.locator("img[src=x]")).to_have_count(0)


def test_the_address_of_a_models_page_is_understood(open_at: Open) -> None:
    page = open_at("/")
    ask_for(page, "https://huggingface.co/openai-community/gpt2/tree/main")
    main = page.get_by_test_id("stMain")
    expect(main).to_contain_text("openai-community/gpt2 is not on this computer", timeout=60_000)
