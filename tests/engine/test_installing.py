"""What is installed when: which ONNX Runtime, what the light list lacks, what is said of it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from engine import installing, policy
from engine.errors import NotAllowed, NotOffered
from engine.models import adding
from engine.policy import Visitor
from engine.settings import settings

WHOLE = installing.WHOLE
ROOT = Path(__file__).resolve().parents[2]
HOST = Visitor("host", here=True)


@pytest.mark.parametrize(
    ("driver", "system", "machine", "found"),
    [
        (True, "linux", "x86_64", "onnxruntime-gpu"),
        (False, "linux", "x86_64", "onnxruntime"),
        (True, "win32", "AMD64", "onnxruntime-gpu"),
        (True, "linux", "aarch64", "onnxruntime"),
        (True, "darwin", "arm64", "onnxruntime"),
    ],
)
def test_the_cuda_build_is_for_machines_with_a_driver_that_it_exists_for(
    driver: bool, system: str, machine: str, found: str
) -> None:
    assert installing.runtime(driver=driver, system=system, machine=machine) == found


def test_a_driver_is_seen_by_its_file_or_its_tool(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert not installing.has_driver([str(tmp_path / "version")])
    (tmp_path / "version").touch()
    assert installing.has_driver([str(tmp_path / "version")])
    tool = tmp_path / "nvidia-smi"
    tool.touch(mode=0o755)
    assert installing.has_driver([])


def test_the_light_list_is_of_the_whole_one_and_holds_nothing_heavy() -> None:
    whole = {
        installing.package(one): Requirement(one) for one in installing.listed("requirements.txt")
    }
    light = {installing.package(one): Requirement(one) for one in installing.light("onnxruntime")}
    assert set(light) < set(whole)
    for name, one in light.items():
        assert one.specifier == whole[name].specifier, name
    heavy = {"torch", "transformers", "onnx", "onnxscript", "umap-learn", "scikit-learn"}
    assert not heavy & set(light)
    rest = {installing.package(one) for one in installing.rest()}
    assert heavy <= rest and not rest & set(installing.RUNTIMES)
    assert rest | set(light) | set(installing.RUNTIMES) == set(whole)
    assert "onnxruntime-gpu[cuda,cudnn]==1.31.1" in installing.light("onnxruntime-gpu")


def recorded(monkeypatch: pytest.MonkeyPatch, here: tuple[str, ...]) -> list[list[str]]:
    commands: list[list[str]] = []

    def pip(command: list[str], tell: object) -> None:
        if command[0] == "install":
            command = ["install", *Path(command[2]).read_text().split("\n")[:-1]]
        commands.append(command)

    monkeypatch.setattr(installing, "_pip", pip)
    monkeypatch.setattr(installing, "installed", lambda: here)
    return commands


def say(stage: str, share: float) -> None:
    pass


@pytest.mark.parametrize("here", [(), ("onnxruntime",), ("onnxruntime-gpu",)])
def test_no_build_is_put_on_top_of_another(
    here: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    commands = recorded(monkeypatch, here)
    installing.host(say)
    named = [one for one in commands[0] if installing.package(one) in installing.RUNTIMES]
    assert len(named) == (0 if here else 1)
    installing.exporter(say)
    assert not [one for one in commands[1] if installing.package(one) in installing.RUNTIMES]


def test_the_whole_list_finds_no_other_build(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(installing.sys, "platform", "linux")
    monkeypatch.setattr(installing.platform, "machine", lambda: "x86_64")
    for here, removed in (
        ((), []),
        (("onnxruntime-gpu",), []),
        (("onnxruntime",), [["uninstall", "--yes", "onnxruntime"]]),
        (installing.RUNTIMES, [["uninstall", "--yes", *installing.RUNTIMES]]),
    ):
        commands = recorded(monkeypatch, here)
        installing.room(say)
        assert commands == removed


def test_a_failure_of_pip_is_a_sentence(tmp_path: Path) -> None:
    run = subprocess.run(
        [sys.executable, "-m", "engine.installing", "exporter", "--json"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        env={"PATH": "", "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(tmp_path),
             "PIP_TARGET": str(tmp_path / "empty"), "PIP_CONFIG_FILE": "/dev/null"},
    )  # fmt: skip
    assert run.returncode == 1
    assert "pip could not do it: ERROR" in json.loads(run.stdout.splitlines()[-1])["error"]


@pytest.fixture
def lacking(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("ATLAS_MODELS", str(tmp_path / "models"))
    settings.cache_clear()
    monkeypatch.setattr(installing.util, "find_spec", lambda name: None)
    yield
    settings.cache_clear()


def test_what_is_missing_is_said_where_it_is_needed(lacking: None) -> None:
    with pytest.raises(NotOffered, match="torch, transformers.*make exporter"):
        adding.export("gpt2", HOST, precision="fp32", name="gpt2")
    from engine.api import local

    with pytest.raises(NotOffered, match="umap, sklearn.*make exporter"):
        local().lay_out("tales-gpt", "umap", False, viewer="a")


@pytest.mark.parametrize("mode", ["home", "class", "public"])
def test_only_at_home_at_this_computer_is_anything_installed(
    mode: str, lacking: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ATLAS_MODE", mode)
    settings.cache_clear()
    started: list[list[str]] = []
    monkeypatch.setattr(
        "engine.jobs.registry.start_process", lambda key, argv, **k: started.append(argv)
    )
    with pytest.raises(NotAllowed):
        adding.install(Visitor("guest"))
    assert policy.may_install(HOST) is (mode == "home")
    if mode == "home":
        adding.install(HOST)
        assert started == [[sys.executable, "-m", "engine.installing", "exporter", "--json"]]
    else:
        with pytest.raises(NotAllowed):
            adding.install(HOST)
