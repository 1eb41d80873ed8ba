"""The log for machines: objects, and nothing of what people typed or where they are."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from engine.hosting import logs
from engine.hosting.history import history, sample
from engine.settings import settings


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> Iterator:
    """A function that gives what was logged so far, as objects."""
    monkeypatch.setenv("ATLAS_LOG", "json")
    settings.cache_clear()
    root = logging.getLogger()
    names = ("", "atlas", *logs.OTHERS, "uvicorn.error", "streamlit.test")
    kept = [(one := logging.getLogger(n), one.handlers, one.propagate, one.level) for n in names]
    logs.set_up()
    out = io.StringIO()
    root.handlers[0].stream = out  # type: ignore[attr-defined]
    logs._last.clear()
    logs._left_out.clear()
    yield lambda: [json.loads(line) for line in out.getvalue().splitlines()]
    for logger, handlers, propagate, level in kept:
        logger.handlers, logger.propagate = handlers, propagate
        logger.setLevel(level)
    settings.cache_clear()


def test_an_event_is_an_object_with_its_numbers(lines) -> None:
    logs.event("job", kind="export", outcome="done", seconds=1.5)
    (line,) = lines()
    assert (line["event"], line["kind"], line["seconds"]) == ("job", "export", 1.5)
    assert line["level"] == "info" and line["time"].startswith("20")
    # The time is UTC and says so: without it a reader takes it for the time of their own place.
    assert abs(datetime.now(UTC) - datetime.fromisoformat(line["time"])) < timedelta(seconds=5)


def test_a_flood_of_one_event_is_one_line(lines, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(500):
        logs.event("refused", reason="requests")
    logs.event("refused", reason="upload")
    assert [line["reason"] for line in lines()] == ["requests", "upload"]
    monkeypatch.setattr(logs, "EVERY", 0.0)
    logs.event("refused", reason="requests")
    assert lines()[-1]["left_out"] == 499


@pytest.mark.parametrize("name", ["streamlit.test", "uvicorn.error", "somewhere.else"])
def test_what_was_typed_and_where_from_is_never_logged(name: str, lines) -> None:
    logger = logging.getLogger(name)
    secret, place = "my secret text", "203.0.113.9"
    logger.warning("Could not read %s from %s", secret, place)
    logger.warning(f"Could not read {secret} from {place}")  # noqa: G004
    try:
        raise ValueError(f"{secret} is no number")
    except ValueError:
        logger.exception("Uncaught app execution")
    found = lines()
    assert len(found) == 3 and found[0]["template"] == "Could not read %s from %s"
    assert found[2]["error"] == "ValueError" and "test_logs.py" in found[2]["frames"][-1]
    assert not any(word in json.dumps(found) for word in (secret, place, "no number"))


def test_by_itself_nothing_is_logged(capfd: pytest.CaptureFixture[str]) -> None:
    before = list(logging.getLogger().handlers)
    logs.set_up()
    logs.event("job", kind="export")
    assert logging.getLogger().handlers == before and capfd.readouterr() == ("", "")


def test_the_last_hours_are_kept_as_rates() -> None:
    sample()
    from engine.hosting import figures

    figures.RUNS.inc(60)
    sample()
    assert history()[-1].rates["runs"] > 60 and history()[-1].health.memory_mb > 10
