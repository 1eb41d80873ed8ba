"""Programs that ask for numbers while people use the pages: what that costs the people.

    python -m bench.programs                       # nobody, then attention, then translations
    python -m bench.programs --per-minute 3000 --people 8 --seconds 60

In: a server in public mode that believes a proxy on this machine, so that each question comes from
one of many addresses. Printed for each kind of question: how long people wait from a typed text to
the end of the run that it caused, and how the programs' questions were answered, by status.
"""

from __future__ import annotations

import argparse
import asyncio
import http.client
import random
import threading
import time
from collections import Counter
from urllib.parse import urlencode, urlsplit

import numpy as np

from bench.app import server
from bench.visitor import Visitor

ADDRESSES = 40  # from which the questions seem to come
PUBLIC = {"ATLAS_MODE": "public", "ATLAS_TRUSTED_PROXIES": "127.0.0.1"}
WORDS = ("king", "fox", "bird", "girl", "boat", "river")


def question(kind: str, number: int) -> str:
    """An address of the API that nobody asked before: no answer is kept."""
    given: dict[str, str | int] = {"model": "tales-gpt", "text": f"{number} foxes ran.", "layer": 3}
    if kind == "translate":
        given = {"model": "fr-en", "text": f"Le chat dort sur {number} tables.", "beams": 4}
    return f"/api/v1/{kind}?{urlencode(given)}"


def ask(host: str, kind: str, number: int, answers: Counter[str]) -> None:
    """One question from one of many addresses."""
    line = http.client.HTTPConnection(host, timeout=60)
    try:
        client = {"X-Forwarded-For": f"10.0.{number % ADDRESSES}.1"}
        line.request("GET", question(kind, number), headers=client)
        answer = line.getresponse()
        answer.read()
        answers[str(answer.status)] += 1
    except (OSError, http.client.HTTPException) as error:
        answers[type(error).__name__] += 1
    finally:
        line.close()


def programs(
    address: str, kind: str, per_minute: int, answers: Counter[str], over: threading.Event
) -> None:
    """Ask at an even pace, whether the answers come or not."""
    number = 0
    while not over.wait(60 / per_minute):
        number += 1
        given = (urlsplit(address).netloc, kind, number, answers)
        threading.Thread(target=ask, args=given, daemon=True).start()


async def person(address: str, number: int, seconds: float, waits: list[float]) -> None:
    """Somebody who types a text on the Attention page every second or two."""
    chance, end = random.Random(number), time.monotonic() + seconds
    async with Visitor(address) as visitor:
        await visitor.open("Attention", model="tales-gpt", text=f"A fox saw {number} boats.")
        while time.monotonic() < end:
            await asyncio.sleep(1 + chance.random())
            began = time.monotonic()
            await visitor.type(f"The {chance.choice(WORDS)} saw {chance.randrange(10**6)} ships.")
            waits.append(time.monotonic() - began)


async def people(address: str, count: int, seconds: float) -> list[float]:
    """How long each of them waited, each time."""
    waits: list[float] = []
    await asyncio.gather(*(person(address, n, seconds, waits) for n in range(count)))
    return waits


def measured(kind: str | None, per_minute: int, count: int, seconds: float) -> str:
    """One line: people's waits while programs ask for this kind."""
    answers: Counter[str] = Counter()
    over = threading.Event()
    with server(PUBLIC) as (address, _):
        if kind is not None:
            given = (address, kind, per_minute, answers, over)
            threading.Thread(target=programs, args=given, daemon=True).start()
        try:
            waits = asyncio.run(people(address, count, seconds))
        finally:
            over.set()
    median, most = np.quantile(waits, (0.5, 0.95))
    told = ", ".join(f"{name}: {number}" for name, number in sorted(answers.items()))
    return (
        f"{kind or 'no questions':<14} {len(waits)} texts typed, median {median:.2f} s, "
        f"95 % within {most:.2f} s; {told or 'nobody asked'}"
    )


def main() -> None:
    """Measure people alone, then beside each kind of question."""
    parser = argparse.ArgumentParser(description="Programs beside people.")
    parser.add_argument("--per-minute", type=int, default=1000)
    parser.add_argument("--people", type=int, default=4)
    parser.add_argument("--seconds", type=float, default=40)
    given = parser.parse_args()
    for kind in (None, "attention", "translate"):
        print(measured(kind, given.per_minute, given.people, given.seconds), flush=True)


if __name__ == "__main__":
    main()
