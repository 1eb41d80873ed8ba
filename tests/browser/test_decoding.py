"""The Decoding page in Chromium: columns written live, stopped, clicked, forced, by deep link."""

import re
import time

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Open, rest, shot

TOKENS = ".column .t"
PATIENCE = 20_000  # milliseconds; a busy machine takes several seconds for a run of the page


# Wide searches beside two columns: a step takes long enough that a slow browser still finds it
# going on when it presses Stop.
LONG = "&c1=greedy&c2=pure+sampling&c3=beam+6&c4=beam+7&c5=beam+8&write=no"
SIX = "&c1=greedy&c2=pure+sampling&c3=temperature+0.7&c4=top-k+40&c5=top-p+0.9&c6=min-p+0.05"


def button(page: Page, name: str):
    """A button by its words; the key that presses it may stand behind them."""
    return page.get_by_role("button", name=re.compile(rf"^{name}( Shortcut Space)?$"))


def wait_written(page: Page, patience: float = 30_000) -> None:
    expect(button(page, "Stop")).to_be_disabled(timeout=patience)
    rest(page)


def texts(page: Page) -> list[str]:
    return page.locator(".column .text").all_inner_texts()


@pytest.mark.parametrize("dark", [False, True])
def test_six_columns_are_written_live(open_at: Open, dark: bool) -> None:
    page = open_at("/Decoding?length=40&seed=11&write=no" + SIX, dark=dark)
    expect(page.locator(".column")).to_have_count(6, timeout=PATIENCE)
    button(page, "Generate").click()
    page.locator(TOKENS).first.wait_for()
    wait_written(page)
    assert page.locator(TOKENS).count() == 240
    expect(page.locator(".column .end").first).to_have_text("Length limit reached.")
    shot(page, f"decoding-{'dark' if dark else 'light'}")


def test_the_text_does_not_move_the_page_while_it_is_written(open_at: Open) -> None:
    page = open_at("/Decoding?length=200&seed=12&write=no" + SIX)
    heights = set()
    button(page, "Generate").click()
    page.locator(TOKENS).first.wait_for()
    for _ in range(10):
        heights.add(page.locator(".column .text").first.evaluate("n => n.clientHeight"))
        page.wait_for_timeout(100)
    assert len(heights) == 1


def test_stop_keeps_the_text_and_write_goes_on(open_at: Open) -> None:
    page = open_at("/Decoding?length=256&seed=13" + LONG)
    button(page, "Generate").click()
    page.locator(TOKENS).first.wait_for()
    button(page, "Stop").click()
    wait_written(page)
    part = page.locator(".column .text").nth(1).inner_text()
    count = page.locator(TOKENS).count()
    assert 0 < count < 2 * 256
    expect(page.locator(".column .end").first).to_have_text("Stopped.")
    button(page, "Continue").click()
    page.locator(TOKENS).nth(count).wait_for()
    button(page, "Stop").click()
    wait_written(page)
    assert page.locator(".column .text").nth(1).inner_text().startswith(part.rstrip())


def test_a_link_opens_exactly_the_same_columns(open_at: Open) -> None:
    address = "/Decoding?length=30&seed=14&write=yes&at=c2+t5&c1=greedy&c2=top-k+5"
    first, second = open_at(address), open_at(address)
    for page in (first, second):
        wait_written(page)
        expect(page.locator(".t.held")).to_have_count(1)
        expect(page.locator(".column.chosen .name")).to_contain_text("top-k 5")
    assert texts(first) == texts(second)


@pytest.mark.feature("Force a token by hand")
def test_a_click_on_a_token_opens_it_and_a_candidate_is_forced(open_at: Open) -> None:
    page = open_at("/Decoding?length=12&seed=15&write=yes&c1=greedy&c2=temperature+0.7")
    wait_written(page)
    before = texts(page)
    page.locator(".column").nth(1).locator(".t").nth(3).click()
    expect(page.get_by_text("column 2, new token 4")).to_be_visible()
    rest(page)
    bar = page.locator(".stage [data-id]").nth(2)
    bar.click()
    offer = page.locator(".card:not([hidden])")
    offer.get_by_role("button", name="Continue in a new column").click()
    expect(page.locator(".column")).to_have_count(3)
    wait_written(page)
    expect(page.locator(".t.forced")).to_have_count(1)
    after = texts(page)
    assert after[:2] == before and after[2] != before[1]
    offer.get_by_role("button", name="Undo").click()
    expect(page.locator(".column")).to_have_count(2)
    wait_written(page)
    # Now in its own column, and by the keyboard.
    expect(page.get_by_text("column 2, new token 4")).to_be_visible()
    bar.focus()
    page.keyboard.press("Enter")
    expect(offer.get_by_role("button").first).to_be_focused()
    page.keyboard.press("Enter")
    expect(offer.get_by_role("button", name="Undo")).to_be_visible(timeout=PATIENCE)
    wait_written(page)
    expect(page.locator(".t.forced")).to_have_count(1)
    shot(page, "decoding-forced")
    offer.get_by_role("button", name="Undo").click()
    expect(page.locator(".t.forced")).to_have_count(0)
    wait_written(page)
    assert texts(page) == before


def test_a_setting_can_be_typed_and_nonsense_is_said(open_at: Open) -> None:
    page = open_at("/Decoding?c1=greedy&c2=pure+sampling&length=5")
    box = page.get_by_role("combobox", name="Preset of column 1")
    box.fill("temperature 0.8, top-p 0.95")
    box.press("Enter")
    rest(page)
    expect(page.locator(".column .name").first).to_contain_text("temperature 0.8, top-p 0.95")
    box.fill("top-p 2")
    box.press("Enter")
    rest(page)
    expect(page.get_by_text("top-p must be in (0, 1], got 2")).to_be_visible()
    expect(page.locator(".column .name").first).to_contain_text("temperature 0.8, top-p 0.95")


def tinted_by_what_the_tip_says(page: Page) -> None:
    """Likelier tokens have more colour; ranks have the band of their place."""
    tokens = page.locator(".column").first.locator(".t")
    alphas, chances = [], []
    for token in tokens.all():
        token.hover()
        said = page.locator(".sheet .tip").inner_text()
        percent, rank = re.findall(r"model probability ([\d.e+-]+) %, rank ([\d,]+)", said)[0]
        colour = token.evaluate("n => getComputedStyle(n).backgroundColor")
        alphas.append(float(re.findall(r"[\d.]+", colour)[-1]))
        chances.append(float(percent) / 100)
        place = int(rank.replace(",", ""))
        assert token.get_attribute("data-band") == str(
            (place > 10) + (place > 100) + (place > 1000)
        )
    assert alphas == pytest.approx([0.52 * p for p in chances], abs=0.02)


@pytest.mark.feature("Text coloured by surprise / rank")
def test_hover_and_keys_tell_what_a_token_was_chosen_from(open_at: Open) -> None:
    page = open_at("/Decoding?length=8&write=yes&c1=pure+sampling&c2=greedy")
    wait_written(page)
    page.locator(TOKENS).nth(2).hover()
    tip = page.locator(".sheet .tip")
    expect(tip).to_contain_text("top tokens:")
    expect(tip).to_contain_text("bits")
    tinted_by_what_the_tip_says(page)
    page.locator(TOKENS).nth(2).click()
    rest(page)
    page.mouse.move(2, 2)
    page.locator(TOKENS).nth(2).focus()
    page.keyboard.press("ArrowRight")
    expect(tip).to_contain_text("token 4")
    page.keyboard.press("Enter")
    expect(page.get_by_text("column 1, new token 4")).to_be_visible()


def test_the_first_tokens_come_soon_and_another_person_is_answered(open_at: Open) -> None:
    """Generous bounds, as the test machine may be busy; the figures of an idle one are in bench."""
    page, other = open_at("/Decoding?length=200&seed=16&write=no"), open_at("/Decoding?c1=greedy")
    begun = time.monotonic()
    button(page, "Generate").click()
    page.locator(TOKENS).first.wait_for()
    assert time.monotonic() - begun < 5
    other.get_by_text("rank", exact=True).click()
    expect(other.locator(".sheet")).to_have_attribute("data-tint", "rank", timeout=5000)


def test_hostile_text_is_shown_and_not_obeyed(open_at: Open) -> None:
    page = open_at(
        "/Decoding?text=%3Cimg+src%3Dx+onerror%3Dalert(1)%3E&write=yes&length=5&c1=greedy"
    )
    wait_written(page)
    expect(page.locator(".prompt").first).to_contain_text("<img")
    assert page.locator(".column img").count() == 0


def test_a_cold_link_that_writes_at_once_keeps_its_numbers(open_at: Open) -> None:
    """The page runs twice within a moment then: nothing of the first run may be lost."""
    page = open_at("/Decoding?write=yes&c1=greedy&c2=top-k+5&model=fr-en&text=Le+chat+dort.")
    wait_written(page)
    button(page, "Options").click()
    expect(page.get_by_role("spinbutton", name="Seed")).to_have_value("1")
    expect(page.get_by_role("spinbutton", name="New tokens")).to_have_value("20")
    page.keyboard.press("Escape")
    before = page.locator(TOKENS).count()
    button(page, "New seed").click()
    button(page, "Options").click()
    expect(page.get_by_role("spinbutton", name="Seed")).to_have_value("2", timeout=PATIENCE)
    # "Stop" is disabled before the click is answered as well as after the writing: the new texts
    # themselves are waited for, or a busy server is caught between the two.
    expect(page.locator(TOKENS).nth(4)).to_be_visible(timeout=PATIENCE)
    wait_written(page)
    expect(page.locator(".column .end").first).not_to_be_empty(timeout=PATIENCE)
    assert before > 4 and page.locator(TOKENS).count() > 4


def test_many_runs_grow_a_tree(open_at: Open) -> None:
    page = open_at("/Decoding?view=Many+runs&runs=8&at=c2&length=8&seed=17&write=no")
    expect(page.get_by_text("Press Generate: column 2")).to_be_visible()
    button(page, "Generate").click()
    expect(page.get_by_text("sampled frequency against probability")).to_be_visible(timeout=30_000)
    wait_written(page)
    expect(page.get_by_text("different first tokens in 8 runs").first).to_be_visible()
    shot(page, "decoding-runs")


GROWN = "/Decoding?c1=greedy+%403%3D77&b1=greedy&length=10&seed=21&write=yes"


@pytest.mark.feature("Rewind / branch")
def test_the_tree_of_branches_is_walked_and_taken_back(open_at: Open) -> None:
    page = open_at(GROWN, height=1600)
    wait_written(page)
    here = page.locator(".column .name").first
    expect(here).to_contain_text("forced at token 4", timeout=PATIENCE)
    page.locator('.stage [data-id="k0"]').click()
    expect(here).to_have_text("1greedy", timeout=PATIENCE)
    expect(page.locator('.stage [data-id="k1"]')).to_contain_text("hidden", timeout=PATIENCE)
    rest(page)
    assert "c1=greedy&" in page.url + "&" and "b1=greedy+%403%3D77" in page.url
    button(page, "Show branches side by side").click()
    expect(page.locator(".column")).to_have_count(2, timeout=PATIENCE)
    rest(page)
    shot(page, "decoding-branches")
    button(page, "Undo").first.click()
    expect(page.locator(".column")).to_have_count(1, timeout=PATIENCE)
    rest(page)
    button(page, "Undo").first.click()
    expect(here).to_contain_text("forced at token 4", timeout=PATIENCE)


def test_candidates_are_read_from_a_table(open_at: Open) -> None:
    page = open_at("/Decoding?c1=top-k+5", height=1600)
    page.get_by_text("Table").last.click()
    table = page.get_by_role("table")
    expect(table.get_by_role("columnheader", name="after filters")).to_be_visible(timeout=PATIENCE)
    expect(table.get_by_role("row")).to_have_count(13)
    expect(table).to_contain_text("top-k")


def test_the_space_bar_writes_and_stops(open_at: Open) -> None:
    page = open_at("/Decoding?length=256&seed=22" + LONG)
    expect(button(page, "Generate")).to_be_enabled(timeout=PATIENCE)
    page.keyboard.press("Space")
    page.locator(TOKENS).first.wait_for()
    expect(button(page, "Stop")).to_be_enabled(timeout=PATIENCE)
    page.keyboard.press("Space")
    wait_written(page)
    expect(page.locator(".column .end").first).to_have_text("Stopped.", timeout=PATIENCE)
    box = page.get_by_label("Prompt")
    box.click()
    box.press_sequentially(" a b")
    page.wait_for_timeout(400)
    expect(button(page, "Stop")).to_be_disabled()


def test_a_stop_text_that_comes_ends_a_column_and_one_that_never_comes_does_not(
    open_at: Open,
) -> None:
    page = open_at("/Decoding?length=60&seed=23&stop=.&c1=greedy&write=yes")
    wait_written(page)
    expect(page.locator(".column .end").first).to_have_text("Stop text reached.", timeout=PATIENCE)
    button(page, "Options").click()
    box = page.get_by_role("textbox", name="Stop text", exact=True)
    box.fill("§§§")
    box.press("Enter")
    rest(page)
    wait_written(page)
    expect(page.locator(".column .end").first).to_have_text(
        "Length limit reached.", timeout=PATIENCE
    )
    assert page.locator(TOKENS).count() == 60


WATCH = """(sheet) => {
  const seen = window.seen = [];
  const texts = () => [...sheet.querySelectorAll('.column .text')];
  let before = texts().map((n) => n.textContent);
  const note = () => {
    const now = texts(), words = now.map((n) => n.textContent);
    const grew = words.every((text, i) => text.startsWith(before[i]));
    before = words;
    seen.push([performance.now(), grew, now.map((n) => Math.round(n.getBoundingClientRect().top)
      + 'x' + n.clientHeight).join()]);
  };
  new MutationObserver(note).observe(sheet, {childList: true, subtree: true});
}"""


@pytest.mark.feature("Token streaming")
@pytest.mark.parametrize(("width", "height"), [(1440, 900), (1024, 768)])
def test_a_fresh_page_shows_written_columns_whole(open_at: Open, width: int, height: int) -> None:
    """Without a touch and without scrolling: three texts, room for one more, what one sees."""
    page = open_at("/Decoding", width=width, height=height)
    wait_written(page)
    expect(page.locator(".column")).to_have_count(3)
    assert page.locator(TOKENS).count() == 60
    for seen in (page.locator(".sheet"), page.get_by_text("A quick first run: 3 settings")):
        box = seen.bounding_box()
        assert box is not None and box["y"] + box["height"] <= height
    page.get_by_role("button", name="Add column").click()
    expect(page.locator(".column")).to_have_count(4, timeout=PATIENCE)
    wait_written(page)


def test_a_fresh_page_shows_all_columns_within_one_swipe_of_a_phone(open_at: Open) -> None:
    page = open_at("/Decoding", width=390, height=844)
    wait_written(page)
    first = page.locator(".column .text").first.bounding_box()
    whole = page.locator(".sheet").bounding_box()
    assert first is not None and first["y"] + first["height"] <= 844
    assert whole is not None and whole["y"] + whole["height"] <= 2 * 844
    assert whole["x"] >= 0 and whole["x"] + whole["width"] <= 390


def test_six_columns_of_256_tokens_grow_without_a_jump(open_at: Open) -> None:
    """Every change of the page on the way: text only grows, nothing moves; a generous pace."""
    page = open_at("/Decoding?length=256&seed=24&write=no" + SIX)
    expect(page.locator(".column")).to_have_count(6, timeout=PATIENCE)
    button(page, "Generate").click()
    page.locator(TOKENS).first.wait_for()
    page.locator(".sheet").evaluate(WATCH)
    page.wait_for_timeout(2500)
    early = page.evaluate("window.seen.length")
    wait_written(page)  # a quick machine has written all 256 by now: there is nothing to stop
    seen = page.evaluate("window.seen")
    looks = sorted({round(at / 60) for at, _, _ in seen[:early]})
    assert len(looks) >= 5, f"{len(looks)} updates in 2.5 s"
    assert all(grew for _, grew, _ in seen)
    assert len({places for _, _, places in seen}) == 1


@pytest.mark.feature("Beam search")
def test_a_beam_search_is_weighed_while_the_others_write(open_at: Open) -> None:
    page = open_at("/Decoding?c1=beam+4&c2=temperature+0.7&length=120&seed=25&write=no")
    button(page, "Generate").click()
    columns = page.locator(".column")
    columns.nth(1).locator(".t").first.wait_for()
    expect(columns.nth(0).locator(".end")).to_have_text(
        "beam search: 4 hypotheses …", timeout=PATIENCE
    )
    assert columns.nth(0).locator(".t").count() == 0
    wait_written(page)
    expect(columns.nth(0).locator(".t")).not_to_have_count(0)
    expect(columns.nth(0).locator(".end")).to_have_text("Length limit reached.")
