"""What a text, a writing and a minute may cost: held where the work is done, whoever asks."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from queue import Queue

import pytest

from engine import policy
from engine.api import local
from engine.decoding.beams import Search
from engine.decoding.continuation import Line, Task
from engine.errors import Busy, EngineError, NotAllowed, TextTooLong
from engine.hosting import figures
from engine.hosting.rates import Rates
from engine.jobs import registry
from engine.models.slots import Slots
from engine.policy import Visitor
from engine.settings import settings
from engine.tokenizers.chat import Turn
from engine.values import Reading
from tests.engine.plain import write_bundle

KEY = "a key that nobody guesses"
HERE, GUEST, ADMIN = Visitor("host", here=True), Visitor("guest"), Visitor("admin", key=KEY)


@pytest.fixture
def public(monkeypatch: pytest.MonkeyPatch, tmp_path) -> Iterator:
    """Public mode, and a function that sets single variables in it."""

    def also(**variables: str) -> None:
        for name, value in variables.items():
            monkeypatch.setenv(f"ATLAS_{name}", value)
        settings.cache_clear()

    also(MODE="public", ADMIN_KEY=KEY, MODELS=str(tmp_path / "models"))
    monkeypatch.setattr(policy, "_minutes", Rates())
    yield also
    policy.serve("")
    settings.cache_clear()


def test_models_are_frozen_for_all_but_the_holder_of_the_key(public, tmp_path) -> None:
    write_bundle(tmp_path / "models" / "mine")
    for who in (HERE, GUEST):
        assert policy.adding(who) == "no" and not policy.may_delete(who)
        with pytest.raises(NotAllowed):
            local().delete("mine", who)
    assert policy.adding(ADMIN) == "all"
    local().delete("mine", ADMIN)
    assert not (tmp_path / "models" / "mine").exists()


def test_who_sits_at_a_proxy_gets_no_token_and_no_folders(public) -> None:
    public(ADD_MODELS="hub")
    assert policy.adding(HERE) == "hub" and not policy.is_host(HERE)
    assert not policy.may_delete(HERE)
    assert policy.handed_on(HERE)["HF_TOKEN"] == ""
    assert policy.handed_on(HERE)["ATLAS_MODE"] == "home"


@pytest.mark.parametrize(
    "ask",
    [
        lambda engine, text: engine.tokens(Reading("tales-gpt", text)),
        lambda engine, text: engine.tokens(Reading("tales-bert", "a", second=text)),
        lambda engine, text: engine.tokenized("tales-gpt", text),
        lambda engine, text: engine.bare("tales-gpt", text),
        lambda engine, text: engine.spelt("tales-gpt", text),
        lambda engine, text: engine.stages("tales-gpt", text),
        lambda engine, text: engine.word_steps("tales-gpt", text),
        lambda engine, text: engine.tokenized_by("tales-gpt", [text]),
        lambda engine, text: engine.translated("fr-en", text),
        lambda engine, text: engine.continued("tales-gpt", text, 1),
        lambda engine, text: engine.prefix_ids("fr-en", text),
    ],
)
def test_a_longer_text_is_read_by_nothing(ask, public) -> None:
    public(MAX_CHARS="50")
    before = figures.value("atlas_refusals_total", reason="text length")
    with pytest.raises(TextTooLong, match="characters; at most 50"):
        ask(local(), "b" * 51)
    assert figures.value("atlas_refusals_total", reason="text length") == before + 1


def test_a_longer_conversation_is_rendered_by_nothing(public, monkeypatch) -> None:
    public(MAX_CHARS="50")
    monkeypatch.setattr("engine.tokenizers.chat.render", lambda *a, **k: pytest.fail("rendered"))
    with pytest.raises(EngineError):
        local().conversation("tales-gpt", (Turn("user", "b" * 60),), True)


def test_columns_times_tokens_are_bounded_where_writing_begins(public) -> None:
    public(WRITING_TOKENS="100")
    with pytest.raises(NotAllowed, match="4 columns of 30 tokens are 120 new tokens; at most 100"):
        local().write(
            Task("tales-gpt", (5, 6), limit=30),
            [Line(run=number) for number in range(4)],
            viewer="guest",
        )
    with pytest.raises(NotAllowed, match="8 columns of 13"):
        local().write(Task("tales-gpt", (5, 6), limit=13), [Line(beams=8)], viewer="guest")
    with pytest.raises(NotAllowed):
        local().continued("tales-gpt", "Once", 101)
    with pytest.raises(NotAllowed):
        local().translation_trace(Reading("fr-en", "Bonjour"), Search(width=2, limit=51))
    assert not registry.running()
    assert policy.tokens_each(8, 50) == 12 and policy.tokens_each(2, 50) == 50


def test_a_visitor_has_so_many_model_runs_in_a_minute(public) -> None:
    public(VIEWER_RUNS="4")
    policy.serve("greedy")
    with pytest.raises(Busy, match=r"4 model runs in a minute.* in \d+ seconds"):
        for number in range(6):
            local().layer(Reading("tales-gpt", f"A text that is new {number}"), "decoder", 0)
    policy.serve("another")
    local().layer(Reading("tales-gpt", "A text of somebody else"), "decoder", 0)


def test_a_job_runs_on_the_account_of_who_began_it(public) -> None:
    found: list[str] = []
    job = registry.start("task:1", lambda report: found.append(policy.served()), viewer="anna")
    assert job.wait(10) and found == ["anna"] and policy.served() == ""


def test_a_visitor_has_so_many_writings_and_maps(public) -> None:
    public(VIEWER_WRITINGS="2", VIEWER_MAPS="1", MAPS="2")
    assert policy.kind("write").each == 2 and policy.kind("map").full(1, 1)
    assert policy.kind("map").full(1, 0) is None and policy.kind("map").full(2, 0)


@pytest.mark.parametrize("count", [1, 2])
def test_who_asks_for_much_stands_in_nobodys_way(count: int) -> None:
    places, come, leave = Slots(count), Queue[str](), threading.Semaphore(0)

    def run(viewer: str) -> None:
        policy.serve(viewer)
        with places():
            come.put(viewer)
            leave.acquire(timeout=10)

    begun: list[threading.Thread] = []
    for _ in range(8):
        begun.append(threading.Thread(target=run, args=("greedy",)))
        begun[-1].start()
    while places.waiting < 8 - count:
        time.sleep(0.001)
    assert [come.get(timeout=10) for _ in range(count)] == ["greedy"] * count
    begun.append(threading.Thread(target=run, args=("guest",)))
    begun[-1].start()
    while places.waiting < 9 - count:
        time.sleep(0.001)
    # One place at a time is left, so that who is let in is known, not who runs first.
    order = []
    for _ in range(9 - count):
        leave.release()
        order.append(come.get(timeout=10))
    assert order == ["guest", *["greedy"] * (8 - count)]
    leave.release(count)
    for thread in begun:
        thread.join(10)
    assert places.waiting == 0 and not any(thread.is_alive() for thread in begun)
