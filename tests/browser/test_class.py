"""A class as it is played: a teacher's screen and two pupils', and thirty over the socket."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from concurrent.futures import ThreadPoolExecutor  # a browser of this process has a loop here

from playwright.sync_api import Page, expect

from bench.classroom import Played, play
from tests.browser.axe import in_both_themes, report
from tests.browser.conftest import Open, rest, shot

PANEL = ".st-key-atlas-lesson"
CODE = "p[aria-label]"
PUPILS, STEPS = 30, 3
SLOWEST = 30.0  # seconds, on two cores that others use too; alone it takes a tenth


def opened(page: Page, lesson: str) -> str:
    """A class that a teacher opens on Learn; its code."""
    page.get_by_role("button", name="Teach a class").click()
    box = page.get_by_role("combobox", name="Lesson", exact=True)
    box.click()
    page.keyboard.type(lesson)
    page.keyboard.press("Enter")
    rest(page)
    page.get_by_role("button", name="Open a class", exact=True).click()
    code = page.locator(f".st-key-class-own {CODE}")
    expect(code).to_have_text(re.compile("^[2-9A-Z]{6}$"))
    return code.inner_text()


def joined(page: Page, name: str = "") -> None:
    """A pupil who has come by the class's link joins and stands where the class is."""
    if name:
        page.get_by_label("Nickname (optional)").fill(name)
    page.get_by_role("button", name="Join", exact=True).click()
    page.wait_for_url(re.compile("/Attention.*lesson=3.1"))
    expect(page.locator(PANEL)).to_contain_text("your teacher leads", timeout=30_000)
    expect(page.locator(PANEL).get_by_role("radio")).to_have_count(2)
    rest(page)


def answer(page: Page, choice: str) -> None:
    page.locator(PANEL).get_by_role("radio", name=choice, exact=True).focus()
    page.keyboard.press("Space")
    expect(page.locator(PANEL)).to_contain_text(f"Your answer is in: {choice}")


def test_a_teacher_leads_two_pupils_through_a_lesson(open_at: Open) -> None:
    teacher = open_at("/Learn")
    code = opened(teacher, "3.1")
    shot(teacher, "class-opened")
    desk = open_at(f"/Learn?class={code}")
    phone = open_at(f"/Learn?class={code.lower()}", width=390, height=844)
    joined(desk)
    joined(phone, "<b>Ada</b>")
    expect(teacher.get_by_text("2 pupils have joined")).to_be_visible()
    teacher.get_by_role("link", name=re.compile("Lead: ")).click()
    led = teacher.locator(PANEL)
    expect(led).to_contain_text("You lead class", timeout=30_000)

    # Answers come in as bars, and nobody hears yet who is right.
    answer(desk, "banana")
    answer(phone, "monkey")
    expect(led).to_contain_text("2 of 2 pupils have answered")
    expect(led.locator(".class-bars li")).to_have_text(["monkey1", "banana1"])
    assert "✓" not in led.inner_text()
    for page in (desk, phone):
        assert "10 of 32" not in page.locator(PANEL).inner_text()
    shot(phone, "class-answered-390")

    # Locked: clicks and keys change nothing on the pupil's page, an answer still does.
    led.get_by_text("Lock pupils' controls").click()
    expect(desk.locator(PANEL)).to_contain_text("has locked the controls")
    rest(desk)
    shot(desk, "class-locked")
    before = desk.url
    desk.get_by_role("radio", name="Lines").click(force=True)
    desk.get_by_role("link", name="Decoding").click(force=True)
    field = desk.locator(".st-key-text textarea")
    field.focus()
    desk.keyboard.type("another text")
    desk.wait_for_timeout(1500)
    assert desk.url == before and "another" not in field.input_value()
    expect(desk.get_by_role("radio", name="Map")).to_be_checked()
    answer(desk, "monkey")
    answer(desk, "banana")

    # Revealed: each hears about their own answer.
    led.get_by_role("button", name="Reveal the answer").click()
    expect(led.locator(".class-bars .right")).to_have_text("✓ banana1")
    expect(led).to_contain_text("1 of them right")
    shot(teacher, "class-revealed")
    expect(desk.locator(PANEL)).to_contain_text("You answered: banana. Right.")
    expect(phone.locator(PANEL)).to_contain_text("You answered: monkey. Only 10 of 32 heads do")
    shot(phone, "class-revealed-390")

    # The next step: all go there; a page that is loaded again comes back into the class.
    led.get_by_text("Lock pupils' controls").click()
    teacher.locator(".st-key-lesson-next button").click()
    for page in (desk, phone):
        expect(page.locator(PANEL)).to_contain_text("step 2 of 4 · your teacher leads")
        page.wait_for_url(re.compile("lesson_step=2"))
    phone.reload()
    rest(phone)
    expect(phone.locator(PANEL)).to_contain_text(f"Class {code}")
    answer(phone, "banana")
    expect(led).to_contain_text("1 of 2 pupils have answered")
    teacher.reload()
    rest(teacher)
    expect(led).to_contain_text("You lead class", timeout=30_000)
    assert "teach=" not in teacher.url

    with teacher.expect_download() as download:
        led.get_by_role("button", name="Answers (CSV)").click()
    lines = download.value.path().read_text(encoding="utf-8-sig").splitlines()
    assert lines[0].startswith("pupil,nickname,lesson,step,answer,correct")
    assert any("<b>Ada</b>,3.1,1,monkey,False" in line for line in lines) and len(lines) == 4

    led.get_by_role("button", name="End the class").click()
    teacher.get_by_role("button", name="Delete and end").click()
    for page in (desk, phone):
        expect(page.get_by_text("There is no such class")).to_be_visible()
        expect(page.locator(PANEL)).not_to_contain_text("your teacher leads")


def test_the_screens_of_a_class_have_no_accessibility_faults(open_at: Open) -> None:
    teacher = open_at("/Learn")
    code = opened(teacher, "3.1")
    found = in_both_themes(teacher, "class-")
    pupil = open_at(f"/Learn?class={code}", width=390)
    found += in_both_themes(pupil, "class-")
    joined(pupil)
    teacher.get_by_role("link", name=re.compile("Lead: ")).click()
    expect(teacher.locator(PANEL)).to_contain_text("You lead class", timeout=30_000)
    rest(teacher)
    for page in (teacher, pupil):
        found += in_both_themes(page, "atlas-lesson")
    assert not found, report(found)


def test_thirty_pupils_play_three_steps(server: str) -> None:
    address = server.replace("localhost", "127.0.0.1")
    with ThreadPoolExecutor(1) as thread:
        played: Played = thread.submit(
            lambda: asyncio.run(play(address, PUPILS, STEPS, pace=2.0))
        ).result()
    for step in range(1, STEPS + 1):
        # The bars say what was answered, each answer once.
        bars = re.findall(r"<span>(.*?)</span><b>(\d+)</b>", played.page[step])
        drawn = Counter({name: int(count) for name, count in bars if int(count)})
        assert drawn == played.given[step] and drawn.total() == PUPILS, step
    assert {name: len(some) for name, some in played.seconds.items()} == {
        "joined": PUPILS,
        "answer counted": PUPILS * STEPS,
        "reveal seen": PUPILS * STEPS,
        "next step seen": PUPILS * (STEPS - 1),
    }
    slowest = {name: max(some) for name, some in played.seconds.items()}
    assert max(slowest.values()) < SLOWEST, slowest
