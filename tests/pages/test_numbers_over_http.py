"""/api/v1 answered without a server: the engine's numbers to the bit, and what is refused."""

from __future__ import annotations

import asyncio
import io
import json
import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote, urlencode

import jsonschema
import numpy as np
import pytest
from starlette.applications import Starlette
from starlette.types import Message
from streamlit import config

from engine import policy
from engine.api import Engine, Reading, Search, local
from engine.decoding.next_token import banned, opened
from engine.decoding.sampling import parse
from engine.errors import BrokenBundle
from engine.hosting import admission, figures
from engine.models.slots import slots
from engine.settings import settings
from engine.web import answering, encoding, places
from engine.web.openapi import ROOT, answer_schema, document
from engine.web.page import example
from engine.web.parameters import Parameter
from engine.web.questions import QUESTIONS, card_of
from engine.web.refusals import Refusal
from pages.shell.host import numbers
from pages.shell.host.numbers import number_routes

GPT, BERT, MT = "tales-gpt", "tales-bert", "fr-en"
FOX, FRENCH = "Once upon a time there was a fox.", "Le chat dort sur la table."
Answer = tuple[int, dict[str, str], bytes]


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Counts of a process that nobody asked yet."""
    monkeypatch.setattr(policy, "_calls", policy.Rates())
    monkeypatch.setattr(policy, "_minutes", policy.Rates())
    kept = (settings, places.places, admission.gate)
    for one in kept:
        one.cache_clear()
    yield
    for one in kept:
        one.cache_clear()


@pytest.fixture
def set_up(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    def chosen(**variables: str) -> None:
        for name, value in variables.items():
            monkeypatch.setenv(f"ATLAS_{name}", value)
        settings.cache_clear()

    return chosen


async def asked(path: str, method: str = "GET", client: str = "203.0.113.9") -> Answer:
    """Status, headers and body of one answer."""
    came: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b""}

    async def send(message: Message) -> None:
        came.append(message)

    where, _, query = path.partition("?")
    scope = {
        "type": "http", "method": method, "path": where, "raw_path": where.encode(),
        "root_path": "", "query_string": query.encode("utf-8", "surrogateescape"),
        "headers": [(b"host", b"atlas.example"), (b"x-forwarded-for", b"10.9.8.7")],
        "client": (client, 1), "server": ("atlas.example", 80), "scheme": "http",
        "http_version": "1.1",
    }  # fmt: skip
    await Starlette(routes=number_routes())(scope, receive, send)
    found = {name.decode(): value.decode() for name, value in came[0]["headers"]}
    return came[0]["status"], found, b"".join(one.get("body", b"") for one in came[1:])


def ask(name: str, method: str = "GET", client: str = "203.0.113.9", **given: Any) -> Answer:
    query = f"?{urlencode(given)}" if given else ""
    return asyncio.run(asked(f"{ROOT}/{name}{query}", method, client))


def npz(name: str, **given: Any) -> dict[str, np.ndarray]:
    status, headers, body = ask(name, format="npz", **given)
    assert (status, headers["content-type"]) == (200, "application/octet-stream"), body
    assert int(headers["content-length"]) == len(body)
    return dict(np.load(io.BytesIO(body), allow_pickle=False))


def said(name: str, **given: Any) -> Any:
    status, headers, body = ask(name, **given)
    assert (status, headers["content-type"]) == (200, "application/json"), body
    return json.loads(body)


def refused(answer: Answer, status: int, words: str) -> str:
    assert answer[0] == status, answer
    found = json.loads(answer[2])
    assert set(found) == {"error"} and words in found["error"], found
    return found["error"]


# ----------------------------------------------------- the engine's numbers


@pytest.fixture(scope="module")
def engine() -> Engine:
    return local()


@pytest.mark.parametrize(
    ("model", "text", "side"),
    [
        (GPT, FOX, "encoder"),
        (BERT, "The [MASK] ran, 🦊!", "encoder"),
        (MT, FRENCH, "encoder"),
        (MT, "The cat sleeps.", "decoder"),
    ],
)
def test_tokens_are_the_engine_s(model: str, text: str, side: Any, engine: Engine) -> None:
    found, own = npz("tokens", model=model, text=text, side=side), engine.tokenized(
        model, text, side
    )  # fmt: skip
    for name in ("ids", "spans", "special", "unknown"):
        assert found[name].dtype == getattr(own, name).dtype
        assert np.array_equal(found[name], getattr(own, name))
    assert tuple(found["pieces"]) == own.pieces
    told = said("tokens", model=model, text=text, side=side)
    assert told["ids"] == own.ids.tolist() and tuple(told["pieces"]) == own.pieces
    assert tuple(told["texts"]) == engine.texts(model, own.ids.tolist(), side)


@pytest.mark.parametrize(
    ("model", "text", "kind"),
    [
        (GPT, FOX, "decoder"),
        (BERT, FOX, "encoder"),
        (MT, FRENCH, "encoder"),
        (MT, FRENCH, "decoder"),
        (MT, FRENCH, "cross"),
    ],
)
def test_attention_is_the_engine_s_to_the_bit(
    model: str, text: str, kind: Any, engine: Engine
) -> None:
    translated = model == MT and kind != "encoder"
    reading = engine.translated(model, text) if translated else Reading(model, text)
    queries, keys = engine.token_names(reading, kind)
    layers = range(engine.stack(model, kind).layers)
    every = [engine.attention(reading, kind, layer).weights for layer in layers]
    for layer, own in zip(layers, every, strict=True):
        found = npz("attention", model=model, text=text, kind=kind, layer=layer + 1)
        assert found["weights"].dtype == np.float32
        assert found["weights"].tobytes() == own.tobytes()
        assert (tuple(found["queries"]), tuple(found["keys"])) == (queries, keys)
    told = said("attention", model=model, text=text, kind=kind, layer=len(layers), head=2)
    assert np.array_equal(np.array(told["weights"], np.float32), every[-1][1:2])


def test_attention_of_a_model_is_by_default_that_of_its_family() -> None:
    for model, text, kind in ((GPT, FOX, "decoder"), (BERT, FOX, "encoder"), (MT, FRENCH, "cross")):
        assert said("attention", model=model, text=text, head=1)["kind"] == kind


@pytest.mark.parametrize("setting", ["pure sampling", "temperature 0.7, top-p 0.8", "greedy"])
def test_the_next_token_is_what_the_decoding_page_opens(setting: str, engine: Engine) -> None:
    ids = tuple(engine.tokens(Reading(GPT, FOX)).ids.tolist())
    own = opened(
        engine.following(GPT, ids), parse(setting), ids, start=len(ids), rows=20,
        ban=banned(engine.card(GPT)),
    )  # fmt: skip
    found = npz("next", model=GPT, text=FOX, top=20, setting=setting)
    assert found["probability"].tobytes() == own.own.tobytes()
    assert found["after"].tobytes() == own.after.tobytes()
    assert found["logits"].tobytes() == own.logits.tobytes()
    assert np.array_equal(found["ids"], own.ids) and float(found["entropy"]) == own.entropy
    told = said("next", model=GPT, text=FOX, top=20, setting=setting)
    assert np.array_equal(np.array(told["logits"], np.float32), own.logits)
    assert told["texts"] == list(engine.texts(GPT, own.ids.tolist()))


def test_an_encoder_fills_its_gap_and_a_translator_begins(engine: Engine) -> None:
    text = "The [MASK] was hungry."
    at = engine.tokens(Reading(BERT, text)).ids.tolist().index(engine.card(BERT).mask)
    logits = engine.logits(Reading(BERT, text), (at,)).logits[0]
    found = npz("next", model=BERT, text=text, top=5)
    assert found["ids"].tolist() == np.argsort(-logits)[:5].tolist()
    assert found["logits"].tobytes() == logits[found["ids"]].tobytes()
    first = said("next", model=MT, text=FRENCH, top=1)
    assert said("translate", model=MT, text=FRENCH, beams=1)["ids"][0][0] == first["ids"][0]


def test_a_translation_is_the_engine_s(engine: Engine) -> None:
    own = engine.translation_trace(Reading(MT, FRENCH), Search(width=4, limit=96)).translation
    found, told = (one("translate", model=MT, text=FRENCH) for one in (npz, said))
    assert tuple(found["texts"]) == tuple(told["texts"]) == own.texts
    for row, hypothesis in enumerate(own.found.hypotheses):
        ids = [i for i in found["ids"][row].tolist() if i >= 0]
        assert tuple(ids) == own.written(row)
        assert found["score"][row] == told["score"][row] == hypothesis.score
        assert found["log_probability"][row] == hypothesis.log_probability
    assert said("translate", model=MT, text=FRENCH, limit=2)["ended"] == [False] * 4


def test_models_are_those_that_can_be_opened(engine: Engine, tmp_path: Any, set_up) -> None:
    set_up(MODELS=str(tmp_path))
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "card.json").write_text("{")
    (tmp_path / ".half-made").mkdir()
    found = said("models")["models"]
    assert {one["name"] for one in found} == {GPT, BERT, MT}
    assert "openai-community/gpt2" in {one.source for one in engine.models()}  # suggested only
    assert str(tmp_path) not in json.dumps(found)
    for name in ("broken", ".half-made", "gpt2", "../tales-gpt", "", "tales-gpt\0"):
        sentence = refused(ask("tokens", model=name, text="a"), 404, "There is no model")
        assert str(tmp_path) not in sentence and "python" not in sentence


def test_what_is_no_number_is_null() -> None:
    found = {"a": np.array([1.5, np.inf, np.nan], np.float32), "b": float("-inf"), "c": ()}
    assert json.loads(encoding.as_json(found)) == {"a": [1.5, None, None], "b": None, "c": []}
    back = np.load(io.BytesIO(encoding.as_npz(found)))
    assert back["a"].tobytes() == found["a"].tobytes() and back["c"].dtype.kind == "U"


# ----------------------------------------------------------- what is refused


def test_a_parameter_that_makes_no_sense_is_named_with_what_is_legal() -> None:
    good = {"model": GPT, "text": "a fox"}
    refused(ask("attention", **good, layer=7), 400, "layer must be from 1 to 6 in Tales GPT, not 7")
    refused(ask("attention", **good, head=9), 400, "head must be from 1 to 8")
    for bad in ("0", "-1", "1.0", "1_0", " 1", "٣", "1e2", "9" * 30, "", "<b>"):
        refused(ask("attention", **good, layer=bad), 400, "layer must be a whole number from 1")
    refused(ask("attention", **good, kind="cross"), 400, "decoder attention only")
    refused(ask("attention", **good, kind="Decoder"), 400, "one of encoder, decoder, cross")
    refused(ask("tokens", **good, side="decoder"), 400, "one vocabulary")
    refused(ask("tokens", **good, format="pickle"), 400, "format must be one of json, npz")
    refused(ask("next", **good, setting="top-k x"), 400, "setting: top-k needs a number")
    refused(ask("next", **good, language="fr"), 400, "no such language")
    refused(ask("next", model=BERT, text="The fox."), 400, "write [MASK]")
    refused(ask("translate", **good), 400, "one tower")
    refused(ask("attention", model=GPT, text=" \n"), 400, "The text is empty")
    refused(ask("tokens", model=GPT), 400, "text is missing")
    refused(ask("tokens"), 400, "model is missing")


def test_parameters_unknown_twice_or_unreadable_are_refused() -> None:
    refused(ask("attention", model=GPT, text="a", laier=2), 400, "“laier” is no parameter")
    refused(ask("models", model=GPT), 400, "It takes none")
    twice = f"{ROOT}/tokens?model={GPT}&text=a&text=b"
    refused(asyncio.run(asked(twice)), 400, "text is given twice")
    refused(asyncio.run(asked(f"{ROOT}/tokens?model={GPT}&text=%ff")), 400, "write UTF-8")
    refused(asyncio.run(asked(f"{ROOT}/tokens?model={GPT}&text=\udcff")), 400, "write UTF-8")
    refused(asyncio.run(asked(f"{ROOT}/tokens?{'&'.join(['a=1'] * 50)}")), 400, "at most 40")
    unknown = asyncio.run(asked(f"{ROOT}/tokens?model={GPT}&{'x' * 5000}=1"))
    long = refused(unknown, 400, "no parameter")
    assert len(long) < 200
    refused(asyncio.run(asked(f"{ROOT}/tokens?text={'a' * 10**6}")), 414, "at most 65,536")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "X"])
def test_only_reading_is_allowed(method: str) -> None:
    for name in ("tokens", "models", "openapi.json", ""):
        path = f"{ROOT}/{name}".rstrip("/")
        answer = asyncio.run(asked(path, method))
        refused(answer, 405, "only GET is")
        assert answer[1]["allow"] == "GET, HEAD"


def test_head_checks_and_runs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(numbers, "answered", lambda *a: pytest.fail("a model was asked"))
    status, headers, body = ask("tokens", "HEAD", model=GPT, text="a", format="npz")
    assert (status, headers["content-type"], body) == (200, "application/octet-stream", b"")
    assert ask("tokens", "HEAD", model=GPT)[0] == 400


def test_what_is_not_there_is_said_as_json() -> None:
    for path in (f"{ROOT}/nothing", f"{ROOT}/tokens/", "/api/v2/tokens", f"{ROOT}/../secrets"):
        refused(asyncio.run(asked(path)), 404, "There is nothing at this address")


def test_a_host_may_answer_nothing(set_up) -> None:
    set_up(API="no")
    for name in ("tokens", "models", "openapi.json", "nothing"):
        refused(ask(name), 404, "ATLAS_API")


# ------------------------------------------------------------------- limits


def test_texts_and_translations_are_as_long_as_a_visitor_s(set_up) -> None:
    set_up(MODE="public", MAX_CHARS="300", MAX_TOKENS="40", WRITING_TOKENS="64")
    refused(ask("tokens", model=GPT, text="a " * 151), 413, "at most 300")
    refused(ask("attention", model=GPT, text="a " * 60), 413, "40")
    refused(ask("next", model=GPT, text="a " * 60), 413, "40")
    refused(ask("translate", model=MT, text="Le chat.", beams=8, limit=9), 403, "at most 64")
    assert said("translate", model=MT, text="Le chat.", beams=8, limit=8)["texts"]


def test_large_answers_are_refused_before_they_are_computed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    text = "a fox " * 100  # 8 heads of 200 x 200
    monkeypatch.setattr(
        "engine.local.heads.Heads.attention", lambda *a: pytest.fail("computed all the same")
    )
    refused(ask("attention", model=GPT, text=text), 413, "as JSON at most 200,000")
    monkeypatch.setattr(encoding, "NPZ_BYTES", 10**6)
    refused(ask("attention", model=GPT, text=text, format="npz"), 413, "at most 1 MB")
    monkeypatch.undo()
    assert np.array(said("attention", model=GPT, text=text, head=1)["weights"]).size < 200_000


def test_an_address_has_so_many_questions_a_minute(set_up) -> None:
    set_up(ADDRESS_CALLS="5")
    found = [ask("models", client="198.51.100.7") for _ in range(8)]
    assert [one[0] for one in found] == [200] * 5 + [429] * 3
    refused(found[-1], 429, "ATLAS_ADDRESS_CALLS")
    assert 1 <= int(found[-1][1]["retry-after"]) <= 12
    # What is asked wrongly counts too, what it claims about its address does not.
    assert ask("models", client="198.51.100.8")[0] == 200


def test_model_runs_of_programs_count_as_one_visitor_s(set_up) -> None:
    set_up(VIEWER_RUNS="3")
    found = [ask("next", model=GPT, text=f"{n} foxes ran") for n in range(5)]
    assert [one[0] for one in found] == [200] * 3 + [429] * 2
    assert int(found[-1][1]["retry-after"]) >= 1
    assert ask("next", model=GPT, text="7 foxes ran", client="198.51.100.9")[0] == 200


def test_past_all_places_a_program_hears_of_the_queue(
    set_up, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_up(SESSIONS="1", QUEUE="1", ADDRESS_SESSIONS="3")
    here = [True]
    assert admission.gate().ask("a page", here=lambda: here[0]).inside
    waiting = ask("next", model=GPT, text="a fox")
    refused(waiting, 503, "number 1 of 1 in the queue")
    assert 1 <= int(waiting[1]["retry-after"]) < admission.AWAY
    full = ask("next", model=GPT, text="a fox", client="198.51.100.1")
    refused(full, 503, "the app and its queue are full".capitalize())
    here[0] = False  # the page was closed, a while ago
    later = time.monotonic() + admission.AWAY + admission.SWEEP
    monkeypatch.setattr(admission.gate(), "_clock", lambda: later)
    assert ask("next", model=GPT, text="a fox")[0] == 200


def test_so_many_are_answered_at_once_and_the_loop_goes_on(
    set_up, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_up(CALLS="3", VIEWER_CALLS="2")
    monkeypatch.setattr(numbers, "_threads", lambda: None)  # the loop's own
    monkeypatch.setattr(numbers, "answered", lambda *a: time.sleep(0.6) or b"{}")
    path = f"{ROOT}/models"

    async def crowd() -> tuple[list[Answer], float]:
        began = time.monotonic()
        clients = ["198.51.100.1"] * 3 + ["198.51.100.2"] * 2
        crowd = [asyncio.create_task(asked(path, client=client)) for client in clients]
        late = 0.0
        while not all(one.done() for one in crowd):
            before = time.monotonic()
            await asyncio.sleep(0.02)
            late = max(late, time.monotonic() - before)
        assert time.monotonic() - began > 0.5
        return [one.result() for one in crowd], late

    found, late = asyncio.run(crowd())
    assert [one[0] for one in found] == [200, 200, 429, 200, 503] and late < 0.3
    assert all(int(found[place][1]["retry-after"]) >= 1 for place in (2, 4))
    assert asyncio.run(asked(path))[0] == 200  # all places are free again


def test_who_does_not_read_gives_the_place_back(set_up, monkeypatch: pytest.MonkeyPatch) -> None:
    set_up(CALLS="1")
    monkeypatch.setattr(numbers, "SENDING", 0.2)
    monkeypatch.setattr(numbers, "answered", lambda *a: b"x" * 200_000)

    async def stalled() -> float:
        scope = {
            "type": "http", "method": "GET", "path": f"{ROOT}/models", "query_string": b"",
            "headers": [], "client": ("198.51.100.3", 1), "root_path": "",
        }  # fmt: skip

        async def receive() -> Message:
            return {"type": "http.request", "body": b""}

        async def send(message: Message) -> None:
            if message.get("body"):
                await asyncio.sleep(60)

        began = time.monotonic()
        await Starlette(routes=number_routes())(scope, receive, send)
        return time.monotonic() - began

    assert asyncio.run(stalled()) < 5
    assert ask("models")[0] == 200


def test_models_run_in_the_same_places_as_the_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    served: list[str] = []
    taken = slots()._take
    monkeypatch.setattr(slots(), "_take", lambda viewer: served.append(viewer) or taken(viewer))
    ask("next", model=GPT, text="a fox that nobody asked about", client="2001:db8::5")
    assert served and set(served) == {"http 2001:db8::"}
    assert policy.served() == ""


# ------------------------------------------------ mistakes, and what is kept


def test_a_mistake_of_ours_shows_neither_trace_nor_text(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    typed = "/srv/secret.txt of " + "Anna"[::-1]

    def broken(*_given: object) -> bytes:
        raise RuntimeError(typed)

    monkeypatch.setattr(numbers, "answered", broken)
    error = refused(ask("models"), 500, "Something went wrong here")
    for shown in (error, caplog.text):
        assert "annA" not in shown and typed not in shown
    assert "RuntimeError" in caplog.text


def test_a_file_of_this_machine_is_not_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def damaged(*_given: object) -> None:
        raise BrokenBundle("/srv/models/x/model.onnx was changed")

    monkeypatch.setattr(answering, "engine", lambda: local())
    monkeypatch.setattr("engine.local.texts.Texts.tokenized", damaged)
    answer = ask("tokens", model=GPT, text="a fox")
    assert "/srv" not in refused(answer, 503, "cannot be opened") and answer[1]["retry-after"]


def test_questions_are_counted_without_what_they_asked() -> None:
    before = figures.value("atlas_calls_total", route="tokens")
    ask("tokens", model=GPT, text="Anna")
    assert figures.value("atlas_calls_total", route="tokens") == before + 1
    assert b"Anna" not in figures.exposition() and b"203.0.113" not in figures.exposition()


# ----------------------------------------------------------- what describes it


def given_for(parameter: Parameter) -> str:
    """A legal value of a parameter."""
    if isinstance(parameter.legal, range):
        return str(parameter.legal[0])
    return str(parameter.legal[-1] if parameter.legal else parameter.example or parameter.default)


def test_the_document_is_valid_and_is_what_is_answered() -> None:
    status, headers, body = ask("openapi.json")
    found = json.loads(body)
    assert (status, headers["content-type"]) == (200, "application/json")
    assert found == document() and found["openapi"].startswith("3.1")
    assert {*found["paths"]} == {f"{ROOT}/{name}" for name in QUESTIONS}
    for path, item in found["paths"].items():
        (operation,) = item.values()
        for parameter in operation["parameters"]:
            assert {"name", "in", "required", "schema", "description"} <= {*parameter}
            jsonschema.Draft202012Validator.check_schema(parameter["schema"])
        for answer in operation["responses"].values():
            assert answer["description"]
            for content in answer["content"].values():
                jsonschema.Draft202012Validator.check_schema(content["schema"])
        assert path == f"{ROOT}/{operation['operationId']}"
    routes = {route.path for route in number_routes()}
    assert {*found["paths"]} < routes


@pytest.mark.parametrize("name", QUESTIONS)
def test_an_answer_is_as_the_document_says(name: str) -> None:
    question = QUESTIONS[name]
    operation = document()["paths"][f"{ROOT}/{name}"]["get"]
    examples = {one["name"]: one["example"] for one in operation["parameters"] if "example" in one}
    assert asyncio.run(asked(f"{ROOT}/{name}?{example(question)}"))[0] == 200
    found = said(name, **examples)
    jsonschema.validate(found, answer_schema(question))
    wrong = found | {next(iter(found)): {"not": "this"}}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(wrong, answer_schema(question))


@pytest.mark.parametrize("name", QUESTIONS)
def test_every_parameter_of_the_document_is_accepted(name: str) -> None:
    for parameter in QUESTIONS[name].parameters:
        given = {one.name: one.example for one in QUESTIONS[name].parameters if one.example}
        if parameter.name == "language":
            continue  # no shipped model is told one: the next test has some that are
        value = "decoder" if parameter.name == "kind" else given_for(parameter)
        if parameter.name == "side":
            given["model"] = MT
        assert ask(name, **given | {parameter.name: value})[0] == 200, parameter.name


@pytest.mark.usefixtures("told_models")
@pytest.mark.parametrize("model", ["m2m-languages", "mbart-languages"])
def test_a_language_is_accepted_where_a_model_is_told_one(model: str, engine: Engine) -> None:
    card, text = engine.card(model), "the cat sat"
    codes = card.generation.languages
    assert len(codes) == 3
    for code, mark in codes.items():
        search = Search(width=2, limit=5)
        own = engine.translation_trace(Reading(model, text), search, language=code).translation
        given = {"model": model, "text": text, "language": code}
        assert tuple(said("translate", **given, beams=2, limit=5)["texts"]) == own.texts
        ids = tuple(engine.tokens(Reading(model, text)).ids.tolist())
        logits = engine.following(model, (card.generation.start or 0, mark), ids)
        found = npz("next", **given)
        assert found["logits"].tobytes() == logits[found["ids"]].tobytes()
    for name in ("next", "translate"):
        sentence = refused(ask(name, model=model, text=text, language="xx"), 400, "Languages: ")
        assert all(code in sentence for code in codes)


def test_a_refusal_is_as_the_document_says() -> None:
    schema = document()["components"]["schemas"]["Error"]
    for answer in (ask("tokens"), ask("tokens", "POST"), ask("tokens", model="x", text="a")):
        jsonschema.validate(json.loads(answer[2]), schema)


def test_the_page_lists_every_route_and_parameter_and_runs_nothing() -> None:
    status, headers, body = asyncio.run(asked(ROOT))
    page = body.decode()
    assert status == 200 and headers["content-type"].startswith("text/html")
    assert "<script" not in page and "http://" not in page and "https://" not in page
    for name, question in QUESTIONS.items():
        assert f"<code>{ROOT}/{name}</code>" in page
        for parameter in question.parameters:
            assert f"<code>{parameter.name}</code>" in page


def test_a_base_path_is_kept() -> None:
    before = config.get_option("server.baseUrlPath")
    config.set_option("server.baseUrlPath", "school/atlas")
    try:
        for base in ("", "/school/atlas"):
            path = f"{base}{ROOT}"
            assert asyncio.run(asked(f"{path}/models"))[0] == 200
            found = json.loads(asyncio.run(asked(f"{path}/openapi.json"))[2])
            assert found["servers"] == [{"url": base or "/"}]
            assert f'href="{path}/tokens?' in asyncio.run(asked(path))[2].decode()
    finally:
        config.set_option("server.baseUrlPath", before)


def test_a_text_in_any_script_arrives_whole() -> None:
    for text in ("😀 <b>&amp;", "a\0b", "ع\u202eب", "x" * 300, "'; DROP"):
        query = f"{ROOT}/tokens?model={BERT}&text={quote(text)}"
        status, _, body = asyncio.run(asked(query))
        assert status == 200, body
        own = local().tokenized(BERT, text)
        assert json.loads(body)["spans"] == own.spans.tolist()


def test_a_model_that_is_only_suggested_has_no_card_here(engine: Engine) -> None:
    with pytest.raises(Refusal) as caught:
        card_of(engine, "distilgpt2")
    assert caught.value.status == 404
