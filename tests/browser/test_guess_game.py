"""The game of the next word, by keys alone: on a desk and on a phone."""

import re

import pytest
from playwright.sync_api import expect

from engine.api import local
from engine.learn import guessing
from engine.learn.asking import Asked
from engine.learn.guessing import Bet
from pages.learn.game import rules
from pages.shell.menu import samples
from tests.browser.axe import report, violations
from tests.browser.conftest import Open, rest, shot

NAME = "A woodcutter"
TALE = next(one.text for one in samples() if one.name == NAME)
GUESSES = ["time", "there", "lived", "a", "king", "daughter", "who", "lived", "with", "his"]


@pytest.mark.parametrize(("width", "dark"), [(1440, False), (390, True)])
def test_ten_words_are_played_by_keys_alone(open_at: Open, width: int, dark: bool) -> None:
    page = open_at("/Decoding?lesson=1.2&lesson_step=1", width=width, dark=dark)
    page.get_by_role("link", name="Play it as a game").focus()
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("/Learn.*game=guess"))
    rest(page)
    page.get_by_role("button", name=NAME).focus()
    page.keyboard.press("Enter")
    turns = guessing.game(Asked(local(), "tales-gpt", TALE)).turns
    played = []
    for turn, word in zip(turns, GUESSES, strict=True):
        field = page.get_by_role("textbox", name="Word 1")
        expect(page.get_by_text(f"Word {turn.number} of 10").first).to_be_visible(timeout=30_000)
        expect(field).to_be_focused()
        page.keyboard.type(word)
        page.keyboard.press("Enter")
        played.append(guessing.score(turn, [Bet(word, 5)]))
        said = page.get_by_role("paragraph").filter(has_text=rules.turn_said(played[-1]))
        expect(said.first).to_be_visible(timeout=30_000)
        if turn.number == 3:
            rest(page)
            shot(page, f"guess-turn-{width}")
            found = violations(page)
            assert not found, report(found)
        last = turn.number == len(turns)
        on = page.get_by_role("button", name="Who was closer?" if last else "Next word")
        expect(on).to_be_focused()
        page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name=rules.verdict(played))).to_be_visible(timeout=30_000)
    rest(page)
    shot(page, f"guess-end-{width}")
    assert page.get_by_test_id("stMain").evaluate("n => n.scrollWidth - n.clientWidth") <= 1
    found = violations(page)
    assert not found, report(found)
