"""What a stranger may do: decided by the engine, and again in the process that does the work."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine import policy
from engine.errors import Busy, EngineError, NotAllowed
from engine.jobs import registry
from engine.jobs.processes import ROOT
from engine.models import adding
from engine.policy import Visitor
from engine.settings import Settings, read_settings, settings
from engine.tokenizers import reader_pool
from tests.engine.checkpoints import save
from tests.engine.hub_stand_in import hub
from tests.engine.plain import write_bundle

KEY = "a key that nobody guesses"
HOST, GUEST, ADMIN = Visitor("host", here=True), Visitor("guest"), Visitor("admin", key=KEY)


@pytest.fixture(autouse=True)
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("ATLAS_MODELS", str(tmp_path / "atlas" / "models"))
    settings.cache_clear()
    yield tmp_path / "atlas" / "models"
    reader_pool.close()
    settings.cache_clear()


@pytest.fixture
def set_up(monkeypatch: pytest.MonkeyPatch):
    def chosen(**variables: str) -> None:
        for name, value in variables.items():
            monkeypatch.setenv(f"ATLAS_{name}", value)
        settings.cache_clear()

    return chosen


TABLE = {  # as in the docstring of `policy`: adds, deletes; of the host, then of a guest
    "auto": ("all", True, "no", False),
    "all": ("all", True, "all", True),
    "hub": ("hub", True, "hub", False),
    "no": ("no", False, "no", False),
}


@pytest.mark.parametrize("chosen", TABLE)
def test_who_may_add_and_delete(chosen: str, set_up) -> None:
    set_up(ADD_MODELS=chosen, ADMIN_KEY=KEY)
    found = [(policy.adding(who), policy.may_delete(who)) for who in (HOST, GUEST)]
    assert (*found[0], *found[1]) == TABLE[chosen]
    assert (policy.adding(ADMIN), policy.may_delete(ADMIN)) == ("all", True)


def test_elsewhere_nobody_adds_or_deletes_unless_it_was_allowed(models: Path) -> None:
    write_bundle(models / "mine")
    for act in (
        lambda: adding.look("gpt2", GUEST),
        lambda: adding.export("gpt2", GUEST, precision="fp32", name="gpt2"),
        lambda: adding.fetch_tokenizer("gpt2", GUEST),
        lambda: adding.keep_tokenizer(b"{}", "x.json", GUEST),
        lambda: adding.delete("mine", GUEST),
    ):
        with pytest.raises(NotAllowed):
            act()
    assert (models / "mine").is_dir() and not registry.running()
    adding.delete("mine", HOST)
    assert not (models / "mine").exists()


@pytest.mark.parametrize("typed", ["", KEY[:-1], KEY + "x", KEY.upper(), "ключ"])
def test_another_key_opens_nothing(typed: str, set_up) -> None:
    set_up(ADMIN_KEY=KEY)
    assert not policy.is_admin(Visitor(key=typed))


def test_without_a_key_set_no_key_opens_anything() -> None:
    assert not policy.is_admin(Visitor(key=""))


def test_the_key_is_long_and_is_never_told() -> None:
    with pytest.raises(ValueError, match="at least 16 characters, got 5") as caught:
        read_settings({"ATLAS_ADMIN_KEY": "short"})
    assert "short" not in str(caught.value)
    assert KEY not in repr(Settings(admin_key=KEY)) and KEY not in repr(ADMIN)
    assert policy.handed_on(ADMIN)["ATLAS_ADMIN_KEY"] == ""


@pytest.mark.parametrize("text", ["../../tmp/x", "/etc", "~", "https://evil.example/a/b", "a b"])
def test_a_look_starts_nothing_before_the_check(
    text: str, set_up, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_up(ADD_MODELS="hub")
    monkeypatch.setattr(registry, "start_process", lambda *a, **k: pytest.fail("started"))
    with pytest.raises(EngineError):
        adding.look(text, GUEST)


def run(module: str, *arguments: str, cwd: Path = ROOT, **environment: str) -> str:
    """What a program says, error or result, started by hand in any folder."""
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        cwd=cwd,
        env=os.environ | {"PYTHONPATH": str(ROOT)} | environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    return done.stdout + done.stderr


@pytest.mark.parametrize("path", ["../checkpoint", "checkpoint"])
@pytest.mark.parametrize("look", [True, False])
def test_the_process_checks_the_rule_again_wherever_it_runs(
    path: str, look: bool, tmp_path: Path, models: Path
) -> None:
    save("gpt2", tmp_path / "checkpoint")
    (tmp_path / "other").mkdir()
    where = tmp_path / "other" if path.startswith("..") else tmp_path
    options = ["--json", *(["--look"] if look else [])]
    said = run("engine.export", *options, path, cwd=where, ATLAS_ADD_MODELS="hub")
    # `checkpoint` is an id as well, of a model that this machine does not have.
    assert "Folders of this machine" in said or "cannot be reached" in said
    assert "decoder" not in said and not models.exists()
    if look:
        assert '"family": "decoder"' in run("engine.export", *options, path, cwd=where)


@pytest.mark.parametrize("module", ["engine.export", "engine.export.sources.fetch_tokenizer"])
def test_a_process_that_may_add_nothing_asks_nobody(module: str) -> None:
    said = run(module, "gpt2", ATLAS_ADD_MODELS="no")
    assert policy.REFUSED in said


def test_a_tokenizer_is_never_a_folder(tmp_path: Path) -> None:
    said = run("engine.export.sources.fetch_tokenizer", str(tmp_path), ATLAS_ADD_MODELS="all")
    assert policy.HUB_ONLY in said


@pytest.mark.parametrize(
    ("kept", "kind", "told"),
    [("environment", "private", "host only"), ("file", "gated", "only the host")],
)
def test_the_hosts_token_opens_models_for_the_host_alone(
    kept: str, kind: str, told: str, set_up, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_up(ADD_MODELS="hub", ADMIN_KEY=KEY)
    home = tmp_path / "hub"
    home.mkdir()
    monkeypatch.delenv("HF_HUB_OFFLINE")
    monkeypatch.setenv("HF_HOME", str(home))
    if kept == "file":
        (home / "token").write_text("host-token")
    else:
        monkeypatch.setenv("HF_TOKEN", "host-token")
    save("gpt2", tmp_path / "closed")
    with hub({"maker/closed": tmp_path / "closed"}, **{kind: ("maker/closed",)}) as address:
        monkeypatch.setenv("HF_ENDPOINT", address)
        for who in (HOST, ADMIN):  # after them its files lie in the host's cache
            look = adding.look("maker/closed", who)
            assert look.wait(120) and look.result["family"] == "decoder", look.error
        for ask in (adding.look, adding.fetch_tokenizer):
            job = ask("maker/closed", GUEST)
            assert job.wait(120) and job.result is None and told in str(job.error)


def test_a_guest_never_joins_what_the_host_asked_for(set_up, monkeypatch) -> None:
    set_up(ADD_MODELS="hub")
    keys: list[str] = []
    monkeypatch.setattr(registry, "start_process", lambda key, *a, **k: keys.append(key))
    adding.look("maker/private", HOST)
    adding.look("https://huggingface.co/maker/private", HOST)
    adding.look("maker/private", GUEST)
    assert keys[0] == keys[1] != keys[2]


def test_who_may_not_delete_may_not_replace_either(set_up, models: Path) -> None:
    set_up(ADD_MODELS="hub")
    write_bundle(models / "gpt2")
    with pytest.raises(NotAllowed, match="here already"):
        adding.export("evil/gpt2", GUEST, precision="fp32", name="gpt2")
    said = run("engine.export", "evil/gpt2", "--new", "--json", ATLAS_ADD_MODELS="hub")
    assert "here already" in json.loads(said.splitlines()[-1])["error"]


@pytest.mark.parametrize("name", ["../x", ".hidden", "a/b", "", "x" * 200, "tales-gpt", "a\0b"])
def test_a_name_is_a_folders_name_and_no_shipped_models(name: str) -> None:
    with pytest.raises(EngineError):
        adding.export("gpt2", HOST, precision="fp32", name=name)
    assert not registry.running()


def test_another_models_name_gets_its_maker(models: Path) -> None:
    assert adding.proposed_name(adding.source("maker/tales-gpt", HOST), "fp32") == "maker-tales-gpt"
    assert adding.proposed_name(adding.source("maker/new", HOST), "int8") == "new-int8"


@pytest.mark.parametrize("name", ["write", "walk", "look", "borrow"])
def test_who_goes_on_to_the_next_is_not_refused_for_the_last(name: str) -> None:
    rule = policy.kind(name)
    work = lambda report: [report.check() for _ in iter(int, 1)]  # noqa: E731
    keys = [f"{name}:test-{number}" for number in range(rule.each + 2)]
    jobs = [registry.start(key, work, viewer="one") for key in keys]
    try:
        assert all(job.wait(10) and job.stopped for job in jobs[:2])
        assert not any(job.cancelled for job in jobs[2:])
    finally:
        for job in jobs:
            job.kill()
            job.wait(10)


def test_exports_at_once_are_a_setting(set_up) -> None:
    set_up(EXPORTS="1")
    job = registry.start("export:test", lambda report: [report.check() for _ in iter(int, 1)])
    try:
        assert "places for exports are taken (1)" in (adding.full(HOST) or "")
        with pytest.raises(Busy):
            adding.export("gpt2", HOST, precision="fp32", name="gpt2")
    finally:
        job.kill()
        job.wait(10)
    assert adding.full(HOST) is None


@pytest.mark.parametrize("name", ["export", "look", "borrow", "map"])
def test_every_kind_of_process_is_bounded_in_all_ways(name: str) -> None:
    rule = policy.kind(name)
    assert rule.limits.memory and rule.limits.processor and rule.limits.wall and rule.patience
    assert rule.at_once < 64
