"""The Attention page by hand: choose heads, walk, unpin, hover rows, follow links."""

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from bench.attention import BYTES
from tests.browser.conftest import Open, rest, shot

TEXT = "The+little+boat+sailed+across+the+dark+sea,+and+the+boy+said+that+the+little+boat"
START = f"/Attention?model=tales-gpt&text={TEXT}"


expect.set_options(timeout=20_000)  # a busy machine is slow, not wrong


def grid(page: Page) -> Locator:
    return page.locator('.stage svg:has([data-id="h1.1"])')


def thumbnail(page: Page, name: str) -> Locator:
    return grid(page).locator(f'[data-id="{name}"]')


def border(page: Page, name: str) -> float:
    """The width of a thumbnail's border."""
    width = "node => parseFloat(getComputedStyle(node).strokeWidth)"
    return float(thumbnail(page, name).locator(".border").evaluate(width))


def large(page: Page) -> Locator:
    return page.locator(".stage svg:has(g.matrix)").first


def heading(page: Page, words: str) -> None:
    expect(page.get_by_role("heading", name=words, exact=True)).to_be_visible()


def chip(page: Page) -> Locator:
    return page.locator(".chip.on")


@pytest.mark.feature("Click to lock the hover", "Layer x head overview grid")
def test_a_click_locks_a_head_and_escape_lets_go(open_at: Open) -> None:
    page = open_at(START)
    thumbnail(page, "h3.5").click()
    heading(page, "Layer 3, head 5")
    expect(chip(page)).to_contain_text("Layer 3, head 5")
    expect(page).to_have_url(re.compile(r"layer=3.*head=5|head=5.*layer=3"))
    rest(page)
    assert border(page, "h3.5") >= 4 > border(page, "h3.4")
    thumbnail(page, "h1.2").hover()
    page.wait_for_timeout(500)
    heading(page, "Layer 3, head 5")  # locked: pointing elsewhere changes nothing
    page.keyboard.press("Escape")
    expect(chip(page)).to_have_count(0)
    heading(page, "Layer 3, head 5")


@pytest.mark.feature("Layer x head overview grid")
def test_pointing_at_a_head_previews_it_and_leaving_returns(open_at: Open) -> None:
    page = open_at(START + "&layer=2&head=3")
    heading(page, "Layer 2, head 3")
    thumbnail(page, "h5.7").hover()
    heading(page, "Layer 5, head 7")
    page.mouse.move(5, 5)
    heading(page, "Layer 2, head 3")


@pytest.mark.feature("Step to one head / neighbouring head")
def test_arrows_walk_the_grid_and_enter_chooses(open_at: Open) -> None:
    page = open_at(START)
    thumbnail(page, "h1.1").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    heading(page, "Layer 2, head 2")
    expect(chip(page)).to_contain_text("Layer 2, head 2")


@pytest.mark.parametrize("dark", [False, True])
def test_a_deep_link_opens_its_head(open_at: Open, dark: bool) -> None:
    page = open_at(START + "&layer=2&head=3", dark=dark)
    heading(page, "Layer 2, head 3")
    assert border(page, "h2.3") >= 4 > border(page, "h2.4")
    expect(page.locator(".atlas").first).to_have_attribute(
        "data-theme", "dark" if dark else "light"
    )
    shot(page, f"attention-head-{'dark' if dark else 'light'}")


@pytest.mark.feature("Token-axis heat map", "Hover isolates one row / token")
def test_hovering_a_cell_lights_its_row_and_column_and_gives_the_value(open_at: Open) -> None:
    page = open_at(START + "&layer=2&head=3", height=1500)
    matrix = large(page).locator("g.matrix")
    box = matrix.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] * 0.1, box["y"] + box["height"] * 0.9)
    tip = page.locator(".tip:not([hidden])")
    expect(tip).to_contain_text("weight")
    expect(tip).to_contain_text(re.compile(r"\d %"))
    lit = large(page).locator("text.lit")
    words = [text for text in lit.all_text_contents() if text]
    assert any("row sum 100 %" in text for text in words)
    assert large(page).locator('text.lit[data-id^="q"]').count() == 1
    assert large(page).locator('text.lit[data-id^="k"]').count() == 1


@pytest.mark.feature("Causal mask drawn distinctly from zero")
def test_a_masked_cell_says_masked(open_at: Open) -> None:
    page = open_at(START)
    box = large(page).locator("g.matrix").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] * 0.95, box["y"] + box["height"] * 0.05)
    expect(page.locator(".tip:not([hidden])")).to_contain_text("masked")


def test_a_locked_word_is_in_the_link_and_joins_the_views(open_at: Open) -> None:
    page = open_at(START + "&layer=2&head=3")
    large(page).locator('text[data-id="q7"]').click()
    expect(page).to_have_url(re.compile("spot=q7"))
    rest(page)
    page.get_by_role("radio", name="Inside").or_(page.get_by_role("button", name="Inside")).click()
    rest(page)
    chosen = page.get_by_test_id("stSelectbox").filter(has_text="Query token (attends)")
    assert "sea" in chosen.inner_text() + "".join(
        i.input_value() for i in chosen.locator("input").all()
    )
    assert page.locator(".katex").count() >= 4


@pytest.mark.feature("Sum over several selected tokens")
def test_shift_click_adds_a_word_and_both_are_shown_as_one_row(open_at: Open) -> None:
    page = open_at(START + "&layer=2&head=3", height=1500)
    large(page).locator('text[data-id="q7"]').click()
    expect(page).to_have_url(re.compile("spot=q7"))
    rest(page)
    large(page).locator('text[data-id="q4"]').click(modifiers=["Shift"])
    expect(page).to_have_url(re.compile(r"spot=q7(\+|%20)q4"))
    expect(large(page).locator("g.matrix")).to_have_count(2)
    expect(page.get_by_text("mean over 2 queries")).to_be_visible()
    large(page).locator('text[data-id="q7"]').click(modifiers=["Shift"])
    expect(large(page).locator("g.matrix")).to_have_count(1)


@pytest.mark.feature("Masked-LM predictions at a token")
@pytest.mark.parametrize("view", ["Map", "Lines"])
def test_a_double_click_hides_a_word_and_shows_what_the_model_fills_in(
    open_at: Open, view: str
) -> None:
    page = open_at(f"/Attention?model=tales-bert&text=The+boy+saw+the+sea.&view={view}")
    word = page.locator('.stage svg text[data-id="q5"]').first
    word.dblclick()
    expect(page.locator("textarea").first).to_have_value("The boy saw the [MASK].")
    expect(page.locator('.stage svg[aria-label^="Prediction at the mask"]')).to_be_visible()
    expect(page).to_have_url(re.compile("view=What"))


def test_a_head_is_ablated_where_one_clicked_and_restored_there(open_at: Open) -> None:
    page = open_at(START)
    thumbnail(page, "h3.5").click()
    offer = page.locator(".card:not([hidden])")
    offer.get_by_role("button", name="Ablate head 3.5").click()
    expect(offer.get_by_role("button", name="Restore head 3.5")).to_be_visible()
    expect(page.get_by_text("Ablated: 3.5.")).to_be_visible()
    shot(page, "attention-ablated")
    thumbnail(page, "h1.2").hover()  # a neighbor is not covered
    expect(offer).to_have_count(0)
    thumbnail(page, "h3.5").hover()
    offer.get_by_role("button", name="Restore head 3.5").click()
    expect(page.get_by_text("Ablated: 3.5.")).to_have_count(0)
    expect(offer.get_by_role("button", name="Ablate head 3.5")).to_be_visible()


@pytest.mark.parametrize("view", ["Map", "Text"])
def test_a_word_is_masked_where_one_clicked_and_put_back(open_at: Open, view: str) -> None:
    page = open_at(f"/Attention?model=tales-bert&text=The+boy+saw+the+sea.&view={view}")
    page.locator('.stage svg [data-id="q5"]').last.click()
    offer = page.locator(".card:not([hidden])")
    offer.get_by_role("button", name="Mask “sea”").click()
    expect(page.locator("textarea").first).to_have_value("The boy saw the [MASK].")
    rest(page)
    back = page.get_by_role("button", name="Restore the masked word")
    box = back.bounding_box()
    assert box is not None and box["y"] < 700  # where one looks for the prediction
    shot(page, f"attention-masked-{view}")
    back.click()
    expect(page.locator("textarea").first).to_have_value("The boy saw the sea.")
    expect(page.get_by_role("radio", name=view)).to_be_checked()


def test_only_the_row_pointed_at_is_told_while_another_is_locked(open_at: Open) -> None:
    page = open_at(START + "&layer=2&head=3&spot=q7", height=1500)
    said = large(page).locator("text[data-show].lit").filter(has_text="attends to")
    expect(said).to_have_count(1)
    large(page).locator('text[data-id="q4"]').hover()
    expect(said).to_have_count(1)
    expect(said).to_contain_text("across")


@pytest.mark.feature("Layer / head pre-filter to limit payload")
def test_a_change_of_head_is_small_on_the_wire(open_at: Open) -> None:
    words = "+".join(["The+old+king+went+to+the+sea+and"] * 8)
    page = open_at(f"/Attention?model=tales-gpt&text={words}")
    page.evaluate(BYTES)
    thumbnail(page, "h3.5").click()
    heading(page, "Layer 3, head 5")
    rest(page)
    assert 10_000 < page.evaluate("window.received") < 300_000


@pytest.mark.feature("Bipartite token-column line view", "Hover isolates one row / token")
def test_pointing_at_a_word_leaves_only_its_lines_and_a_click_keeps_them(open_at: Open) -> None:
    page = open_at(START + "&layer=2&head=3&view=Lines", height=1500)
    drawn = page.locator('.stage svg[aria-label^="Lines of attention"]')
    lines, word = drawn.locator("path[data-on]"), drawn.locator('text[data-id="q7"]')
    own = drawn.locator('path[data-on^="q7 "]')
    word.hover()
    expect(drawn.locator("path.lit")).to_have_count(own.count())
    expect(drawn.locator("path.dim")).to_have_count(lines.count() - own.count())
    assert own.first.evaluate("n => getComputedStyle(n).opacity") == "1"
    word.click()
    expect(page).to_have_url(re.compile("spot=q7"))
    rest(page)
    page.mouse.move(5, 5)
    expect(drawn.locator("path.lit")).to_have_count(own.count())
    expect(chip(page).last).to_contain_text("sea")


@pytest.mark.feature("QK^T -> scale -> mask -> softmax pipeline")
def test_the_space_bar_plays_the_stages_inside_a_head_and_arrows_step(open_at: Open) -> None:
    page = open_at(START + "&layer=2&head=3&view=Inside", height=1500)
    formulas = page.locator(".katex-display")
    expect(formulas).to_have_count(4)
    expect(page.get_by_role("button", name=re.compile("^Play"))).to_be_visible()
    page.keyboard.press("Space")
    expect(formulas).to_have_count(1)
    expect(page.get_by_role("button", name="Pause")).to_be_visible()
    expect(
        page.get_by_role("button", name=re.compile("^Play"))
    ).to_be_visible()  # it came to its end
    expect(formulas).to_have_count(4)
    rest(page)
    page.keyboard.press("ArrowLeft")
    expect(formulas).to_have_count(1)
    expect(page).to_have_url(re.compile("stage=4"))
    rest(page)
    page.keyboard.press("ArrowLeft")
    expect(page).to_have_url(re.compile("stage=3"))


@pytest.mark.feature("Attention for tokens being generated")
def test_written_tokens_come_row_by_row_by_themselves(open_at: Open) -> None:
    page = open_at("/Attention?model=tales-gpt&text=The+old+king&write=3", height=1400)
    rows, whole = large(page).locator('text[data-id^="q"]'), 6
    expect(rows).to_have_count(whole)
    page.get_by_role("button", name="Play").click()
    expect(page.get_by_role("button", name="Pause")).to_be_visible()
    expect(rows).to_have_count(whole - 1)
    expect(page.get_by_role("button", name="Play")).to_be_visible()
    expect(rows).to_have_count(whole)
    rest(page)
    page.keyboard.press("ArrowLeft")
    expect(page).to_have_url(re.compile(f"upto={whole - 1}"))


@pytest.mark.parametrize(("width", "height"), [(1440, 900), (1024, 768)])
def test_the_first_view_holds_every_head_and_the_large_map_without_scrolling(
    open_at: Open, width: int, height: int
) -> None:
    page = open_at("/Attention?model=tales-gpt", width=width, height=height)
    expect(page.get_by_text("the most notable for this text")).to_be_visible()
    for name in ("h1.1", "h1.8", "h6.8"):
        box = thumbnail(page, name).bounding_box()
        assert box is not None and box["x"] + box["width"] <= width
        assert box["y"] + box["height"] <= height
    stage = page.locator(".stage:has(svg [data-id='h1.1'])")
    assert stage.evaluate("node => node.scrollWidth - node.clientWidth") <= 1
    matrix = large(page).locator("g.matrix").bounding_box()
    assert matrix is not None and matrix["x"] + matrix["width"] <= width
    shown = min(matrix["y"] + matrix["height"], height) - matrix["y"]
    assert shown >= 0.4 * matrix["height"]  # cut by the fold within its cells: it goes on


def test_a_telephone_shows_the_large_map_within_one_swipe(open_at: Open) -> None:
    page = open_at("/Attention?model=tales-gpt", width=390, height=844)
    matrix = large(page).locator("g.matrix").bounding_box()
    assert matrix is not None and matrix["y"] + 0.5 * matrix["height"] <= 2 * 844


def test_two_words_clicked_in_the_map_rank_all_heads_and_a_click_goes_to_one(
    open_at: Open,
) -> None:
    page = open_at(
        "/Attention?model=tales-bert&text=The+dog+lost+its+bone,+so+it+cried.&layer=1&head=1",
        height=1800,
    )
    box = large(page).locator("g.matrix").bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + box["width"] * 0.21, box["y"] + box["height"] * 0.63)
    ranked = page.locator(".stage svg").filter(has_text="mean of others")
    expect(ranked).to_be_visible()
    expect(ranked.locator("g[data-id]")).to_have_count(32)
    best = ranked.locator("g[data-id]").first
    name = str(best.get_attribute("data-id"))[1:].split(".")
    best.click()
    heading(page, f"Layer {name[0]}, head {name[1]}")
    expect(page).to_have_url(re.compile("spot=q"))
