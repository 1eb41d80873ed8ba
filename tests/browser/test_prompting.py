"""The Prompting page where only a browser tells: clicks in pictures, a long link loaded again."""

import re
from urllib.parse import parse_qs, urlsplit

from playwright.sync_api import Page, expect

from engine.prompting.tasks import ready_tasks
from tests.browser.conftest import Open, rest

PROMPT = ready_tasks()[0].prompt


def sent(page: Page) -> str:
    """The prompt that is shown as it is sent."""
    return page.get_by_test_id("stCode").last.locator("code").inner_text()


def test_a_click_on_a_column_shows_its_prompt(open_at: Open) -> None:
    page = open_at("/Prompting")
    expect(
        page.get_by_text("The right answer “positive” comes to the letter").first
    ).to_be_visible()
    assert sent(page).split() == PROMPT.text(5).split()
    page.locator(".st-key-prompting-sheet .name").nth(1).click()
    rest(page)
    assert sent(page).split() == PROMPT.text(1).split()
    assert parse_qs(urlsplit(page.url).query)["column"] == ["c2"]
    expect(
        page.get_by_text(re.compile(r"With 1 example: \d+ of 512 positions")).first
    ).to_be_visible()


def test_a_click_on_a_head_tints_the_prompt_by_it(open_at: Open) -> None:
    page = open_at("/Prompting?view=Attention")
    expect(page.get_by_text(re.compile(r"Head \d\.\d gives")).first).to_be_visible()
    grid = page.locator(".st-key-sources-heads g.matrix")
    box = grid.bounding_box()
    assert box is not None
    # The second head of the first layer.
    grid.click(position={"x": box["width"] * 1.5 / 8, "y": box["height"] * 0.5 / 6})
    expect(page.get_by_text("Head 1.2 gives").first).to_be_visible()
    assert parse_qs(urlsplit(page.url).query)["copy_head"] == ["1.2"]


def test_examples_are_built_and_two_hundred_come_again_with_the_address(open_at: Open) -> None:
    page = open_at("/Prompting")
    page.get_by_label("Answer of example 1").fill("so-so")
    page.get_by_label("Answer of example 1").press("Enter")
    expect(page.get_by_test_id("stCode").last).to_contain_text("Sentiment: so-so")
    # What was built is kept while another page is shown.
    for name in ("Decoding", "Prompting"):
        page.get_by_test_id("stPageLink").get_by_text(name, exact=True).first.click()
        page.wait_for_url(re.compile(f"/{name}"))
        rest(page)
    expect(page.get_by_test_id("stCode").last).to_contain_text("Sentiment: so-so")
    many = "\n".join(f"Dish number {n} was good. => positive" for n in range(1, 201))
    page.get_by_role("button", name="Edit as text").click()
    box = page.get_by_role("textbox", name="Examples, one a line")
    box.fill(many)
    box.press("Control+Enter")
    rest(page)
    expect(page.get_by_text(re.compile(r"Examples \d+ to 200 do not fit")).first).to_be_visible()
    page.keyboard.press("Escape")
    page.reload()
    rest(page)
    expect(page.get_by_text(re.compile(r"Examples \d+ to 200 do not fit")).first).to_be_visible()
    assert "Dish number 5 was good." in sent(page)


def test_another_task_asks_its_own_question_and_accuracy_is_measured(open_at: Open) -> None:
    page = open_at("/Prompting?view=Accuracy&items=12")
    page.get_by_role("button", name="Measure accuracy").click()
    expect(page.get_by_text(re.compile(r"of 12 are right")).first).to_be_visible(timeout=60_000)
    expect(page.get_by_role("button", name="Stop", exact=True)).to_be_disabled(timeout=60_000)
    page.get_by_role("combobox", name="Task").click()
    page.get_by_role("option", name="Python").click()
    rest(page)
    expect(page.get_by_label("Question", exact=True)).to_have_value("the mean of a list of numbers")
    expect(page.get_by_test_id("stAlert")).to_contain_text("no fixed answers")


def order(page: Page) -> list[str]:
    """The questions of the examples as their fields have them."""
    fields = page.locator("[class*=st-key-example-asked-] input")
    return [field.input_value() for field in fields.all()]


def test_an_example_is_dragged_elsewhere_or_moved_by_keys_and_back_undoes_it(
    open_at: Open,
) -> None:
    page = open_at("/Prompting?view=Answers")
    one, two, three, *rest_of = (example.asked for example in PROMPT.examples)
    grip = page.locator(".st-key-example-grip-1 button")
    grip.scroll_into_view_if_needed()
    expect(grip).to_have_attribute("aria-label", re.compile("Move example 1 of 6"))
    start = grip.bounding_box()
    end = page.locator(".st-key-example-row-3").bounding_box()
    assert start is not None and end is not None
    page.mouse.move(start["x"] + 10, start["y"] + 10)
    page.mouse.down()
    page.mouse.move(start["x"] + 10, end["y"] + end["height"] / 2, steps=6)
    page.mouse.up()
    rest(page)
    assert order(page) == [two, three, one, *rest_of]
    link = parse_qs(urlsplit(page.url).query)["examples"][0]
    assert link.index(three) < link.index(one)
    page.locator(".st-key-example-grip-3 button").press("ArrowUp")
    second = page.locator("[class*=st-key-example-asked-] input").nth(1)
    expect(second).to_have_value(one, timeout=20_000)
    rest(page)
    assert order(page) == [two, one, three, *rest_of]
    expect(page.locator(".st-key-example-grip-2 button")).to_be_focused()
    page.go_back()
    expect(second).to_have_value(three, timeout=20_000)
    assert order(page) == [two, three, one, *rest_of]
