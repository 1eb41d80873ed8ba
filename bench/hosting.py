"""The app as a host runs it: many at once, one process and two, strangers who mean harm, faults.

    python -m bench.hosting crowd --sessions 100 --minutes 30
    python -m bench.hosting full                 # more come than there are places: a queue
    python -m bench.hosting two --sessions 200   # two processes behind HAProxy
    python -m bench.hosting hostile              # with and without, in turns
    python -m bench.hosting killed               # a replica, then the only process, by kill -9
    python -m bench.hosting clock                # it jumps

All in mode `public` with its own limits; servers and proxy are of this bench's, on 127.0.0.1, and
the client is on the same machine. Addresses are told as by a proxy of this machine.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from bench.app import ROOT, free_port, server
from bench.hostile import harm
from bench.measure import memory_mb
from bench.sessions import THINK, Tally, crowd

PUBLIC = {"ATLAS_MODE": "public", "ATLAS_TRUSTED_PROXIES": "127.0.0.1"}
ALL_FROM_ONE = {  # the proxy of this bench gives everybody its own address
    "ATLAS_ADDRESS_REQUESTS": "0",
    "ATLAS_ADDRESS_OPENINGS": "0",
    "ATLAS_ADDRESS_SESSIONS": "0",
}
DAY = 86_400
# Python runs a file of this name at its start: the system's own clock is not ours to change.
AHEAD = """
import time
_time, _path = time.time, {path!r}
def ahead():
    with open(_path) as file:
        return _time() + float(file.read() or 0)
time.time = ahead
time.time_ns = lambda: int(1e9 * ahead())
"""
SETTLED = 300.0  # seconds after which memory should be level


def configuration(port: int, addresses: list[str], text: str | None = None) -> str:
    """The proxy's own configuration, with these servers in the place of those found by name."""
    text = text or (ROOT / "hosting" / "haproxy.cfg").read_text(encoding="utf-8")
    text = text.replace("bind :8080", f"bind 127.0.0.1:{port}")
    text = re.sub(r"^resolvers docker\n(    .*\n)+", "", text, flags=re.MULTILINE)
    places = [address.removeprefix("http://") for address in addresses]
    lines = "\n".join(f"    server replica{n} {place}" for n, place in enumerate(places))
    return re.sub(r"^    server-template .*$", lines, text, flags=re.MULTILINE)


@contextmanager
def proxied(addresses: list[str]) -> Iterator[str]:
    """HAProxy before these servers: its address. RuntimeError where it is not installed."""
    program = shutil.which("haproxy") or shutil.which("haproxy", path="/usr/sbin")
    if program is None:
        raise RuntimeError("HAProxy is not installed (apt install haproxy)")
    with tempfile.TemporaryDirectory() as folder:
        port, config = free_port(), Path(folder) / "haproxy.cfg"
        config.write_text(configuration(port, addresses))
        with subprocess.Popen([program, "-db", "-f", str(config)]) as process:
            try:
                healthy(f"http://127.0.0.1:{port}")
                yield f"http://127.0.0.1:{port}"
            finally:
                process.terminate()


def healthy(address: str) -> None:
    """Wait until an address says that it can serve."""
    for _ in range(300):
        try:
            return urllib.request.urlopen(f"{address}/healthz", timeout=2).close()
        except OSError:
            time.sleep(0.1)
    raise RuntimeError(f"{address} does not answer")


def one(sessions: int, minutes: float) -> str:
    """A crowd on one process, and its memory."""
    with server(PUBLIC | {"ATLAS_SESSIONS": str(sessions)}) as (address, process):
        tally = asyncio.run(crowd(address, sessions, 60 * minutes, process.pid))
    return tally.report(settled=min(SETTLED, 30 * minutes))


def full(sessions: int, minutes: float) -> str:
    """A quarter more than there are places."""
    places = str(4 * sessions // 5)
    with server(PUBLIC | {"ATLAS_SESSIONS": places, "ATLAS_IDLE_MINUTES": "0"}) as (address, _):
        tally = asyncio.run(crowd(address, sessions, 60 * minutes))
    return f"{places} places\n{tally.report(settled=0)}"


def two(sessions: int, minutes: float) -> str:
    """A crowd on two processes behind the proxy."""
    with ExitStack() as stack:
        settings = PUBLIC | ALL_FROM_ONE | {"ATLAS_THREADS": "1", "ATLAS_RUNS": "1"}
        each = [stack.enter_context(server(settings)) for _ in range(2)]
        address = stack.enter_context(proxied([address for address, _ in each]))
        tally = asyncio.run(crowd(address, sessions, 60 * minutes))
        memory = " and ".join(f"{memory_mb(pid=process.pid):.0f}" for _, process in each)
    return f"{tally.report(settled=0)}\nmemory of the processes at the end: {memory} MB"


def hostile(sessions: int, minutes: float) -> str:
    """A quiet part and one with a thousand hostile requests a minute, twice, in one run."""
    part, answers = 60 * minutes / 4, Counter[str]()
    parts: list[tuple[str, float, float]] = []

    async def run(address: str) -> Tally:
        tally = Tally()
        guests = asyncio.ensure_future(crowd(address, sessions, 4 * part, tally=tally))
        await asyncio.sleep(2 * THINK)
        for name in ("quiet", "hostile") * 2:
            began = time.monotonic()
            length = part - THINK / 2
            await (
                harm(address, 1000, length, answers) if name == "hostile" else asyncio.sleep(length)
            )
            parts.append((name, began, time.monotonic()))
        return await guests

    with server(PUBLIC) as (address, _):
        tally = asyncio.run(run(address))
    lines = []
    for name, since, until in parts:
        lines += [f"-- {name}", tally.report(settled=0, since=since, until=until)]
    told = ", ".join(f"{count} x {what}" for what, count in answers.most_common())
    return "\n".join([*lines, f"answers to the hostile: {told}"])


def killed(sessions: int, minutes: float) -> str:
    """One of two replicas is killed and comes back; then the only process there is."""
    lines = ["-- one of two replicas, started again after 10 seconds"]
    with ExitStack() as stack:
        ports = [free_port() for _ in range(2)]
        settings = PUBLIC | ALL_FROM_ONE
        each = [stack.enter_context(server(settings, port)) for port in ports]
        address = stack.enter_context(proxied([address for address, _ in each]))

        def kill() -> None:
            os.killpg(each[0][1].pid, signal.SIGKILL)
            time.sleep(10)
            stack.enter_context(server(settings, ports[0]))

        tally = asyncio.run(_during(address, sessions, minutes, kill))
        lines.append(tally.report(settled=0))
    lines.append("-- the only process, started again at once")
    with ExitStack() as stack:
        port = free_port()
        address, process = stack.enter_context(server(PUBLIC, port))

        def restart() -> None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            stack.enter_context(server(PUBLIC, port))

        tally = asyncio.run(_during(address, sessions, minutes, restart))
        lines.append(tally.report(settled=0))
    return "\n".join(lines)


async def _during(address: str, sessions: int, minutes: float, fault: Callable[[], None]) -> Tally:
    """A crowd of browsers that find back, and a fault after a third of their time."""
    guests = asyncio.ensure_future(crowd(address, sessions, 60 * minutes, patient=True))
    await asyncio.sleep(20 * minutes)
    await asyncio.to_thread(fault)
    return await guests


def clock(sessions: int, minutes: float) -> str:
    """The clock that the app reads jumps three days ahead, and then four back."""
    with tempfile.TemporaryDirectory() as folder:
        ahead = Path(folder) / "ahead"
        ahead.write_text("0")
        (Path(folder) / "sitecustomize.py").write_text(AHEAD.format(path=str(ahead)))

        def jump() -> None:
            ahead.write_text(str(3 * DAY))
            time.sleep(20 * minutes)
            ahead.write_text(str(-DAY))

        with server(PUBLIC | {"PYTHONPATH": folder}) as (address, _):
            tally = asyncio.run(_during(address, sessions, minutes, jump))
    return tally.report(settled=0)


PARTS: dict[str, tuple[Callable[[int, float], str], int, float]] = {
    "crowd": (one, 100, 30),
    "full": (full, 125, 3),
    "two": (two, 200, 5),
    "hostile": (hostile, 60, 6),
    "killed": (killed, 60, 3),
    "clock": (clock, 30, 3),
}


def main() -> None:
    """Run the part that is named, or all, and print what was seen."""
    parser = argparse.ArgumentParser(description="The app as a host runs it.")
    parser.add_argument("part", nargs="?", choices=[*PARTS, "all"], default="all")
    parser.add_argument("--sessions", type=int)
    parser.add_argument("--minutes", type=float)
    given = parser.parse_args()
    for name in PARTS if given.part == "all" else [given.part]:
        run, sessions, minutes = PARTS[name]
        sessions, minutes = given.sessions or sessions, given.minutes or minutes
        print(f"\n## {name}: {sessions} sessions, {minutes:g} minutes", flush=True)
        print(run(sessions, minutes), flush=True)


if __name__ == "__main__":
    main()
