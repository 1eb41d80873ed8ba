"""The Share panel's way into pages of others, for every setting of who may frame the app."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from streamlit.testing.v1 import AppTest

from engine.settings import read_settings, settings
from pages.shell.links import panel
from tests.pages.conftest import components, crash


def script() -> None:
    """The part of the panel that is opened by a click, which AppTest cannot make."""
    from engine.links.state import SharedState
    from pages.shell.links import panel

    panel._embedding("aaaaaaaaaa", SharedState("Attention", "the sea", "tales-gpt"))


@pytest.fixture
def ancestors(monkeypatch: pytest.MonkeyPatch) -> Iterator:
    def chosen(text: str) -> None:
        monkeypatch.setenv("ATLAS_FRAME_ANCESTORS", text)
        settings.cache_clear()

    yield chosen
    monkeypatch.undo()
    settings.cache_clear()


@pytest.mark.parametrize(
    ("allowed", "others", "preview"),
    [
        ("'self'", False, True),
        ("'none'", False, False),
        ("*", True, True),
        ("'self' https://school.example", True, True),
        ("https://school.example", True, False),
        ("https://school.example https://atlas.example", True, True),
    ],
)
def test_the_panel_says_who_may_frame_the_app_and_previews_only_what_a_browser_shows(
    allowed: str, others: bool, preview: bool, ancestors
) -> None:
    ancestors(allowed)
    app = AppTest.from_function(script)
    app.context = {"url": "https://atlas.example/Attention"}
    app.run()
    assert not crash(app)
    (lines,) = components(app, "atlas_field")
    assert "/s/aaaaaaaaaa?embed=true" in lines["text"]
    assert (panel.SAME_SITE in [one.value for one in app.caption]) is not others
    assert bool(app.get("iframe")) is preview


@pytest.mark.parametrize("text", ["'none' https://school.example", "'self' 'none'", "school"])
def test_what_a_browser_would_not_understand_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="ATLAS_FRAME_ANCESTORS must be 'none', or 'self'"):
        read_settings({"ATLAS_FRAME_ANCESTORS": text})
