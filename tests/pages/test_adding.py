"""Home's way to more models, for the host, for a guest, and for who has the key."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from engine.jobs import registry
from engine.jobs.registry import Job, Report
from engine.models.bundle import identity, read_card
from engine.models.packed import entries as packing
from engine.settings import settings
from tests.engine.plain import write_bundle
from tests.pages.conftest import Open, crash, sentences

KEY = "a key that nobody guesses"


@pytest.fixture
def set_up(models: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator:
    def chosen(**variables: str) -> None:
        for name, value in variables.items():
            monkeypatch.setenv(f"ATLAS_{name}", value)
        settings.cache_clear()

    yield chosen


def keys(app: AppTest) -> set[str]:
    return {one.key for one in [*app.text_input, *app.button] if one.key}


ADDS, DELETES = {"add-source", "add-look-now"}, {"remove-now"}


@pytest.mark.parametrize(
    ("chosen", "shown"),
    [("auto", set()), ("no", set()), ("hub", ADDS), ("all", ADDS | DELETES)],
)
def test_a_guest_is_shown_what_a_guest_may_do(
    chosen: str, shown: set[str], open_page: Open, set_up, models: Path
) -> None:
    write_bundle(models / "mine")
    set_up(ADD_MODELS=chosen)
    app = open_page("Home")
    assert not crash(app)
    assert keys(app) & (ADDS | DELETES | {"admin-key"}) == shown


def test_the_key_opens_adding_and_deleting(open_page: Open, set_up, models: Path) -> None:
    write_bundle(models / "mine")
    set_up(ADD_MODELS="no", ADMIN_KEY=KEY)
    app = open_page("Home")
    assert keys(app) & (ADDS | DELETES | {"admin-key"}) == {"admin-key"}
    app.text_input(key="admin-key").set_value("another key, just as long").run()
    assert "This is not the host's key." in [one.value for one in app.caption]
    assert not keys(app) & (ADDS | DELETES)
    app.text_input(key="admin-key").set_value(KEY).run()
    assert not crash(app) and keys(app) >= ADDS | DELETES
    app.button(key="remove-now").click().run()
    assert not crash(app) and not (models / "mine").exists()


def test_weights_kept_packed_are_said_before_a_model_is_deleted(
    open_page: Open, set_up, models: Path
) -> None:
    folder = write_bundle(models / "mine")
    set_up(ADD_MODELS="all")
    said = "MB of these are its weights in the form that this processor takes"
    assert not any(said in one.value for one in open_page("Home").caption)
    place = packing.place(identity(read_card(folder)))
    place.mkdir(parents=True)
    with (place / "model.bin").open("wb") as file:
        file.truncate(70 * 10**6)
    app = open_page("Home")
    assert not crash(app) and any(f"70 {said}" in one.value for one in app.caption)
    assert "(70 MB)" in app.button(key="remove-now").label
    app.button(key="remove-now").click().run()
    assert not crash(app) and not folder.exists() and not place.exists()


@pytest.mark.parametrize(
    ("chosen", "text", "told"),
    [
        ("hub", "../../tmp/x", "Folders of this machine"),
        ("hub", "/etc", "Folders of this machine"),
        ("all", "/no/such/folder", "no folder"),
        ("hub", "https://huggingface.co/datasets/squad", "datasets"),
    ],
)
def test_what_is_refused_starts_nothing_and_is_said(
    chosen: str, text: str, told: str, open_page: Open, set_up
) -> None:
    set_up(ADD_MODELS=chosen)
    app = open_page("Home")
    app.text_input(key="add-source").set_value(text).run()
    app.button(key="add-look-now").click().run()
    assert not crash(app) and any(told in one for one in sentences(app))
    assert not registry.running()


ABOUT = {
    "source": "maker/model", "architecture": "gpt2", "family": "decoder", "layers": 2, "heads": 2,
    "width": 16, "vocabulary": 300, "parameters": 9000, "size": 40000, "licence": "mit",
    "shows": ["Attention"], "notes": [], "refusal": None,
}  # fmt: skip


def until_stopped(report: Report) -> None:
    report.stage("Making model.onnx")
    while not report.cancelled:
        time.sleep(0.01)
    report.check()


@pytest.fixture
def let_end() -> Iterator[threading.Event]:
    """What a stopped export still waits for: its process takes a moment to end."""
    event = threading.Event()
    yield event
    event.set()


@pytest.fixture
def looked_at(
    set_up, monkeypatch: pytest.MonkeyPatch, let_end: threading.Event
) -> Iterator[list[Job]]:
    """Processes stood in for: a look that knows a model, an export that never ends by itself."""
    made: list[Job] = []
    set_up(ADD_MODELS="hub")

    def export(report: Report) -> None:
        try:
            until_stopped(report)
        finally:
            let_end.wait(60)

    def start(key: str, argv: list[str], *, viewer: str, environment: dict[str, str]) -> Job:
        assert environment["ATLAS_ADD_MODELS"] == "hub"
        assert argv[-2:] == ["--", "openai-community/gpt2"]
        work = (lambda report: ABOUT) if "--look" in argv else export
        made.append(registry.start(key, work, viewer=viewer))
        return made[-1]

    monkeypatch.setattr(registry, "start_process", start)
    yield made
    let_end.set()
    for job in made:
        job.kill()
        job.wait(10)


@pytest.mark.parametrize("address", ["https://huggingface.co/{}/tree/main", "hf.co/{}/"])
def test_an_address_is_understood_and_stop_is_answered_at_once(
    address: str, open_page: Open, looked_at: list[Job], let_end: threading.Event
) -> None:
    app = open_page("Home")
    text = address.format("openai-community/gpt2")
    app.text_input(key="add-source").set_value(text).run()
    app.button(key="add-look-now").click().run()
    assert looked_at[0].wait(10)
    app.run()
    assert app.text_input(key="add-name:openai-community/gpt2:fp32").value == "gpt2"
    app.button(key="add-export-now").click().run()
    assert not crash(app) and looked_at[-1].key.endswith(":gpt2")
    app.button(key="add-export-stop").click().run()
    assert not looked_at[-1].done and "add-export-stop" not in keys(app)
    assert "Stopping…" in [one.proto.text for one in app.get("progress")]
    let_end.set()
    assert looked_at[-1].wait(10)
    app.run()
    assert any("No files were kept" in one.value for one in app.caption)


def test_one_click_adds_a_real_model(
    open_page: Open, set_up, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is looked at and exported at once; the button waits meanwhile."""
    made: list[tuple[Job, list[str]]] = []
    set_up(ADD_MODELS="hub")

    def start(key: str, argv: list[str], *, viewer: str, environment: dict[str, str]) -> Job:
        about = {**ABOUT, "source": "smollm2"}
        work = (lambda report: about) if "--look" in argv else until_stopped
        made.append((registry.start(key, work, viewer=viewer), argv))
        return made[-1][0]

    monkeypatch.setattr(registry, "start_process", start)
    app = open_page("Home")
    button = app.button(key="add-real")
    assert "135 million parameters, 93 MB" in button.label and not button.disabled
    button.click().run()
    try:
        assert not crash(app) and not sentences(app)
        look, export = (argv for _, argv in made)
        assert look[-3:] == ["--look", "--", "smollm2"]
        assert export[-2:] == ["--", "smollm2"] and "fp32" in export
        assert export[export.index("--name") + 1] == "smollm2"
        made[0][0].wait(10)
        app.run()
        assert app.button(key="add-real").disabled
        assert app.text_input(key="add-source").value == "smollm2"
        assert "Making model" in " ".join(one.proto.text for one in app.get("progress"))
    finally:
        for job, _ in made:
            job.kill()
            job.wait(10)


def test_a_real_model_that_is_here_is_not_offered(open_page: Open, set_up, models: Path) -> None:
    write_bundle(models / "smollm2")
    set_up(ADD_MODELS="hub")
    assert "add-real" not in keys(open_page("Home"))


def test_a_name_that_cannot_be_is_said(open_page: Open, looked_at: list[Job]) -> None:
    app = open_page("Home")
    app.text_input(key="add-source").set_value("openai-community/gpt2").run()
    app.button(key="add-look-now").click().run()
    assert looked_at[0].wait(10)
    app.run()
    app.text_input(key="add-name:openai-community/gpt2:fp32").set_value("../x").run()
    app.button(key="add-export-now").click().run()
    assert not crash(app) and any("cannot be called" in one for one in sentences(app))
    assert len(looked_at) == 1
