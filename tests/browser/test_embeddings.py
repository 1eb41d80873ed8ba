"""Journeys on the Embeddings page: the 3-D map, picking, the bytes on the wire."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from tests.browser.conftest import Open, rest, shot

CAMERA = """node => Object.values(node._fullLayout.scene._scene.getCamera().eye)
    .map((value) => value.toFixed(3)).join()"""


def drawn(page: Page) -> None:
    """Wait until the map stands with its labels."""
    page.locator(".space .labels button").first.wait_for(timeout=40_000)
    page.wait_for_timeout(400)


def spot(page: Page, point: str) -> tuple[float, float]:
    """Where a point of the text is on the screen: just under its label."""
    box = page.locator(f".space .labels button[data-id={point}]").bounding_box()
    assert box is not None
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2 + 14


def test_a_3d_point_is_picked_and_its_neighbours_are_listed(open_at: Open) -> None:
    page = open_at("/Embeddings?model=tales-gpt&text=The+river+bank+was+wet.")
    drawn(page)
    label = page.locator(".space .labels button.own").first
    point = label.get_attribute("data-id") or ""
    x, y = spot(page, point)
    page.mouse.move(x, y)
    page.wait_for_timeout(500)
    page.mouse.click(x, y)
    rest(page)
    expect(page).to_have_url(re.compile(r"point=[tv]\d+"))
    expect(page.get_by_text("nearest neighbours in the real space")).to_be_visible()
    expect(page.locator("svg g[data-id^=v]").first).to_be_visible()
    shot(page, "embeddings-picked")


def test_a_label_and_a_neighbour_pick_too(open_at: Open) -> None:
    page = open_at("/Embeddings?model=tales-gpt&text=The+river+bank+was+wet.", dark=True)
    drawn(page)
    page.locator(".space .labels button.own").first.click()
    rest(page)
    expect(page).to_have_url(re.compile(r"point=t\d"))
    row = page.locator("svg g[data-id^=v]").nth(2)
    number = row.get_attribute("data-id") or ""
    row.click()
    rest(page)
    expect(page).to_have_url(re.compile(f"point={number}(&|$)"))
    shot(page, "embeddings-dark")


def test_the_camera_stays_when_layers_and_points_change(open_at: Open) -> None:
    page = open_at("/Embeddings?model=tales-gpt&text=The+river+bank+was+wet.")
    drawn(page)
    plot = page.locator(".space .plot")
    box = plot.bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 120, y + 40, steps=6)
    page.mouse.up()
    page.wait_for_timeout(500)
    turned = plot.evaluate(CAMERA)
    page.get_by_role("slider", name="The text's tokens after layer").press("ArrowRight")
    rest(page)
    page.wait_for_timeout(500)
    assert plot.evaluate(CAMERA) == turned
    page.locator(".space .labels button.own").first.click()
    rest(page)
    page.wait_for_timeout(500)
    assert plot.evaluate(CAMERA) == turned


def test_few_bytes_travel_for_the_map_and_fewer_for_a_pick(open_at: Open) -> None:
    page = open_at("/")
    received: list[int] = []
    page.on(
        "websocket",
        lambda socket: socket.on("framereceived", lambda data: received.append(len(data))),
    )
    page.goto(page.url.split("?")[0].rstrip("/") + "/Embeddings?model=tales-gpt")
    rest(page)
    drawn(page)
    page.wait_for_timeout(500)
    first = sum(received)
    # 6,144 points with names, the page itself and the drawing for files.
    assert first < 600_000, first
    received.clear()
    page.locator(".space .labels button.own").first.click()
    rest(page)
    page.wait_for_timeout(500)
    assert sum(received) < 300_000, sum(received)


def test_a_flat_map_and_the_other_views_on_a_phone(open_at: Open) -> None:
    for view in ("Vocabulary&map=2-D", "Through+the+layers&after=3", "Positions"):
        page = open_at(f"/Embeddings?view={view}&model=tales-gpt", width=390)
        drawn(page)
        main = page.get_by_test_id("stMain")
        assert main.evaluate("node => node.scrollWidth - node.clientWidth") <= 1
        shot(page, f"embeddings-390-{view.split('&')[0]}")
