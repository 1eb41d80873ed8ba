"""Pages run by AppTest, from app.py, as `page_link` needs the whole app."""

import json
import re
from collections.abc import Callable, Iterator
from html import unescape
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import streamlit as st
from streamlit import config
from streamlit.testing.v1 import AppTest

from engine.models import catalog
from engine.settings import settings
from engine.tokenizers import reader_pool
from pages.shell import components as shown
from tests.clouds import unpacked
from tests.engine.checkpoints import Bundles
from tests.engine.moments_made import made_moments
from tests.engine.tasks import NAMES, told

ROOT = Path(__file__).resolve().parents[2]
Open = Callable[..., AppTest]
Act = Callable[[AppTest, str, str], AppTest]
OFFERED = re.compile(r'data-id="([^"]*)"[^<>]*? data-act="([^"]*)"')


@pytest.fixture(autouse=True)
def full_errors() -> Iterator[None]:
    """Tracebacks in the page, which people at the screen do not see."""
    before = config.get_option("client.showErrorDetails")
    config.set_option("client.showErrorDetails", "full")
    yield
    config.set_option("client.showErrorDetails", before)


@pytest.fixture
def open_page() -> Open:
    """`open_page("3_Attention", layer="2", text="a b")`: a page, run once, its address as given.

    `"Home"` is app.py itself. The models are the shipped ones.
    """

    def opened(name: str, *, seconds: float = 60, **address: str | list[str]) -> AppTest:
        app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=seconds)
        for key, value in address.items():
            app.query_params[key] = value
        if name != "Home":
            app.switch_page(f"pages/{name}.py")
        return app.run()

    return opened


@pytest.fixture
def acts(monkeypatch: pytest.MonkeyPatch) -> Act:
    """`acts(app, "h1.2", "ablate")`: press an act that a picture offers at a target.

    AppTest plays no component: whatever a picture offers is a button beside it here, which reports
    as the component does.
    """
    told: dict[str, dict[str, Any]] = {}
    drawn, own = shown._picture, shown._own

    def press(key: str, act: dict[str, str], answer: Callable[[], None]) -> None:
        told[key] = {"act": act}
        answer()

    def beside(*, key: str, data: dict[str, Any], **given: Any) -> Any:
        result = drawn(key=key, data=data, **given)
        found = dict(OFFERED.findall(data["svg"])) if data["acts"] else {}
        for target, lines in found.items():
            for line in unescape(lines).split("\n"):
                name, _, words = line.partition(" ")
                act = {"id": target, "name": name}
                st.button(
                    words,
                    key=f"act {target} {act['name']}",
                    on_click=press,
                    args=(key, act, given["on_act_change"]),
                )
        return result

    monkeypatch.setattr(shown, "_picture", beside)
    monkeypatch.setattr(
        shown, "_own", lambda key, what="lock": told.get(key, {}).get(what) or own(key, what)
    )
    return lambda app, target, name: app.button(key=f"act {target} {name}").click().run()


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty folder of exported models."""
    folder = tmp_path / "models"
    folder.mkdir()
    monkeypatch.setenv("ATLAS_MODELS", str(folder))
    monkeypatch.setenv("ATLAS_ADD_MODELS", "all")  # nobody sits at AppTest's computer
    settings.cache_clear()
    yield folder
    reader_pool.close()
    settings.cache_clear()


@pytest.fixture
def told_models(
    bundles: Bundles, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[None]:
    """The tiny models with tasks and languages, as if somebody had exported them."""
    for name in NAMES:
        (tmp_path / name).symlink_to(told(bundles, name)[0], target_is_directory=True)
    monkeypatch.setenv("ATLAS_MODELS", str(tmp_path))
    settings.cache_clear()
    yield
    settings.cache_clear()


def unfolded(app: AppTest, *keys: str) -> AppTest:
    """The page with popovers or expanders opened, as by a click on each."""
    for key in keys:
        app.session_state[key] = True
    return app.run()


def sentences(app: AppTest) -> list[str]:
    """What a page's warnings and errors say, without the escapes of Markdown."""
    boxes = [*app.warning, *app.error]
    return [box.value.replace("\\", "") for box in boxes]


def crash(app: AppTest) -> str:
    """The tracebacks that a page shows, "" where it ran well: `assert not crash(app)`."""
    return "\n".join(f"{one.message}\n" + "\n".join(one.stack_trace) for one in app.exception)


def components(app: AppTest, name: str) -> list[dict[str, Any]]:
    """What our components of that name (`atlas_picture`) are given on a page, in its order."""
    found = (element.proto for element in app.get("bidi_component"))
    given = [proto for proto in found if proto.component_name == name]
    return [unpacked(one.bytes) if one.bytes else json.loads(one.json) for one in given]


def tables(app: AppTest) -> list[dict[str, list[str]]]:
    """The tables that are open under a page's pictures: each column's name and its cells."""
    bodies = (element.proto.body for element in app.get("html"))
    roots = [ElementTree.fromstring(body) for body in bodies if "atlas-table" in body[:60]]
    return [
        {
            name: [row[i].text or "" for row in root.iterfind("./table/tbody/tr")]
            for i, name in enumerate(head.text or "" for head in root.iterfind(".//th"))
        }
        for root in roots
    ]


@pytest.fixture
def two_precisions(
    bundles: Bundles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """GPT-2, tiny, exact and in int8, as if somebody had exported both."""
    for name, options in (("gpt2", ()), ("gpt2-int8", ("--precision", "int8"))):
        (tmp_path / name).symlink_to(bundles("gpt2", *options), target_is_directory=True)
    monkeypatch.setenv("ATLAS_MODELS", str(tmp_path))
    settings.cache_clear()
    yield
    settings.cache_clear()


@pytest.fixture
def moments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three moments of a training in the place of those that come along."""
    folder = made_moments(tmp_path / "moments")
    monkeypatch.setattr(catalog, "MOMENTS", folder)
    return folder
