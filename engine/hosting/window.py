"""Browsers that can show one page as a window of its own: Chromium's family, `--app=`.

    browsers()      # paths of those that are here, the likeliest first

Looks on PATH, and in the places where macOS and Windows keep them. Starts nothing.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

NAMES = (
    *("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"),
    *("microsoft-edge", "microsoft-edge-stable", "msedge", "brave-browser", "brave", "vivaldi"),
)
APPLICATIONS = ("Google Chrome", "Chromium", "Microsoft Edge", "Brave Browser", "Vivaldi")
PROGRAMS = (
    r"Google\Chrome\Application\chrome.exe",
    r"Microsoft\Edge\Application\msedge.exe",
    r"BraveSoftware\Brave-Browser\Application\brave.exe",
    r"Chromium\Application\chrome.exe",
)


def browsers() -> list[str]:
    """The browsers of Chromium's family on this computer, each once."""
    found = [path for name in NAMES if (path := shutil.which(name))]
    found += [str(path) for path in _elsewhere() if path.is_file()]
    return list(dict.fromkeys(found))


def _elsewhere() -> Iterator[Path]:
    if sys.platform == "darwin":
        for folder in (Path("/Applications"), Path.home() / "Applications"):
            for name in APPLICATIONS:
                yield folder / f"{name}.app" / "Contents" / "MacOS" / name
    elif sys.platform == "win32":
        for variable in ("PROGRAMFILES", "PROGRAMFILES(X86)", "LOCALAPPDATA"):
            if base := os.environ.get(variable):
                yield from (Path(base) / program for program in PROGRAMS)
