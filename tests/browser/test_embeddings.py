"""Journeys on the Embeddings page: the 3-D map, picking, the bytes on the wire."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Open, at_rest, rest, shot

# Where names of the vocabulary stand: of the camera alone, as those points never move.
STANDING = """(node) => Object.fromEntries([...node.querySelectorAll(".labels [data-id^=v]")]
  .filter((label) => label.className === "")
  .map((label) => [label.dataset.id, label.style.transform])
  .map(([id, moved]) => [id, moved.match(/[-\\d.]+(?=px)/g).map(Number)]))"""
# How many pixels of a large map have a color, where the processor draws it.
INKED = """(node) => { const { width, height } = node, pen = node.getContext("2d");
  return pen.getImageData(0, 0, width, height).data.filter((v, k) => k % 4 === 3 && v).length; }"""


PLACES = """(node) => [...node.querySelectorAll(".labels button")].map((label) => {
  const box = label.getBoundingClientRect();
  return [label.dataset.id, Math.round(box.x), Math.round(box.y)];
})"""


def drawn(page: Page) -> None:
    """Wait until the map stands with its labels."""
    page.locator(".space .labels button").first.wait_for(timeout=40_000)
    at_rest(page.locator(".space"), PLACES)


def spot(page: Page, point: str) -> tuple[float, float]:
    """Where a point of the text is on the screen: just under its label."""
    box = page.locator(f".space .labels button[data-id={point}]").bounding_box()
    assert box is not None
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2 + 14


def test_a_3d_point_is_picked_and_its_neighbours_are_listed(open_at: Open) -> None:
    page = open_at("/Embeddings?view=Vocabulary&model=tales-gpt&text=The+river+bank+was+wet.")
    drawn(page)
    label = page.locator(".space .labels button.own").first
    point = label.get_attribute("data-id") or ""
    x, y = spot(page, point)
    page.mouse.move(x, y)
    at_rest(page.locator(".space"), PLACES)
    page.mouse.click(x, y)
    rest(page)
    expect(page).to_have_url(re.compile(r"point=[tv]\d+"))
    expect(page.get_by_text("nearest neighbors in the original space")).to_be_visible()
    expect(page.locator("svg g[data-id^=v]").first).to_be_visible()
    shot(page, "embeddings-picked")


def test_a_label_and_a_neighbour_pick_too(open_at: Open) -> None:
    page = open_at(
        "/Embeddings?view=Vocabulary&model=tales-gpt&text=The+river+bank+was+wet.", dark=True
    )
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


@pytest.mark.feature("3-D scatter, orbit camera", "Bookmarks / saved views")
def test_the_camera_stays_when_layers_and_points_change(open_at: Open) -> None:
    page = open_at("/Embeddings?view=Vocabulary&model=tales-gpt&text=The+river+bank+was+wet.")
    drawn(page)
    stage = page.locator(".space .stage")
    first = standing(page)
    box = stage.bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 120, y + 40, steps=6)
    page.mouse.up()
    expect(page).to_have_url(re.compile("camera="))  # written once it rests
    turned = standing(page)
    assert apart(turned, first) > 20
    page.get_by_role("slider", name="Text tokens after layer").press("ArrowRight")
    rest(page)
    assert apart(standing(page), turned) == 0
    page.locator(".space .labels button.own").first.click()
    rest(page)
    assert apart(standing(page), turned) == 0
    again = open_at(page.url)
    drawn(again)
    assert apart(standing(again), turned) < 2  # a link has three digits


def standing(page: Page) -> dict[str, list[float]]:
    """Where names of the vocabulary stand once the map is at rest."""
    space = page.locator(".space")
    at_rest(space, STANDING)
    return space.evaluate(STANDING)


def apart(one: dict[str, list[float]], other: dict[str, list[float]]) -> float:
    """How many pixels a name that both have stands from itself, at most."""
    both = one.keys() & other.keys()
    assert len(both) > 4, (one, other)
    return max(max(abs(a - b) for a, b in zip(one[k], other[k], strict=True)) for k in both)


@pytest.mark.feature("3-D scatter, orbit camera")
def test_a_large_map_is_turned_by_keys_and_wheel_and_read_by_its_legend(open_at: Open) -> None:
    page = open_at("/Embeddings?view=Vocabulary&model=tales-gpt&text=The+river.", dark=True)
    drawn(page)
    stage, points = page.locator(".space .stage"), page.locator(".space canvas.points")
    first, inked = standing(page), points.evaluate(INKED)
    assert inked > 3000
    stage.focus()
    for key in ("ArrowRight", "ArrowUp", "+"):
        page.keyboard.press(key)
    expect(page).to_have_url(re.compile("camera="))
    turned, address = standing(page), page.url
    assert apart(turned, first) > 20
    page.mouse.move(*middle(page))
    page.mouse.wheel(0, 300)
    expect(page).not_to_have_url(address)
    assert apart(standing(page), turned) > 5
    page.keyboard.press("0")
    at_rest(page.locator(".space"), STANDING)
    assert apart(standing(page), first) < 2
    entry = page.locator(".space .legend button").first
    entry.click()
    expect(entry).to_have_attribute("aria-pressed", "false")
    assert points.evaluate(INKED) < 0.8 * inked
    card = page.locator(".space .card")
    x, y = middle(page)
    for step in range(60):  # somewhere near the middle lies a point
        page.mouse.move(x + 3 * step, y)
        if card.is_visible():
            break
    expect(card).to_be_visible()
    assert card.inner_text().strip()
    shot(page, "embeddings-large-dark")


def middle(page: Page) -> tuple[float, float]:
    """The middle of a large map on the screen."""
    box = page.locator(".space .stage").bounding_box()
    assert box is not None
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def test_few_bytes_travel_for_the_map_and_fewer_for_a_pick(open_at: Open) -> None:
    page = open_at("/")
    received: list[int] = []
    page.on(
        "websocket",
        lambda socket: socket.on("framereceived", lambda data: received.append(len(data))),
    )
    page.goto(page.url.split("?")[0].rstrip("/") + "/Embeddings?view=Vocabulary&model=tales-gpt")
    rest(page)
    drawn(page)
    first = sum(received)
    # 6,144 points with names, the page itself and the drawing for files.
    assert first < 600_000, first
    received.clear()
    page.locator(".space .labels button.own").first.click()
    rest(page)
    drawn(page)
    assert sum(received) < 300_000, sum(received)


@pytest.mark.feature("2-D scatter")
def test_a_flat_map_and_the_other_views_on_a_phone(open_at: Open) -> None:
    views = ("Vocabulary&map=2-D", "Through+the+layers&after=3", "Positions", "Positions&map=2-D")
    for view in views:
        page = open_at(f"/Embeddings?view={view}&model=tales-gpt", width=390)
        drawn(page)
        if view.startswith("Vocabulary"):
            assert page.locator(".space canvas.points").evaluate(INKED) > 1000
        else:
            kinds = "node => [...new Set(node.data.map((trace) => trace.type))]"
            kind = "scattergl" if "2-D" in view else "scatter3d"
            assert page.locator(".space .plot").evaluate(kinds) == [kind]
        main = page.get_by_test_id("stMain")
        assert main.evaluate("node => node.scrollWidth - node.clientWidth") <= 1
        shot(page, f"embeddings-390-{view.split('&')[0]}")


def drag(page: Page, path: list[tuple[float, float]]) -> None:
    """Draw with the pointer over the map; places are shares of its width and height."""
    box = page.locator(".space .ink").bounding_box()
    assert box is not None
    spots = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in path]
    page.mouse.move(*spots[0])
    page.mouse.down()
    for x, y in spots[1:]:
        page.mouse.move(x, y, steps=4)
    page.mouse.up()


@pytest.mark.feature("Box / lasso selection", "Isolate / filter to selection")
def test_points_are_taken_by_a_line_and_by_a_box_and_shown_alone(open_at: Open) -> None:
    page = open_at(
        "/Embeddings?view=Vocabulary&model=tales-gpt&text=The+river+bank+was+wet.", height=1300
    )
    drawn(page)
    page.get_by_role("button", name="Select points with a line").click()
    drag(page, [(0.3, 0.3), (0.7, 0.3), (0.5, 0.75), (0.3, 0.3)])
    few = page.get_by_text(re.compile(r"^[\d,]+ points selected"))
    few.wait_for()
    inside = int(few.inner_text().split()[0].replace(",", ""))
    assert 100 < inside < 6144
    page.get_by_role("button", name="Select points with a box").click()
    drag(page, [(0.0, 0.05), (1.0, 1.0)])
    expect(few).not_to_contain_text(f"{inside:,} ", timeout=20_000)
    assert int(few.inner_text().split()[0].replace(",", "")) > inside
    page.get_by_role("button", name="Select points with a line").click()
    drag(page, [(0.3, 0.3), (0.7, 0.3), (0.5, 0.75), (0.3, 0.3)])
    expect(few).to_contain_text(f"{inside:,} ", timeout=20_000)
    points = page.locator(".space canvas.points")
    at_rest(points, INKED)
    before, camera = points.evaluate(INKED), page.url
    page.get_by_text("Isolate selection").click()
    rest(page)
    at_rest(points, INKED)
    # Those inside alone, each a few pixels: larger than before, and lit no more.
    assert 0 < points.evaluate(INKED) <= 25 * (inside + 10)
    assert points.evaluate(INKED) != before
    assert re.findall("camera=[^&]*", page.url) == re.findall("camera=[^&]*", camera)
    shot(page, "embeddings-area")


@pytest.mark.feature("Trajectories through layers or steps")
def test_the_way_through_the_layers_is_played(open_at: Open) -> None:
    page = open_at(
        "/Embeddings?view=Through+the+layers&model=tales-gpt&text=The+river+bank.&after=0"
    )
    drawn(page)
    place = "node => node.data.at(-3).x[1]"
    before = page.locator(".space .plot").evaluate(place)
    page.get_by_role("button", name="Play the way through the layers").click()
    # The last layer is where this page opens by itself, so the address leaves it out.
    expect(page).not_to_have_url(re.compile("after="), timeout=30_000)
    rest(page)
    drawn(page)
    assert page.locator(".space .plot").evaluate(place) != before
    shot(page, "embeddings-played")


@pytest.mark.feature("Decluttered or automatic labels")
def test_labels_never_lie_over_one_another(open_at: Open) -> None:
    page = open_at(
        "/Embeddings?view=Vocabulary&model=tales-gpt&text=The+river+bank+was+wet.&search=house"
    )
    drawn(page)
    boxes = page.locator(".space .labels button").evaluate_all(
        "all => all.map((n) => n.getBoundingClientRect()).map((b) => [b.x, b.y, b.right, b.bottom])"
    )
    assert len(boxes) > 5
    for i, a in enumerate(boxes):
        for b in boxes[:i]:
            apart = a[2] <= b[0] + 3 or b[2] <= a[0] + 3 or a[3] <= b[1] + 3 or b[3] <= a[1] + 3
            assert apart, (a, b)


@pytest.mark.feature("Download projected coordinates")
def test_coordinates_and_vectors_leave_as_csv(open_at: Open) -> None:
    page = open_at("/Embeddings?view=Through+the+layers&model=tales-gpt&text=The+river+bank.")
    drawn(page)
    page.get_by_role("button", name="Save").first.click()
    with page.expect_download() as table:
        page.get_by_role("button", name="Table (CSV)").click()
    rows = table.value.path().read_text(encoding="utf-8").splitlines()
    assert rows[0] == "after layer,sentence,token,text,x,y,z" and len(rows) == 1 + 7 * 4
    with page.expect_download() as vectors:
        page.get_by_role("button", name="Vectors (CSV)").click()
    rows = vectors.value.path().read_text(encoding="utf-8").splitlines()
    assert rows[0].startswith("point,text,v1,v2,") and len(rows) == 5
    with page.expect_download() as html:
        page.get_by_role("button", name="Interactive web page (HTML)").click()
    assert "http" not in html.value.path().read_text(encoding="utf-8").split("<script")[0]


@pytest.mark.feature("Bookmarks / saved views")
def test_a_link_is_a_saved_view_of_the_map(open_at: Open) -> None:
    address = "&layout=Own+axis&minus=he&plus=she&map=2-D&measure=euclid&area=v300+v301"
    first = open_at(
        f"/Embeddings?view=Vocabulary&model=tales-gpt&text=The+cat{address}&point=t1&betrayed=true"
    )
    drawn(first)
    first.get_by_role("button", name="Copy link").click()
    expect(first.get_by_text("Link copied.")).to_be_visible()
    link = first.evaluate("navigator.clipboard.readText()")
    again = open_at(link)
    drawn(again)
    for page in (first, again):
        expect(page.get_by_text("The first axis goes from")).to_be_visible()
        expect(page.get_by_text("2 points selected")).to_be_visible()
        expect(page.locator(".space .labels button.chosen")).to_contain_text("cat")
