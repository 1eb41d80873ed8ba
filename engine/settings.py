"""Settings of the engine: read once from environment variables, then frozen.

    variable               default              meaning
    ATLAS_DEVICE           auto                 auto: CUDA when a session opens on it, else CPU;
                                                cpu; cuda: refuse to run anywhere else
    ATLAS_THREADS          0                    threads of one model run; 0: as many as cores
    ATLAS_RUNS             2                    model runs at once; the rest wait in order
    ATLAS_GPU_MEMORY_MB    0                    most GPU memory ONNX Runtime takes; 0: no limit
    ATLAS_OPEN_MODELS      4                    models kept in memory; the one unused longest is
                                                closed first
    ATLAS_MAX_TOKENS       2048                 longest text read, whatever the model allows
    ATLAS_TRACE_MB         200                  memory for numbers kept between clicks
    ATLAS_MODELS           user's cache folder  where exported models are kept
    ATLAS_ADD_MODELS       auto                 what people may add in the app: all: Hub ids and
                                                folders of this machine; hub: Hub ids; no;
                                                auto: all at this computer, nothing from elsewhere
    ATLAS_ADMIN_KEY        (none)               who types it on Home may add and delete models
                                                whatever ATLAS_ADD_MODELS says
    ATLAS_EXPORTS          1                    exports at once
    ATLAS_EXPORT_MINUTES   120                  longest export
    ATLAS_UNWATCHED_MINUTES 30                  an export that nobody looks at so long is ended
    ATLAS_READERS          6                    processes that read texts by tokenizers that did
                                                not come with the app
    ATLAS_FRAME_ANCESTORS  'self'               sites that may show the app in a frame of theirs:
                                                'self', 'none', *, or addresses and spaces
    ATLAS_PUBLIC_URL       (none)               address that copied links begin with
    ATLAS_LINKS            beside the models    file of the short links
    ATLAS_LINKS_COUNT      100000               short links kept at most
    ATLAS_LINKS_MB         500                  most that their states take
    ATLAS_LINKS_DAILY      200                  new short links a day from one address
    ATLAS_PROXIES          (none)               addresses or networks of proxies in front, whose
                                                X-Forwarded-For is believed

A value that makes no sense is a `ValueError` naming the variable, its range and what was given:
the app does not start on a guess. Nothing here touches the disk.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Literal, cast

DeviceChoice = Literal["auto", "cpu", "cuda"]
AddChoice = Literal["auto", "all", "hub", "no"]
KEY_AT_LEAST = 16  # characters: no shorter key withstands who may try for ever
ANCESTOR = re.compile(r"\*|'self'|'none'|https?://[A-Za-z0-9.*-]+(:([0-9]+|\*))?")


@dataclass(frozen=True, slots=True)
class Settings:
    """What the person who starts the app may choose; sizes are in MB (10^6 bytes)."""

    device: DeviceChoice = "auto"
    threads: int = 0
    runs: int = 2
    gpu_memory_mb: int = 0
    open_models: int = 4
    max_tokens: int = 2048
    trace_mb: int = 200
    models: Path = Path("models")
    add_models: AddChoice = "auto"
    admin_key: str = field(default="", repr=False)
    exports: int = 1
    export_minutes: int = 120
    unwatched_minutes: int = 30
    readers: int = 6
    frame_ancestors: str = "'self'"
    public_url: str = ""
    links: Path = Path("links.sqlite")
    links_count: int = 100_000
    links_mb: int = 500
    links_daily: int = 200
    proxies: tuple[IPv4Network | IPv6Network, ...] = ()


@cache
def settings() -> Settings:
    """The settings of this process; `settings.cache_clear()` reads the environment again."""
    return read_settings(os.environ)


def read_settings(environment: Mapping[str, str]) -> Settings:
    """Settings from a mapping of variables; `read_settings({}).runs` is 2."""
    given = environment.get("ATLAS_MODELS", "").strip()
    models = Path(given).expanduser() if given else _cache_folder(environment) / "models"
    links = environment.get("ATLAS_LINKS", "").strip()
    return Settings(
        device=_device(environment),
        threads=_whole(environment, "ATLAS_THREADS", 0, 0, 1024),
        runs=_whole(environment, "ATLAS_RUNS", 2, 1, 64),
        gpu_memory_mb=_whole(environment, "ATLAS_GPU_MEMORY_MB", 0, 0, 10**7),
        open_models=_whole(environment, "ATLAS_OPEN_MODELS", 4, 1, 1000),
        max_tokens=_whole(environment, "ATLAS_MAX_TOKENS", 2048, 1, 10**6),
        trace_mb=_whole(environment, "ATLAS_TRACE_MB", 200, 1, 10**6),
        models=models,
        add_models=_add(environment),
        admin_key=_key(environment),
        exports=_whole(environment, "ATLAS_EXPORTS", 1, 1, 64),
        export_minutes=_whole(environment, "ATLAS_EXPORT_MINUTES", 120, 1, 10**5),
        unwatched_minutes=_whole(environment, "ATLAS_UNWATCHED_MINUTES", 30, 1, 10**5),
        readers=_whole(environment, "ATLAS_READERS", 6, 1, 1000),
        frame_ancestors=_ancestors(environment),
        public_url=_url(environment),
        links=Path(links).expanduser() if links else models.parent / "links.sqlite",
        links_count=_whole(environment, "ATLAS_LINKS_COUNT", 100_000, 0, 10**8),
        links_mb=_whole(environment, "ATLAS_LINKS_MB", 500, 1, 10**6),
        links_daily=_whole(environment, "ATLAS_LINKS_DAILY", 200, 0, 10**6),
        proxies=_proxies(environment),
    )


def cores() -> int:
    """Cores this process may use: the machine's, its affinity's or its container's, the fewest."""
    count = os.cpu_count() or 1
    if hasattr(os, "sched_getaffinity"):
        count = len(os.sched_getaffinity(0))
    return max(1, min(count, _quota()))


def _quota() -> int:
    # A container that may use 2 of 64 cores still sees 64; threads beyond the quota only wait.
    try:
        limit, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()
        return max(1, round(int(limit) / int(period)))
    except (OSError, ValueError):
        return sys.maxsize


def _whole(environment: Mapping[str, str], name: str, default: int, low: int, high: int) -> int:
    given = environment.get(name, "").strip()
    if not given:
        return default
    try:
        number = int(given)
    except ValueError:
        number = low - 1
    if not low <= number <= high:
        raise ValueError(f"{name} must be a whole number from {low} to {high}, got {given!r}")
    return number


def _add(environment: Mapping[str, str]) -> AddChoice:
    value = environment.get("ATLAS_ADD_MODELS", "").strip().lower() or "auto"
    if value not in ("auto", "all", "hub", "no"):
        raise ValueError(f"ATLAS_ADD_MODELS must be auto, all, hub or no, got {value!r}")
    return cast(AddChoice, value)


def _key(environment: Mapping[str, str]) -> str:
    given = environment.get("ATLAS_ADMIN_KEY", "").strip()
    if given and len(given) < KEY_AT_LEAST:
        # The key itself stays out of logs.
        raise ValueError(
            f"ATLAS_ADMIN_KEY must have at least {KEY_AT_LEAST} characters, got {len(given)}"
        )
    return given


def _ancestors(environment: Mapping[str, str]) -> str:
    given = environment.get("ATLAS_FRAME_ANCESTORS", "").strip() or "'self'"
    if not all(ANCESTOR.fullmatch(one) for one in given.split()):
        raise ValueError(
            "ATLAS_FRAME_ANCESTORS must be 'self', 'none' or addresses such as "
            f"https://school.example, got {given!r}"
        )
    return " ".join(given.split())


def _device(environment: Mapping[str, str]) -> DeviceChoice:
    given = environment.get("ATLAS_DEVICE", "").strip().lower() or "auto"
    if given not in ("auto", "cpu", "cuda"):
        raise ValueError(f"ATLAS_DEVICE must be auto, cpu or cuda, got {given!r}")
    return cast(DeviceChoice, given)


def _url(environment: Mapping[str, str]) -> str:
    given = environment.get("ATLAS_PUBLIC_URL", "").strip().rstrip("/")
    if given and not given.startswith(("http://", "https://")):
        raise ValueError(f"ATLAS_PUBLIC_URL must begin with http:// or https://, got {given!r}")
    return given


def _proxies(environment: Mapping[str, str]) -> tuple[IPv4Network | IPv6Network, ...]:
    given = environment.get("ATLAS_PROXIES", "")
    try:
        return tuple(ip_network(one, strict=False) for one in given.replace(",", " ").split())
    except ValueError:
        raise ValueError(
            f"ATLAS_PROXIES must be addresses or networks such as 10.0.0.0/8, got {given!r}"
        ) from None


def _cache_folder(environment: Mapping[str, str]) -> Path:
    """Where this platform keeps a user's caches, with our own folder in it."""
    if sys.platform == "win32":
        base = environment.get("LOCALAPPDATA") or "~/AppData/Local"
    elif sys.platform == "darwin":
        base = "~/Library/Caches"
    else:
        base = environment.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(base).expanduser() / "transformer-atlas"
