"""The list of the Hub's models on Home: what is said of each, when there is none, who has it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from engine.errors import HubUnreachable
from engine.jobs import registry
from engine.settings import settings
from pages.home.add import NUMBERS, precision_words
from pages.home.search import in_bytes, short, told
from tests.pages.conftest import Open, crash

FOUND = {
    "id": "maker/gpt2-b", "family": "decoder", "architecture": "gpt2", "downloads": 1_234_567,
    "licence": "mit", "parameters": 124_000_000, "size": 496_000_000, "gated": True,
}  # fmt: skip


@pytest.fixture
def hub(models: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """What a search is answered, and which were made; looks never end."""
    answer: dict[str, Any] = {"result": {"found": [FOUND], "of": 1}, "asked": []}
    monkeypatch.setenv("ATLAS_ADD_MODELS", "hub")
    monkeypatch.setenv("HF_HUB_OFFLINE", "0")
    settings.cache_clear()

    def start(key: str, argv: list[str], *, viewer: str, environment: dict[str, str]) -> Any:
        def work(report: registry.Report) -> Any:
            if isinstance(answer["result"], Exception):
                raise answer["result"]
            return answer["result"]

        answer["asked"].append(argv[-1])
        job = registry.start(key, work, viewer=viewer)
        assert job.wait(10)
        return job

    monkeypatch.setattr(registry, "start_process", start)
    registry._jobs.clear()
    yield answer
    registry._jobs.clear()


def typed(open_page: Open, text: str) -> AppTest:
    app = open_page("Home")
    app.text_input(key="add-source").set_value(text).run()
    assert not crash(app)
    return app


def captions(app: AppTest) -> str:
    return read("\n".join(one.value for one in app.caption))


def read(markdown: str) -> str:
    """What a person reads, as long as every mark of foreign text is escaped."""
    assert "<" not in markdown.replace("\\<", "")
    return markdown.replace("\\", "")


def test_a_line_of_the_list_says_what_one_wants_to_know(open_page: Open, hub) -> None:
    app = typed(open_page, "gpt2")
    line = app.button(key="add-found-maker/gpt2-b")
    assert read(line.label) == (
        "**maker/gpt2-b** · decoder · 124 M parameters · 496 MB · mit · 1.2 M downloads · gated: "
        "asks for a consent"
    )
    assert hub["asked"] == ["gpt2"]
    hub["result"] = {"refusal": "No."}
    line.click().run()
    assert not crash(app) and hub["asked"] == ["gpt2", "maker/gpt2-b"]
    assert app.text_input(key="add-source").value == "maker/gpt2-b"
    assert not [one for one in app.button if str(one.key).startswith("add-found")]


@pytest.mark.parametrize("text", ["https://huggingface.co/maker/model", "/etc", "maker/model@v1"])
def test_what_names_something_by_itself_is_not_searched_for(
    text: str, open_page: Open, hub
) -> None:
    typed(open_page, text)
    assert not hub["asked"]


def test_none_found_says_what_to_do(open_page: Open, hub) -> None:
    hub["result"] = {"found": [], "of": 7}
    said = captions(typed(open_page, "gpt2-x"))
    assert "no text model of a known family with “gpt2-x”" in said and "7 others" in said
    assert "paste the address" in said


def test_a_failed_search_is_said_and_can_be_made_again(open_page: Open, hub) -> None:
    hub["result"] = HubUnreachable("The Hub has a fault (500). <b>Try</b> again in a minute.")
    app = typed(open_page, "gpt2")
    assert "a fault (500)" in captions(app) and "<b>Try</b>" in captions(app)
    hub["result"] = {"found": [FOUND], "of": 1}
    app.button(key="add-search-again").click().run()
    assert not crash(app) and app.button(key="add-found-maker/gpt2-b")


def test_without_a_network_by_choice_it_says_so(
    open_page: Open, hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert "HF_HUB_OFFLINE" in captions(typed(open_page, "gpt2")) and not hub["asked"]


def test_in_public_mode_nothing_is_searched(
    open_page: Open, hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ATLAS_MODE", "public")
    settings.cache_clear()
    app = typed(open_page, "gpt2")
    assert not hub["asked"] and "part of a name" not in app.text_input(key="add-source").label


def test_names_of_others_are_shown_and_not_obeyed(open_page: Open, hub) -> None:
    """Ids are checked by who searches; what an id may have in it is escaped all the same."""
    hub["result"] = {"found": [{**FOUND, "id": "maker/__bold__", "licence": "a_b_"}], "of": 1}
    app = typed(open_page, "gpt2")
    label = app.button(key="add-found-maker/__bold__").label
    assert "\\_\\_bold\\_\\_" in label and "__bold__" not in label


def test_figures_are_short() -> None:
    assert [short(n) for n in (0, 999, 1500, 123_456, 1_236_000_000)] == [
        "0", "999", "1.5 k", "123 k", "1.2 B",
    ]  # fmt: skip
    assert in_bytes(36_000) == "36 kB" and in_bytes(2.5e9) == "2.5 GB"
    bare = {**FOUND, "size": 0, "parameters": 0, "licence": "", "gated": False}
    assert told(bare, True) == (
        "decoder · size not stated · license not stated · 1.2 M downloads · installed"
    )


def test_each_precision_says_its_size_and_its_cost() -> None:
    # SmolLM2: bundles of 538, 269, 180 and, as its steps are kept as they were, 142 MB.
    parameters, table = 134_515_008, 49_152 * 576
    said = {name: precision_words(name, parameters, table) for name in NUMBERS}
    assert said["fp32"] == "float32, about 538 MB: exact"
    assert "about 269 MB" in said["fp16-weights"] and "half the disk" in said["fp16-weights"]
    assert "about 180 MB" in said["int8"] and "about 128 MB" in said["int4"]
    assert "groups of 32" in said["int4"] and "refused" in said["int4"]
    assert "about" not in precision_words("fp32", 0, 0)
