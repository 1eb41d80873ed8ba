"""What a person sees where the machine fails: a full disk."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser import servers
from tests.browser.conftest import Open, rest

TEXT = "The+fox+sat+by+the+river+and+slept."


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own of two megabytes; only root may make one."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(place)]
    if (
        os.name != "posix"
        or os.geteuid()
        or subprocess.run(mount, stderr=subprocess.PIPE).returncode
    ):
        pytest.skip("this test must be allowed to mount a small file system (root)")
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)


def fill(disk: Path) -> Path:
    """Leave no byte of it."""
    filler = disk / "filler"
    with suppress(OSError), filler.open("wb", buffering=0) as file:
        while file.write(b"x" * 4096):
            pass
    return filler


def test_a_full_disk_is_said_and_stops_nothing_else(
    disk: Path, tmp_path: Path, open_at: Open
) -> None:
    places = {
        "ATLAS_LINKS": str(disk / "links.sqlite"),
        "ATLAS_MODELS": str(disk / "models"),
        "TMPDIR": str(disk),
    }
    with servers.started(tmp_path / "server", **places) as address:
        page = open_at(f"{address}/Attention?text={TEXT}")
        filler = fill(disk)
        page.get_by_test_id("stPopoverButton").filter(has_text="Share").click()
        create = page.get_by_role("button", name="Create short link")
        create.click()
        panel = page.get_by_test_id("stPopoverBody").last
        expect(
            panel.get_by_text("The disk is full, so no short link could be stored.")
        ).to_be_visible()
        page.keyboard.press("Escape")
        # Everything that needs no disk goes on.
        box = page.get_by_role("textbox", name="Text")
        box.fill("A boat went down the river.")
        box.press("Control+Enter")
        expect(page.get_by_role("button", name=re.compile("“boat”")).first).to_be_visible()
        page.get_by_role("link", name="Translation").first.click()
        expect(page.get_by_role("heading", name="Translation", exact=True)).to_be_visible()
        rest(page)
        expect(page.get_by_test_id("stException")).to_have_count(0)
        # With room again a link is made, and nothing has to be started anew.
        filler.unlink()
        page.get_by_test_id("stPopoverButton").filter(has_text="Share").click()
        create.click()
        expect(page.get_by_role("textbox", name="Short link")).to_have_value(re.compile("/s/"))
        page.goto("about:blank")  # it would miss its server
