"""Settings of the engine: read once from environment variables, then frozen.

    ATLAS_MODE=public python -m engine.settings     every setting: value, where it is from, meaning
    python -m engine.settings --page                the same as a page: docs/settings.md

`Settings` declares each once (`engine.variables`). A variable that is set counts; else what
ATLAS_MODE presets; else the default. A value that makes no sense is a `ValueError` naming the
variable, its range and what was given: the app does not start on a guess. Nothing here touches the
disk.
"""

from __future__ import annotations

import os
import sys
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal, NamedTuple

from engine.variables import (
    MODES,
    Declaration,
    Mode,
    ancestors,
    choice,
    declarations,
    key,
    name,
    networks,
    path,
    setting,
    value,
    web_address,
    whole,
)

DeviceChoice = Literal["auto", "cpu", "cuda"]
AddChoice = Literal["auto", "all", "hub", "no"]
KEY_AT_LEAST = 16  # characters: no shorter key withstands who may try for ever


@dataclass(frozen=True, slots=True)
class Settings:
    """What the person who starts the app may choose; sizes are in MB (10^6 bytes)."""

    mode: Mode = choice(
        "home",
        MODES,
        "who comes: home: yourself; class: people you know, on your network; "
        "public: anybody. Presets of what follows",
    )

    # --- Where models run ---
    engine: str = choice(
        "local",
        ("local", "cluster"),
        "local: models run in this process; cluster: in the replicas of a cluster "
        "(`python -m engine.cluster up`), and this process opens no weights",
    )
    cluster: str = setting(
        "",
        str,
        "host:port of the cluster's head, or auto for the node that this machine is of; its token "
        "is in the file RAY_AUTH_TOKEN_PATH",
        shown="the one that was started on this machine",
    )

    # --- This machine ---
    device: DeviceChoice = choice(
        "auto",
        ("auto", "cpu", "cuda"),
        "auto: CUDA when a session opens on it, else CPU; cpu; cuda: refuse to run anywhere else",
    )
    threads: int = whole(0, 0, 1024, "threads of one model run; 0: as many as cores")
    runs: int = whole(2, 1, 64, "model runs at once; the rest wait, everybody's in turn")
    gpu_memory_mb: int = whole(0, 0, 10**7, "most GPU memory ONNX Runtime takes; 0: no limit")
    open_models: int = whole(
        4, 1, 1000, "models kept in memory; the one unused longest is closed first"
    )
    in_place_mb: int = whole(
        1000,
        0,
        10**6,
        "largest weights of a model that writes with keys and values in their place on the CPU: "
        "up to twice as fast, with its weights in memory twice unless they are kept packed; "
        "0: no model",
        public=300,
    )
    spin_us: int = whole(
        20,
        0,
        1000,
        "microseconds that threads which write in place keep looking for work before they sleep: "
        "quicker steps, and less for whoever else wants the cores; 0: none",
        class_=0,
        public=0,
    )
    packed_mb: int = whole(
        5000,
        0,
        10**7,
        "disk for weights of large models as the CPU takes them, beside the models' folder: they "
        "open in a third of the time, and what traces and what writes share one copy of them; up "
        "to three times a model's weights; what was used longest ago goes first; 0: none",
        public=2000,
    )
    shared_mb: int = whole(
        1000, 0, 10**7, "disk for large arrays that replicas hand to fronts on other nodes; 0: none"
    )
    trace_mb: int = whole(200, 1, 10**6, "memory for numbers kept between clicks")
    models: Path = setting(
        Path("models"),
        path,
        "where exported models are kept",
        shown="the user's cache folder",
    )
    readers: int = whole(
        6, 1, 1000, "processes that read texts by tokenizers that did not come with the app"
    )

    # --- What a visitor may ask for ---
    max_chars: int = whole(
        200_000, 1, 10**7, "longest text taken, in characters", class_=100_000, public=20_000
    )
    max_tokens: int = whole(
        2048, 1, 10**6, "longest text read, whatever the model allows", class_=1024, public=512
    )
    writing_tokens: int = whole(
        0, 0, 10**6, "columns × new tokens of one writing; 0: no limit", class_=1536, public=1024
    )
    writings: int = whole(48, 1, 60, "texts written at once, in all", public=24)
    viewer_writings: int = whole(
        16, 1, 60, "texts written at once for one visitor", class_=8, public=4
    )
    maps: int = whole(4, 1, 60, "UMAP and t-SNE maps computed at once, in all", class_=2, public=1)
    viewer_maps: int = whole(2, 1, 60, "maps computed at once for one visitor", class_=1, public=1)
    viewer_runs: int = whole(
        0, 0, 10**7, "model runs of one visitor in a minute; 0: no limit", public=1500
    )

    # --- Models that are added ---
    add_models: AddChoice = choice(
        "auto",
        ("auto", "all", "hub", "no"),
        "what people may add in the app: all: Hub ids and folders of this machine; hub: Hub ids; "
        "no; auto: all at this computer, nothing from elsewhere. In public nobody counts as being "
        "at this computer, and all is refused",
    )
    admin_key: str = setting(
        "",
        key(KEY_AT_LEAST),
        "who types it on Home may add and delete models whatever ATLAS_ADD_MODELS says, and sees "
        f"the host's figures; at least {KEY_AT_LEAST} characters",
        secret=True,
        shown="none",
    )
    exports: int = whole(1, 1, 64, "exports at once, in all")
    viewer_exports: int = whole(1, 1, 64, "exports at once for one visitor")
    export_minutes: int = whole(120, 1, 10**5, "longest export")
    unwatched_minutes: int = whole(
        30, 1, 10**5, "an export or a map that nobody looks at so long is ended", public=5
    )
    uploads: str = choice(
        "yes", ("yes", "no"), "whether files (of tokenizers) may be sent to the app", public="no"
    )

    # --- How many come ---
    sessions: int = whole(
        0,
        0,
        10**5,
        "visitors inside at once, the rest wait in a queue; 0: no limit",
        class_=100,
        public=100,
    )
    queue: int = whole(500, 0, 10**5, "visitors waiting at once; further ones are sent away")
    idle_minutes: int = whole(
        0,
        0,
        10**5,
        "who does nothing for so long while others wait gives the place up; 0: nobody",
        class_=60,
        public=10,
    )
    address_sessions: int = whole(
        0, 0, 10**5, "visitors of one address at once, waiting ones too; 0: no limit", public=60
    )
    address_openings: int = whole(
        0, 0, 10**6, "pages opened by one address in a minute; 0: no limit", public=120
    )
    address_requests: int = whole(
        0, 0, 10**7, "requests of one address in a minute; 0: no limit", public=6000
    )
    api: str = choice(
        "yes", ("yes", "no"), "whether programs may ask for numbers over HTTP, at /api/v1"
    )
    calls: int = whole(8, 1, 64, "questions over HTTP answered at once; further ones get 503")
    viewer_calls: int = whole(
        4, 1, 64, "questions over HTTP answered at once for one address", public=2
    )
    address_calls: int = whole(
        0,
        0,
        10**6,
        "questions over HTTP of one address in a minute; 0: no limit",
        class_=1200,
        public=120,
    )
    trusted_proxies: str = setting(
        "",
        networks,
        "machines whose X-Forwarded-For is believed: addresses and networks",
        shown="none",
    )

    # --- Short links ---
    links: Path = setting(
        Path("links.sqlite"),
        path,
        "file of the short links",
        shown="beside the models",
    )
    links_count: int = whole(100_000, 0, 10**8, "short links kept at most")
    links_mb: int = whole(500, 1, 10**6, "most that their states take")
    links_daily: int = whole(200, 0, 10**6, "new short links a day from one address; 0: no limit")

    # --- Lessons of one's own ---
    lessons: Path | None = setting(
        None,
        path,
        "folder of a school's own lessons (*.toml), shown on Learn; read again when it changes",
        shown="none",
    )

    # --- Classes ---
    classes: str = choice("yes", ("yes", "no"), "whether teachers may open classes")
    classes_count: int = whole(200, 1, 10**5, "classes open at once; each ends after 24 hours")
    classes_daily: int = whole(
        100, 0, 10**6, "classes opened a day from one address; 0: no limit", public=20
    )
    class_pupils: int = whole(150, 1, 1000, "pupils of one class")
    address_codes: int = whole(
        60, 0, 10**6, "wrong class codes of one address in a minute; 0: no limit"
    )
    viewer_codes: int = whole(
        10, 0, 10**6, "wrong class codes of one visitor in a minute; 0: no limit"
    )
    nicknames: str = choice(
        "yes",
        ("yes", "no"),
        "whether pupils may give their class a nickname; without one they are numbers",
        public="no",
    )

    # --- How it is seen from outside ---
    frame_ancestors: str = setting(
        "'self'",
        ancestors,
        "sites that may show the app in a frame of theirs: 'self', 'none', *, or addresses such "
        "as https://school.example and spaces",
    )
    public_url: str = setting("", web_address, "address that copied links begin with", shown="none")
    figures: str = choice(
        "here",
        ("here", "all", "no"),
        "who reads /metrics and all of /healthz: here: this computer (not in public mode) and who "
        "sends the admin key as a bearer token; all; no: nobody",
    )
    log: str = choice(
        "plain",
        ("plain", "json"),
        "plain: lines for a terminal; json: one object a line, without texts and addresses",
        public="json",
    )


class Chosen(NamedTuple):
    """One setting as it stands: `source` is "default", "mode" or "environment"."""

    name: str
    value: Any
    source: str
    declared: Declaration


@cache
def settings() -> Settings:
    """The settings of this process; `settings.cache_clear()` reads the environment again."""
    return read_settings(os.environ)


def read_settings(environment: Mapping[str, str]) -> Settings:
    """Settings from a mapping of variables; `read_settings({}).runs` is 2."""
    return Settings(**{one.name: one.value for one in chosen(environment)})


def chosen(environment: Mapping[str, str]) -> list[Chosen]:
    """Every setting with where its value is from."""
    known = declarations(Settings)
    mode = value("mode", known["mode"][1], environment) or "home"
    found = [_chosen(each, *known[each], environment, mode) for each in known]
    models = next(one.value for one in found if one.name == "models")
    # Short links stand beside the models, unless they have a place of their own.
    found = [
        one._replace(value=models.parent / "links.sqlite")
        if one.name == "links" and one.source == "default"
        else one
        for one in found
    ]
    if mode == "public" and any(one.name == "add_models" and one.value == "all" for one in found):
        # Folders of the machine are for nobody who comes from outside.
        raise ValueError("ATLAS_ADD_MODELS must be auto, hub or no in public mode, got 'all'")
    return found


def _chosen(
    each: str, default: Any, declared: Declaration, environment: Mapping[str, str], mode: Mode
) -> Chosen:
    given = value(each, declared, environment)
    if given is not None:
        return Chosen(each, given, "environment", declared)
    if mode in declared.presets:
        return Chosen(each, declared.presets[mode], "mode", declared)
    if each == "models":
        default = _cache_folder(environment) / "models"
    return Chosen(each, default, "default", declared)


def listing(environment: Mapping[str, str]) -> str:
    """Every setting of an environment, for a terminal."""
    lines = []
    for one in chosen(environment):
        told = "(set)" if one.declared.secret and one.value else str(one.value)
        lines.append(f"{name(one.name):<25} {told or '(none)'}   [{one.source}]")
        lines += textwrap.wrap(one.declared.meaning, 90, initial_indent="    ",
                               subsequent_indent="    ")  # fmt: skip
    return "\n".join(lines)


def page() -> str:
    """The page of settings, `docs/settings.md`."""
    head = (
        "# Settings\n\nEnvironment variables, read at the start. `engine/settings.py` declares each"
        " and writes this\npage: `python -m engine.settings --page > docs/settings.md`. Columns"
        " `class` and `public` are what\n`ATLAS_MODE` presets; where they are empty the default"
        " holds. A variable that is set counts in every mode.\n`python -m engine.settings` lists"
        " the values that hold and where each is from. Limits hold for each\nprocess: several"
        " behind a proxy count each for itself.\n\n"
        "| variable | default | class | public | meaning |\n|---|---|---|---|---|\n"
    )
    return head + "\n".join(
        f"| `{name(each)}` | {declared.shown or f'`{default}`'} | {_preset(declared, 'class')} | "
        f"{_preset(declared, 'public')} | {declared.meaning} |"
        for each, (default, declared) in declarations(Settings).items()
    )


def _preset(declared: Declaration, mode: Mode) -> str:
    return f"`{declared.presets[mode]}`" if mode in declared.presets else ""


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


def _cache_folder(environment: Mapping[str, str]) -> Path:
    """Where this platform keeps a user's caches, with our own folder in it."""
    if sys.platform == "win32":
        base = environment.get("LOCALAPPDATA") or "~/AppData/Local"
    elif sys.platform == "darwin":
        base = "~/Library/Caches"
    else:
        base = environment.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(base).expanduser() / "transformer-atlas"


if __name__ == "__main__":
    try:
        print(page() if "--page" in sys.argv[1:] else listing(os.environ))
    except ValueError as error:
        sys.exit(str(error))
