"""The Hub searched while somebody types, against a stand-in: what is found, and what goes wrong."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from engine import policy
from engine.errors import HubUnreachable, NotAllowed
from engine.jobs import registry
from engine.models import adding
from engine.models.source import query
from engine.policy import Visitor
from engine.settings import settings
from tests.engine.hub_stand_in import Manners, hub, listed

ROOT = Path(__file__).resolve().parents[2]
KEY = "a key that nobody guesses"
HOST, GUEST = Visitor("host", here=True), Visitor("guest")
ADMIN = Visitor("admin", key=KEY)


def ask(words: str, manners: Manners, **environment: str) -> dict[str, Any]:
    """The last line of the program that searches, asked in a process of its own."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith("HF_")}
    with hub({}, manners=manners, private=("maker/secret",)) as address:
        done = subprocess.run(
            [sys.executable, "-m", "engine.export.sources.search", "--", words],
            cwd=ROOT,
            env=clean | {"HF_ENDPOINT": address} | environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
    assert done.stdout, done.stderr[-2000:]
    return json.loads(done.stdout.splitlines()[-1])


def test_known_families_are_found_with_what_one_wants_to_know() -> None:
    models = [
        listed("openai-community/gpt2", downloads=12_345_678, numbers=124_000_000),
        listed("meta-llama/gpt2-like", "llama", licence="llama3.2", stored="BF16", gated="manual"),
        listed("maker/gpt2-vision", "clip"),
        listed("maker/gpt2-state", "mamba"),
        listed("maker/gpt2-awq") | {"config": {"model_type": "gpt2", "quantization_config": [4]}},
        listed("maker/gpt2-large", numbers=774_000_000, stored="F16"),
        listed("maker/other"),
    ]  # fmt: skip
    manners = Manners(listed=models)
    found = ask("gpt2", manners)["result"]
    assert [one["id"] for one in found["found"]] == [
        "openai-community/gpt2", "meta-llama/gpt2-like", "maker/gpt2-large",
    ]  # fmt: skip
    first, second, _ = found["found"]
    assert (first["downloads"], first["parameters"]) == (12_345_678, 124_000_000)
    assert (first["size"], first["licence"], first["gated"]) == (496_000_000, "mit", False)
    assert (first["family"], first["architecture"]) == ("decoder", "gpt2")
    assert (second["size"], second["licence"], second["gated"]) == (2 * 10**8, "llama3.2", True)
    assert found["of"] == 6
    asked = manners.asked[0]
    for part in ("search=gpt2", "sort=downloads", "limit=100", "filter=safetensors"):
        assert part in asked
    assert "expand=config" in asked and len(manners.asked) == 1


def test_ten_thousand_results_are_a_short_list() -> None:
    many = [listed(f"maker/gpt2-{k}") for k in range(10_000)]
    found = ask("gpt2", Manners(listed=many))["result"]
    assert len(found["found"]) == 12 and found["of"] == 100
    # A server that sends them all, whatever was asked: the same.
    raw = json.dumps(many).encode()
    found = ask("gpt2", Manners(raw=raw))["result"]
    assert len(found["found"]) == 12 and found["of"] == 100


def test_what_is_foreign_is_bounded_or_left_out() -> None:
    hostile = [
        listed("maker/<img src=x onerror=alert(1)>"),
        listed("../../etc/passwd"),
        listed("x" * 5000),
        {**listed("maker/no-config"), "config": "gpt2"},
        {**listed("maker/no-type"), "config": {"model_type": ["gpt2"]}},
        listed("maker/licence", licence="<script>" * 50),
        {
            **listed("maker/numbers"),
            "downloads": -5,
            "safetensors": {"parameters": {"F32": 1e99}, "total": -1},
        },
        {**listed("maker/huge"), "downloads": 10**30, "tags": "license:mit"},
        {**listed("maker/true"), "downloads": True},
    ]
    found = ask("ma", Manners(raw=json.dumps(hostile).encode()))["result"]["found"]
    assert [one["id"] for one in found] == [
        "maker/licence", "maker/numbers", "maker/huge", "maker/true",
    ]  # fmt: skip
    assert {one["licence"] for one in found[:3]} == {"", "mit"}
    assert all(0 <= one["downloads"] <= 10**15 and 0 <= one["size"] <= 10**15 for one in found)


@pytest.mark.parametrize(
    ("manners", "words"),
    [
        (Manners(status=429, retry_after="37"), ["(429)", "in 37 seconds"]),
        (Manners(status=429), ["(429)", "in a while"]),
        (Manners(status=401), ["(401)", "HF_TOKEN"]),
        (Manners(status=403), ["(403)", "HF_TOKEN"]),
        (Manners(status=500), ["a fault (500)", "in a minute"]),
        (Manners(status=302), ["a fault (302)"]),
        (Manners(raw=b"<html>sign in to the wifi</html>"), ["cannot be read"]),
        (Manners(raw=b'{"error": "x"}'), ["cannot be read"]),
        (Manners(raw=b"[7]"), ["cannot be read"]),
        (Manners(raw=b"[" * 100_000), ["cannot be read"]),
        (Manners(listed=[listed("maker/gpt2")] * 9, cut=40), ["broke off"]),
        (Manners(raw=b" " * 9_000_000), ["larger than 8 MB"]),
    ],
    ids=lambda one: str(getattr(one, "status", ""))[:4] if isinstance(one, Manners) else "",
)
def test_a_refusal_is_one_sentence_at_once(manners: Manners, words: list[str]) -> None:
    said = ask("gpt2", manners)["error"]
    assert all(word in said for word in words) and len(said) < 250, said
    assert len(manners.asked) == 1  # nobody who types waits for second tries


def test_a_slow_hub_is_given_up() -> None:
    began = time.monotonic()
    said = ask("gpt2", Manners(delay=30.0))["error"]
    assert "did not answer within 8 seconds" in said and time.monotonic() - began < 25


def test_a_hub_that_cannot_be_reached_says_what_can_be_done() -> None:
    said = ask("gpt2", Manners(), HF_ENDPOINT="http://127.0.0.1:9")["error"]
    assert "cannot be reached" in said and "GGUF" in said
    assert "HF_HUB_OFFLINE" in ask("gpt2", Manners(), HF_HUB_OFFLINE="1")["error"]


def test_a_process_that_may_add_nothing_searches_nothing() -> None:
    manners = Manners()
    assert ask("gpt2", manners, ATLAS_ADD_MODELS="no")["error"] == policy.REFUSED
    assert not manners.asked


@pytest.mark.parametrize("text", [" gpt2 ", "openai-community/gp", "tiny stories", "Qwen3-0.6B"])
def test_a_name_is_searched_for(text: str) -> None:
    assert query(text, "all") == query(text, "hub") == text.strip()


@pytest.mark.parametrize(
    "text",
    ["", "g", "~/models", "/home/me/secret", "./gpt2", "..", "C:\\models", "model.gguf", "a/b/c",
     "https://huggingface.co/maker/model", "hf.co/maker/model", "maker/model@v1", "<b>bold</b>",
     "x" * 300, "g\0pt2", "文字"],
)  # fmt: skip
def test_paths_addresses_and_revisions_are_sent_nowhere(text: str) -> None:
    assert query(text, "all") == query(text, "hub") == ""


def test_a_folder_of_this_machine_is_sent_nowhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "secrets").mkdir()
    monkeypatch.chdir(tmp_path)
    assert query("secrets", "all") == "" and query("secrets", "hub") == "secrets"


@pytest.fixture
def set_up(monkeypatch: pytest.MonkeyPatch):
    def chosen(**variables: str) -> None:
        for name, value in variables.items():
            monkeypatch.setenv(f"ATLAS_{name}", value)
        settings.cache_clear()

    yield chosen
    monkeypatch.undo()
    settings.cache_clear()


def test_who_may_search(set_up) -> None:
    set_up(ADD_MODELS="hub", ADMIN_KEY=KEY)
    assert policy.may_search(HOST) and policy.may_search(GUEST)
    set_up(MODE="public")
    # A proxy beside the app makes everybody look as if they sat there.
    assert not policy.may_search(HOST) and not policy.may_search(GUEST)
    assert policy.may_search(ADMIN)
    for who in (HOST, GUEST):
        with pytest.raises(NotAllowed, match="whole id"):
            adding.search("gpt2", who)
    set_up(MODE="home", ADD_MODELS="auto")
    assert policy.may_search(HOST) and not policy.may_search(GUEST)
    with pytest.raises(NotAllowed, match="host of this app only"):
        adding.search("gpt2", GUEST)
    assert not registry.running()


def test_without_a_network_by_choice_nothing_is_started() -> None:
    with pytest.raises(HubUnreachable, match="HF_HUB_OFFLINE"):
        adding.search("gpt2", HOST)
    assert adding.search("~/models", HOST) is None and not registry.running()


def test_a_search_is_a_job_that_the_next_one_ends(set_up, monkeypatch: pytest.MonkeyPatch) -> None:
    """And the host's token finds what is private for the host alone."""
    set_up(ADD_MODELS="hub", ADMIN_KEY=KEY)
    monkeypatch.setenv("HF_HUB_OFFLINE", "0")
    monkeypatch.setenv("HF_TOKEN", "host-token")
    manners = Manners(listed=[listed("maker/secret"), listed("maker/seen")], delay=3.0)
    with hub({}, manners=manners, private=("maker/secret",)) as address:
        monkeypatch.setenv("HF_ENDPOINT", address)
        first = adding.search("ma", GUEST)
        second = adding.search("maker", GUEST)
        assert first is not None and second is not None
        assert first.wait(30) and first.stopped
        host = adding.search("maker", HOST)
        assert host is not None and host is not second
        for job, names in ((second, ["maker/seen"]), (host, ["maker/secret", "maker/seen"])):
            assert job.wait(60) and job.result is not None, job.error
            assert [one["id"] for one in job.result["found"]] == names
    assert adding.searched("maker", HOST) is host


def test_a_search_is_bounded_in_all_ways() -> None:
    rule = policy.kind("search")
    assert rule.limits.memory and rule.limits.processor and rule.limits.wall and rule.patience
    assert rule.yields and rule.each == 1 and rule.at_once < 64
