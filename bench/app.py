"""The app as people meet it: its start, its clicks, its writing beside other people's clicks.

Pages are run by Streamlit's own test runner, in the process that writes: a click waits for the
interpreter and for the run slot just as in a real server. The start is measured in a browser.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from bench.measure import Row, Times, below, timed
from engine.decoding.sampling import Sampling

ROOT = Path(__file__).resolve().parents[1]
MODELS = ROOT / "assets" / "models"
TEXT = "The little boat sailed across the dark sea, and the boy said that"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
SETTINGS = (
    Sampling(temperature=0.0),
    Sampling(temperature=0.5),
    Sampling(temperature=0.8, top_k=40),
    Sampling(temperature=1.0, top_p=0.9),
    Sampling(temperature=1.0, min_p=0.05),
    Sampling(temperature=1.3),
)


def start(quick: bool) -> list[Row]:
    """Start the server, open the Attention page in Chromium, wait for its picture."""
    path = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    if path is None:
        return [Row("first useful picture", "not measured: no Chromium on this machine")]
    from playwright.sync_api import sync_playwright

    found = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=path, args=["--no-sandbox", "--disable-gpu", "--disable-quic"]
        )
        for _ in range(2 if quick else 4):
            page = browser.new_page()
            began = time.perf_counter()
            with server() as (address, _process):
                page.goto(f"{address}/Attention?model=tales-gpt&text={TEXT.replace(' ', '+')}")
                page.locator(".stage svg g.matrix").first.wait_for(timeout=60_000)
                found.append(time.perf_counter() - began)
            page.close()
        browser.close()
    # The first start reads the programs from the disk.
    return [below("server started, page opened, attention drawn", Times(tuple(found[1:])), 5000)]


def clicks(quick: bool) -> list[Row]:
    """Run pages again with a control changed; what they need lies in the cache."""
    count = 8 if quick else 30
    rows = []
    for what, page, address, change in (
        ("another head of a layer seen before", "3_Attention", {}, _other_head),
        ("ids shown instead of pieces", "1_Tokenization", {}, _other_label),
        ("a step of a translation", "4_Translation", {}, _other_step),
    ):
        app = opened(page, **address)
        turns = iter(range(10_000))
        rows.append(
            below(what, timed(lambda a=app, c=change, t=turns: c(a, next(t)), times=count), 150)
        )
    return rows


def writing(quick: bool) -> list[Row]:
    """Six settings in one batch, alone and while a second user clicks through heads."""
    firsts, totals, counts = [], [], []
    for seed in range(3 if quick else 10):
        first, total, count = write(seed)
        firsts.append(first)
        totals.append(total)
        counts.append(count / total)
    rows = [
        below("the first tokens of six settings, alone", Times(tuple(firsts[1:])), 500),
        Row("tokens a second, all six together", f"{sorted(counts)[len(counts) // 2]:.0f}"),
    ]
    app = opened("3_Attention")
    stop = threading.Event()
    begun: list[float] = []

    def go_on() -> None:
        seed = 100
        while not stop.is_set():
            begun.append(write(seed)[0])
            seed += 1

    writer = threading.Thread(target=go_on)
    writer.start()
    turns = iter(range(10_000))
    found = timed(lambda: _other_head(app, next(turns)), times=10 if quick else 40)
    fresh = timed(lambda: _other_text(app, next(turns)), times=5 if quick else 20)
    stop.set()
    writer.join()
    rows += [
        below("the first tokens while a second user clicks", Times(tuple(begun)), 500),
        below("the second user's click, nothing to run", found, 150),
        below("the second user's new text, a model run", fresh, 500),
    ]
    return rows


def write(seed: int) -> tuple[float, float, int]:
    """Write 40 tokens under six settings: seconds to the first and the last, tokens in all."""
    from engine.decoding.continuation import Line
    from engine.decoding.generation import generate
    from engine.models.runtime import open_bundle
    from engine.tokenizers import tokens

    bundle = open_bundle(MODELS / "tales-gpt")
    began = time.perf_counter()
    ids = tokens.tokenize(bundle, TEXT).ids.tolist()
    lines = [Line(setting) for setting in SETTINGS]
    first, count = 0.0, 0
    for step in generate(bundle, ids, lines, seed=seed, limit=40):
        first = first or time.perf_counter() - began
        count += len(step.written)
    return first, time.perf_counter() - began, count


def memory(quick: bool) -> list[Row]:
    """The server's memory with every shipped model open, each having read a text."""
    if not Path("/proc/self/status").exists():
        return [Row("memory", "not measured: this system has no /proc")]
    code = (
        "import sys; from pathlib import Path\n"
        "from bench.app import opened\n"
        "from bench.measure import memory_mb\n"
        "for page, model in (('3_Attention', 'tales-gpt'), ('3_Attention', 'tales-bert'),\n"
        "                    ('4_Translation', 'fr-en')):\n"
        "    opened(page, model=model)\n"
        "from engine.models.runtime import opened as bundles\n"
        "print(len(bundles()), memory_mb(), memory_mb('VmHWM'))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    count, now, highest = done.stdout.split()[-3:]
    what = f"the app with {count} shipped models open"
    measured = f"{float(now):.0f} MB (highest {float(highest):.0f} MB)"
    return [Row(what, measured, "under 700 MB", float(now) < 700)]


def opened(page: str, **address: str) -> Any:
    """A page, run once by Streamlit's test runner; its script's errors are raised."""
    from streamlit.testing.v1 import AppTest

    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120)
    for key, value in address.items():
        app.query_params[key] = value
    app.switch_page(f"pages/{page}.py")
    return _run(app)


def _run(app: Any) -> Any:
    app.run()
    if app.exception:
        raise RuntimeError(app.exception[0].message)
    return app


def _other_head(app: Any, turn: int) -> None:
    app.number_input(key="head").set_value(1 + turn % 8)
    _run(app)


def _other_label(app: Any, turn: int) -> None:
    if not turn:
        app.session_state["chips-options"] = True  # a click on the fold that they are in
        _run(app)
    labels = app.button_group(key="below").options
    app.button_group(key="below").set_value([labels[turn % len(labels)]])
    _run(app)


def _other_step(app: Any, turn: int) -> None:
    steps = app.slider(key="translation-step")
    steps.set_value(steps.min + turn % max(1, steps.max - steps.min))
    _run(app)


def _other_text(app: Any, turn: int) -> None:
    app.text_area[0].set_value(f"{TEXT} {turn} times")
    _run(app)


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@contextmanager
def server(
    settings: Mapping[str, str] | None = None, port: int = 0
) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """A Streamlit server of its own, its address and its process.

    `settings` are variables of its environment; without a `port` it takes a free one.
    """
    port = port or free_port()
    command = [sys.executable, "-m", "streamlit", "run", str(ROOT / "app.py")]
    command += [f"--server.port={port}", "--server.address=127.0.0.1", "--server.headless=true"]
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env=os.environ | dict(settings or {}),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        _answering(port, process)
        yield f"http://127.0.0.1:{port}", process
    finally:
        with suppress(ProcessLookupError):  # a bench may have killed it
            os.killpg(process.pid, signal.SIGTERM)
        process.wait(20)


def _answering(port: int, process: subprocess.Popen[bytes]) -> None:
    while process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.02)
    raise RuntimeError("the server did not start")
