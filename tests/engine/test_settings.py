"""Settings: defaults, ranges, sentences."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest

from engine.settings import Settings, chosen, cores, page, read_settings
from engine.variables import declarations

ROOT = Path(__file__).resolve().parents[2]


def test_nothing_set_gives_the_declared_defaults():
    for name, (default, _) in declarations(Settings).items():
        if name not in ("models", "links"):
            assert getattr(read_settings({}), name) == default, name


def test_every_setting_is_declared():
    assert set(declarations(Settings)) == {field.name for field in fields(Settings)}
    assert all(one.meaning for _, one in declarations(Settings).values())


def test_the_page_of_settings_is_what_is_declared():
    written = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    assert written == page() + "\n", "python -m engine.settings --page > docs/settings.md"
    assert set(re.findall(r"^\| `ATLAS_(\w+)`", written, re.MULTILINE)) == {
        field.name.upper() for field in fields(Settings)
    }


def test_what_the_readme_says_of_settings_is_what_is_declared():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `ATLAS_(\w+)` \| (.+?) \| (.+) \|$", readme, re.MULTILINE)
    assert len(rows) > 5
    for name, default, meaning in rows:
        declared = declarations(Settings)[name.lower()]
        assert default == (declared[1].shown or f"`{declared[0]}`"), name
        assert meaning == declared[1].meaning, name


@pytest.mark.parametrize("mode", ["class", "public"])
def test_a_mode_presets_and_a_variable_counts_more(mode: str):
    found = {one.name: one for one in chosen({"ATLAS_MODE": mode, "ATLAS_MAX_CHARS": "7"})}
    assert (found["max_chars"].value, found["max_chars"].source) == (7, "environment")
    assert (found["sessions"].value, found["sessions"].source) == (100, "mode")
    assert (found["runs"].value, found["runs"].source) == (2, "default")
    assert found["mode"].value == read_settings({"ATLAS_MODE": mode}).mode == mode


def test_what_a_mode_presets_is_legal():
    for name, (_, declared) in declarations(Settings).items():
        for preset in declared.presets.values():
            assert declared.read(str(preset)) == preset, name


def test_the_program_lists_every_value_with_its_source_and_no_secret():
    environment = os.environ | {"ATLAS_MODE": "public", "ATLAS_ADMIN_KEY": "k" * 20}
    command = [sys.executable, "-m", "engine.settings"]
    run = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60
    )
    lines = dict(re.findall(r"^ATLAS_(\w+) +(.+)$", run.stdout, re.MULTILINE))
    assert set(lines) == {field.name.upper() for field in fields(Settings)}
    assert lines["MAX_CHARS"] == "20000   [mode]" and lines["RUNS"] == "2   [default]"
    assert lines["ADMIN_KEY"] == "(set)   [environment]" and "kkk" not in run.stdout
    environment["ATLAS_RUNS"] = "two"
    run = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60
    )
    assert run.returncode == 1 and "ATLAS_RUNS must be a whole number" in run.stderr


def test_public_gives_nobody_folders_of_the_machine():
    with pytest.raises(ValueError, match="ATLAS_ADD_MODELS must be auto, hub or no in public mode"):
        read_settings({"ATLAS_MODE": "public", "ATLAS_ADD_MODELS": "all"})


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("ATLAS_RUNS", "0"),
        ("ATLAS_RUNS", "two"),
        ("ATLAS_THREADS", "-1"),
        ("ATLAS_TRACE_MB", "1e3"),
        ("ATLAS_DEVICE", "tpu"),
        ("ATLAS_ADD_MODELS", "yes"),
        ("ATLAS_EXPORTS", "0"),
        ("ATLAS_READERS", "0"),
        ("ATLAS_FRAME_ANCESTORS", "javascript:alert(1)"),
        ("ATLAS_FRAME_ANCESTORS", "https://a.example; script-src *"),
        ("ATLAS_PUBLIC_URL", "javascript:alert(1)"),
        ("ATLAS_MODE", "school"),
        ("ATLAS_UPLOADS", "maybe"),
        ("ATLAS_SESSIONS", "-1"),
        ("ATLAS_TRUSTED_PROXIES", "proxy.example"),
        ("ATLAS_TRUSTED_PROXIES", "10.0.0.1/8"),
        ("ATLAS_LOG", "yaml"),
        ("ATLAS_FIGURES", "everybody"),
        ("ATLAS_LINKS_DAILY", "-1"),
    ],
)
def test_a_value_without_sense_names_the_variable_and_what_was_given(name: str, given: str):
    with pytest.raises(ValueError, match=rf"{name} must .* got '{re.escape(given)}'"):
        read_settings({name: given})


def test_values_are_read():
    found = read_settings(
        {
            "ATLAS_DEVICE": "CPU",
            "ATLAS_RUNS": " 3 ",
            "ATLAS_MODELS": "~/m",
            "ATLAS_PUBLIC_URL": "https://x/",
        }
    )
    assert (found.device, found.runs, found.public_url) == ("cpu", 3, "https://x")
    assert found.models == Path("~/m").expanduser()
    assert (found.add_models, found.frame_ancestors) == ("auto", "'self'")
    schools = {"ATLAS_FRAME_ANCESTORS": " https://a.example  https://*.b.example:8443 "}
    assert read_settings(schools).frame_ancestors == "https://a.example https://*.b.example:8443"


def test_links_lie_beside_the_models_unless_said_otherwise():
    assert read_settings({"ATLAS_MODELS": "/m/models"}).links == Path("/m/links.sqlite")
    assert read_settings({"ATLAS_LINKS": "~/l"}).links == Path("~/l").expanduser()
    proxies = read_settings({"ATLAS_TRUSTED_PROXIES": "10.0.0.1, fd00::/16"}).trusted_proxies
    assert proxies == "10.0.0.1/32 fd00::/16"


@pytest.mark.skipif(sys.platform != "linux", reason="XDG folders are Linux's")
def test_exports_go_to_the_users_cache():
    assert read_settings({"XDG_CACHE_HOME": "/c"}).models == Path("/c/transformer-atlas/models")


def test_cores_are_at_least_one():
    assert cores() >= 1
