"""A small model is trained, found again by another visit, used on another page, deleted."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.browser.conftest import Open, rest

VIEW = "/Training?view=Train+one+yourself&own_layers=1&own_width=32&own_steps=50&own_text=names"


def test_a_training_runs_through_is_found_again_and_its_model_opens(
    own_server: str, open_at: Open
) -> None:
    page = open_at(f"{own_server}{VIEW}", cold=True)
    rest(page)
    page.get_by_role("button", name="Train", exact=True).click()
    expect(page.get_by_role("button", name="Stop and keep the best")).to_be_visible(timeout=30_000)
    page.close()
    # The job goes on without its page, and whoever comes next sees it.
    page = open_at(f"{own_server}{VIEW}", cold=True)
    main = page.get_by_test_id("stMain")
    expect(main).to_contain_text("Written at step", timeout=120_000)
    expect(main).to_contain_text("my-model is ready", timeout=240_000)
    expect(main).to_contain_text("Trained here")
    used = open_at(f"{own_server}/Decoding?model=my-model&text=Ber", cold=True)
    expect(used.get_by_test_id("stMain")).to_contain_text("decoder of 1 layers with 2 heads")
    expect(used.get_by_test_id("stException")).to_have_count(0)
    page.get_by_role("button", name="Delete", exact=True).click()
    expect(page.get_by_text("Trained here", exact=True)).to_have_count(0)
