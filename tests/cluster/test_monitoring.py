"""Where answers come from, and what a host sees of the replicas."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from engine.api import Engine, Reading, Task
from engine.cluster import monitoring, origins
from engine.cluster.monitoring import Watcher
from engine.cluster.origins import Account, watch
from engine.errors import EngineUnavailable
from engine.hosting import figures
from engine.settings import settings
from engine.store import Store, store
from pages.shell.host import routes
from tests.cluster.asked import GPT, GREEDY
from tests.cluster.test_faults import process, replicas, until
from tests.engines import ROOT

KEY = "a key that nobody guesses"


# --- Where answers come from ---


def test_a_thread_knows_what_it_did_itself() -> None:
    kept = Store(10**6)
    seen = watch()
    assert seen() == "made", "nothing was looked for"
    kept.get("a", lambda: 1)
    assert seen() == "made", "it was worked out"
    again = watch()
    other = threading.Thread(target=lambda: (figures.RUNS.inc(), kept.get("b", lambda: 2)))
    other.start()
    other.join()
    kept.get("a", lambda: 1)
    assert again() == "kept", "what another thread does is not counted here"
    figures.RUNS.inc()
    assert again() == "run"


def test_an_account_is_bounded_and_loses_no_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(figures, "ANSWERS", figures.Counter("t", "t", ["replica"], registry=None))
    found = Account()
    for number in range(200):
        found.note("layer", "run", f"node/{number}", 0.1)
        found.note("layer", "kept", "node/always", 0.1)
    found.note("layer", "front")
    assert found.counts() == {"front": 1, "kept": 200, "made": 0, "run": 200}
    assert len(found.recent()) == origins.RECENT and found.recent()[0].origin == "front"
    named = {
        sample.labels["replica"]: sample.value
        for family in figures.ANSWERS.collect()
        for sample in family.samples
        if sample.name.endswith("_total")
    }
    assert len(named) == origins.REPLICAS + 1 and sum(named.values()) == 400
    assert named["node/always"] == 200 and named["node/199"] == 1 and "node/1" not in named


def where(method: str) -> tuple[str, str]:
    """Where the last answer to a question of a kind came from, and from which replica."""
    one = next(one for one in origins.account().recent() if one.method == method)
    return one.origin, one.replica


def test_every_answer_says_where_it_came_from(remote: Engine) -> None:
    reading = Reading(GPT, "Where does this picture come from?")
    remote.layer(reading, "decoder", 1)
    origin, replica = where("layer")
    assert origin == "run" and replica in [one["replica"] for one in replicas()]
    remote.layer(reading, "decoder", 1)
    assert where("layer") == ("front", "")
    ran = [replica]
    while True:  # under load a question may go to the other replica, once
        store().clear()
        remote.layer(reading, "decoder", 1)
        origin, replica = where("layer")
        if origin == "kept":
            break
        assert origin == "run" and replica not in ran
        ran.append(replica)
    assert replica in ran
    remote.piece(GPT, 300)
    assert where("piece")[0] == "made"


def test_a_text_says_where_it_came_from(remote: Engine) -> None:
    from engine.cluster.remote import Remote

    ids = tuple(remote.tokens(Reading(GPT, "Once upon a time")).ids.tolist())
    task = Task(GPT, ids, seed=77, limit=12)
    remote.write(task, (GREEDY,), patience=240)
    origin, replica = where("write")
    assert origin == "run" and replica
    remote.write(task, (GREEDY,), patience=240)
    assert where("write") == ("front", "")
    ran = [replica]
    while True:
        other: Any = Remote(remote._link)  # type: ignore[attr-defined]  # another front
        other.write(task, (GREEDY,), patience=240)
        origin, replica = where("write")
        if origin == "kept":
            break
        assert origin == "run" and replica not in ran
        ran.append(replica)
    assert replica in ran


# --- What a host sees ---


class Replicas:
    """A link to replicas that say what a test wants."""

    def __init__(self, count: int, silent: int = 0) -> None:
        self.count, self.silent, self.asked = count, silent, 0
        self.go = threading.Event()
        self.go.set()

    def has(self, name: str) -> bool:
        return name != "worker"

    def heard(self, name: str, call: str, seconds: float) -> tuple[list[Any], int]:
        self.asked += 1
        self.go.wait(60)
        if name == "mapper":
            raise EngineUnavailable("No mapper.")
        samples = [("atlas_runs", "atlas_runs_total", {}, 3.0), ("other", "other_total", {}, 1.0)]
        return [(f"node/{k}", samples) for k in range(self.count)], self.silent


def lines(monkeypatch: pytest.MonkeyPatch, link: Any, patience: float = 30.0) -> list[str]:
    found = Watcher(link, patience)
    monkeypatch.setattr(monitoring, "watcher", lambda: found)
    return monitoring.exposition().decode().splitlines()


def test_replicas_stand_in_the_families_of_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    found = lines(monkeypatch, Replicas(2, silent=1))
    ours = [line for line in found if line.startswith("atlas_runs_total")]
    assert ours[1:] == [
        'atlas_runs_total{replica="node/0"} 3.0',
        'atlas_runs_total{replica="node/1"} 3.0',
    ]
    assert sum(line.startswith("# TYPE atlas_runs ") or line == "# TYPE atlas_runs_total counter"
               for line in found) == 1  # fmt: skip
    assert not any("other_total" in line for line in found)
    assert 'atlas_replicas{state="silent"} 1.0' in found
    assert "atlas_replicas_silent_total 1.0" in found and "atlas_cluster_up 1.0" in found


def test_figures_of_replicas_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    found = lines(monkeypatch, Replicas(1000))
    count = sum(line.startswith("atlas_runs_total{") for line in found)
    assert count == origins.REPLICAS
    _, samples = monitoring.counted("node/1")
    assert 20 < len(samples) <= monitoring.SAMPLES
    assert all(name.startswith("atlas_") for name, *_ in samples)


def test_many_who_look_at_once_ask_once(monkeypatch: pytest.MonkeyPatch) -> None:
    link = Replicas(1)
    link.go.clear()
    watcher = Watcher(link, 30.0)  # type: ignore[arg-type]
    found: list[Any] = []
    threads = [
        threading.Thread(target=lambda: found.append(watcher.ask("told"))) for _ in range(20)
    ]
    for one in threads:
        one.start()
    until(lambda: link.asked == 1, "the first question")
    link.go.set()
    for one in threads:
        one.join()
    # Nobody asks again within a second; a slow machine may have needed a second round.
    assert len(found) == 20 and link.asked <= 4 and all(len(one.told) == 1 for one in found)


def test_a_cluster_that_does_not_answer_holds_up_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    link = Replicas(1)
    link.go.clear()
    found = lines(monkeypatch, link, patience=0.05)
    assert "atlas_cluster_up 0.0" in found and any(line.startswith("atlas_up ") for line in found)
    again = lines(monkeypatch, link, patience=0.05)
    assert 'atlas_replicas{state="answered"} 0.0' in again
    link.go.set()


def test_without_a_cluster_the_figures_are_those_of_this_process(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ATLAS_ENGINE", "local")
    settings.cache_clear()
    try:
        names = {line.split()[2] for line in routes._exposition().decode().splitlines()
                 if line.startswith("# TYPE")}  # fmt: skip
        plain = {line.split()[2] for line in figures.exposition().decode().splitlines()
                 if line.startswith("# TYPE")}  # fmt: skip
        assert names == plain and not any("replicas" in name for name in names)
    finally:
        monkeypatch.undo()
        settings.cache_clear()


def test_a_replica_that_stands_still_is_left_out_and_counted(remote: Engine) -> None:
    until(lambda: len(replicas()) == 2, "two replicas")
    remote.layer(Reading(GPT, "So that there is a model run."), "decoder", 0)
    watcher = monitoring.watcher()

    def figures_of() -> tuple[set[str], list[str]]:
        found = routes._exposition().decode().splitlines()
        named = {line.split('replica="')[1].split('"')[0] for line in found
                 if line.startswith("atlas_runs_total{")}  # fmt: skip
        return named, found

    readers = {one["replica"] for one in replicas()}
    until(lambda: readers < figures_of()[0], "the figures of both and of the mapper")
    stopped = max(readers)
    before = watcher.silent
    os.kill(process({"replica": stopped}), signal.SIGSTOP)
    try:
        until(lambda: stopped not in figures_of()[0], "figures without the one that stands still")
        named, found = figures_of()
        assert min(readers) in named and watcher.silent > before
        assert any(line.startswith("atlas_replicas_silent_total ") and not line.endswith(" 0.0")
                   for line in found)  # fmt: skip
        begun = time.monotonic()
        assert monitoring.look().silent >= 1
        assert time.monotonic() - begun < 60
    finally:
        os.kill(process({"replica": stopped}), signal.SIGCONT)
    until(lambda: stopped in figures_of()[0], "its figures again")


@pytest.fixture
def admin(cluster: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The holder of the key looks."""
    monkeypatch.setenv("ATLAS_ADMIN_KEY", KEY)
    settings.cache_clear()
    monkeypatch.setattr("engine.policy.is_admin", lambda _visitor: True)
    yield
    monkeypatch.undo()
    settings.cache_clear()


def test_the_host_sees_each_replica_and_where_answers_came_from(
    remote: Engine, admin: None
) -> None:
    text = "What only this visitor wrote."
    remote.layer(Reading(GPT, text), "decoder", 0)
    until(lambda: len(monitoring.look().told) == 4, "both readers, mapper, worker")
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=240).run()
    assert not app.exception
    tables = [one.value for one in app.dataframe]
    (whole,) = [one for one in tables if "Replica" in one.columns]
    assert sorted(whole["Works on"]) == ["maps", "models", "texts", "texts"]
    assert sum(whole["Questions"]) > 0 and sum(whole["Model runs"]) > 0
    assert all(whole["Memory, MB"] > 0)
    (counts,) = [one for one in tables if "a model run" in list(one.get("from", []))
                 and "how often" in one.columns]  # fmt: skip
    assert sum(counts["how often"]) > 0
    (last,) = [one for one in tables if "question" in one.columns]
    assert set(last["question"]) <= set(dir(Engine))
    assert not any(text in one.to_csv() for one in (whole, counts, last))
