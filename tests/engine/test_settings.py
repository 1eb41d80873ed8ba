"""Settings: defaults, ranges, sentences."""

from __future__ import annotations

import re
import sys
from dataclasses import fields
from pathlib import Path

import pytest

import engine.settings as module
from engine.settings import Settings, cores, read_settings


def test_nothing_set_gives_the_documented_defaults():
    found = read_settings({})
    table = dict(re.findall(r"^    ATLAS_(\w+) +(\w+)", module.__doc__ or "", re.MULTILINE))
    for name in (
        "device",
        "threads",
        "runs",
        "gpu_memory_mb",
        "open_models",
        "max_tokens",
        "trace_mb",
        "add_models",
        "exports",
        "export_minutes",
        "unwatched_minutes",
        "readers",
    ):
        assert str(getattr(found, name)) == table[name.upper()], name


def test_every_setting_is_in_the_table():
    documented = set(re.findall(r"^    ATLAS_(\w+)", module.__doc__ or "", re.MULTILINE))
    assert documented == {field.name.upper() for field in fields(Settings)}


def test_every_setting_is_in_the_readme():
    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    for field in fields(Settings):
        assert f"ATLAS_{field.name.upper()}" in readme, field.name


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
        ("ATLAS_LINKS_DAILY", "-1"),
        ("ATLAS_PROXIES", "everybody"),
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
    proxies = read_settings({"ATLAS_PROXIES": "10.0.0.1, fd00::/16"}).proxies
    assert [str(one) for one in proxies] == ["10.0.0.1/32", "fd00::/16"]


@pytest.mark.skipif(sys.platform != "linux", reason="XDG folders are Linux's")
def test_exports_go_to_the_users_cache():
    assert read_settings({"XDG_CACHE_HOME": "/c"}).models == Path("/c/transformer-atlas/models")


def test_cores_are_at_least_one():
    assert cores() >= 1
