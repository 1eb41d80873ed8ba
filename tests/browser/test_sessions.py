"""A class at once, over the socket that browsers use: nobody waits for ever, nobody is mixed up."""

from __future__ import annotations

import asyncio
import base64
import html
import re
import time
from concurrent.futures import ThreadPoolExecutor  # a browser of this process has a loop here

import numpy as np

from bench.visitor import Visitor
from engine.models.runtime import open_bundle
from engine.trace import tracing
from engine.values import Reading
from tests.browser.conftest import ROOT

PEOPLE = 50
WORDS = ("king", "boy", "girl", "fox", "hen", "river", "boat", "house", "garden", "road")
SECONDS = 60  # in which all have their answers, twice; on an idle machine it takes 10


def text(number: int) -> str:
    """Everybody's own."""
    one, other = WORDS[number // 10 % 10], WORDS[number % 10]
    return (
        f"The little {one} saw the old {other} and said {'so ' * (number // 100)}that it was good."
    )


async def person(address: str, number: int) -> list[tuple[str, str, int, int]]:
    """Open a link, look, type another text, look again: texts and what was drawn of them."""
    found = []
    async with Visitor(address) as visitor:
        await visitor.open("Attention", model="tales-gpt", text=text(number), view="Map")
        found.append((text(number), *shown(visitor)))
        await visitor.type(text(number + 100))
        found.append((text(number + 100), *shown(visitor)))
    return found


def shown(visitor: Visitor) -> tuple[str, int, int]:
    """The map on the screen, with its layer and head."""
    (svg,) = (one for one in visitor.pictures() if "data-values=" in one)
    numbers = {
        one.label: int(one.value if one.set_value else one.default)
        for delta in visitor.elements.values()
        if (one := delta.new_element.number_input).id
    }
    return svg, numbers["Layer"], numbers["Head"]


async def everybody(address: str) -> list[list[tuple[str, str, int, int]]]:
    async with asyncio.TaskGroup() as group:  # one who fails ends all, and none stays connected
        people = [group.create_task(person(address, number)) for number in range(PEOPLE)]
    return [one.result() for one in people]


def test_fifty_people_at_once_each_get_the_answer_to_their_own_text(server: str):
    began = time.monotonic()
    seen = ThreadPoolExecutor(1).submit(lambda: asyncio.run(everybody(server))).result()
    assert time.monotonic() - began < SECONDS
    bundle = open_bundle(ROOT / "assets" / "models" / "tales-gpt")
    answers = [one for some in seen for one in some]
    assert len({svg for _, svg, _, _ in answers}) == 2 * PEOPLE
    for words, svg, layer, head in answers:
        drawn = base64.b64decode(re.search(r'data-values="([^"]*)"', svg)[1])  # type: ignore[index]
        looked = tracing.layer(bundle, Reading("tales-gpt", words), "decoder", layer - 1).attention
        weights = looked.weights[head - 1]
        found = np.frombuffer(drawn, dtype="<f2").reshape(weights.shape)
        assert np.nanmax(np.abs(found - weights)) < 1e-3
        labels = html.unescape(re.search(r'data-row-labels="([^"]*)"', svg)[1])  # type: ignore[index]
        assert all(word in labels for word in words.split() if word in WORDS)
