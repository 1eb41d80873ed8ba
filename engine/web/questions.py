"""The questions that are answered over HTTP, each declared once: parameters, answer, meaning.

    QUESTIONS["attention"].answer(engine, {"model": "tales-gpt", "text": "a fox", "layer": 1, ..})

In: an engine and checked values. Out: arrays and texts by name, as `engine.api` gives them. The
routes, the OpenAPI document, the page that people read and the tests all go over `QUESTIONS`.
Models and layers that are not here raise `Refusal`; all else that cannot be is an `EngineError`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from engine.api import Engine
from engine.errors import NotOffered
from engine.models.bundle import Card
from engine.values import Family, Kind, Reading
from engine.web import writing
from engine.web.encoding import TYPES, check_size
from engine.web.parameters import Parameter, quoted
from engine.web.refusals import Refusal

Values = Mapping[str, Any]
Answer = dict[str, Any]

MODEL = Parameter("model", "name of a model, as /api/v1/models lists them", example="tales-gpt")
TEXT = Parameter(
    "text", "the text that the model reads", example="Once upon a time there was a fox."
)
FRENCH = Parameter("text", "the text to translate", example="Le chat dort sur la table.")
TRANSLATOR = Parameter(
    "model", "name of an encoder-decoder, as /api/v1/models lists them", example="fr-en"
)
FORMAT = Parameter(
    "format", "json, or npz: the arrays to the bit, for numpy.load", tuple(TYPES), default="json"
)
SIDE = Parameter(
    "side",
    "which vocabulary of an encoder-decoder: encoder (source) or decoder (target)",
    ("encoder", "decoder"),
    default="encoder",
)
KIND = Parameter(
    "kind",
    "which attention. By default that of the model's tower; of an encoder-decoder cross-attention "
    "from its greedy translation to the text",
    ("encoder", "decoder", "cross"),
    optional=True,
)
LAYER = Parameter("layer", "layer, counted from 1", range(1, 1001), default=1)
HEAD = Parameter("head", "one head, counted from 1; else all", range(1, 1001), optional=True)
KINDS: dict[Family, Kind] = {"encoder": "encoder", "decoder": "decoder", "encoder-decoder": "cross"}
ONE_HEAD = "Ask for one head, or shorten the text."


@dataclass(frozen=True, slots=True)
class Question:
    """One route: `gives` maps each name of the answer to its JSON type and meaning.

    A type is that of JSON Schema; with [] behind it a list, with [][] a list of lists, and so on.
    """

    name: str
    title: str
    parameters: tuple[Parameter, ...]
    gives: Mapping[str, tuple[str, str]]
    answer: Callable[[Engine, Values], Answer]

    @property
    def forms(self) -> tuple[str, ...]:
        """The formats that it is answered in."""
        return tuple(TYPES) if FORMAT in self.parameters else ("json",)


def card_of(engine: Engine, model: str) -> Card:
    """The card of a model that is here and can be opened; `Refusal` for every other name."""
    if not any(entry.ready and entry.name == model for entry in engine.models()):
        raise Refusal(404, f"There is no model {quoted(model)} here. /api/v1/models lists them.")
    return engine.card(model)


def models(engine: Engine, _given: Values) -> Answer:
    """Every model that can be asked about."""
    return {"models": [_told(engine, entry.name) for entry in engine.models() if entry.ready]}


def _told(engine: Engine, name: str) -> Answer:
    card = engine.card(name)
    return {
        "name": name,
        "title": card.title,
        "family": card.family,
        "layers": [stack.layers for stack in (card.encoder, card.decoder) if stack],
        "heads": [stack.heads for stack in (card.encoder, card.decoder) if stack],
        "width": card.width,
        "vocabulary": card.vocabulary,
        "longest": card.limit,
        "parameters": card.parameters,
        "licence": card.licence,
        "languages": sorted(card.generation.languages),
    }


def tokens(engine: Engine, given: Values) -> Answer:
    """A text as tokens."""
    model, side = given["model"], given["side"]
    if card_of(engine, model).family != "encoder-decoder" and side == "decoder":
        raise Refusal(400, "side is for encoder-decoders: this model has one vocabulary.")
    found = engine.tokenized(model, given["text"], side)
    check_size(5 * len(found), given["format"], "Shorten the text.")
    return {
        "pieces": found.pieces,
        "texts": engine.texts(model, found.ids.tolist(), side),
        "ids": found.ids,
        "spans": found.spans,
        "special": found.special,
        "unknown": found.unknown,
    }


def attention(engine: Engine, given: Values) -> Answer:
    """The weights of one layer."""
    model, layer, head = given["model"], given["layer"], given["head"]
    card = card_of(engine, model)
    kind: Kind = given["kind"] or KINDS[card.family]
    if kind != card.family and card.family != "encoder-decoder":
        raise Refusal(400, f"{card.title} has {card.family} attention only, and no {kind}.")
    if not engine.gives_attention(model, kind):
        raise NotOffered(f"The attention weights of {card.title} were not exported.")
    stack = engine.stack(model, kind)
    for name, value, most in (("layer", layer, stack.layers), ("head", head, stack.heads)):
        if value is not None and value > most:
            raise Refusal(400, f"{name} must be from 1 to {most} in {card.title}, not {value:,}.")
    reading = Reading(model, given["text"])
    if card.family == "encoder-decoder" and kind != "encoder":
        reading = engine.translated(model, given["text"])
    queries, keys = engine.token_names(reading, kind)
    heads = slice(None) if head is None else slice(head - 1, head)
    size = (stack.heads if head is None else 1) * len(queries) * len(keys)
    check_size(size, given["format"], ONE_HEAD)
    return {
        "kind": kind,
        "layer": layer,
        "queries": queries,
        "keys": keys,
        "weights": engine.attention(reading, kind, layer - 1).weights[heads],
    }


_ALL = (
    Question(
        "models",
        "The models that are here",
        (),
        {"models": ("object[]", "name, title, family, size and licence of each")},
        models,
    ),
    Question(
        "tokens",
        "A text as tokens",
        (MODEL, TEXT, SIDE, FORMAT),
        {
            "pieces": ("string[]", "tokens as stored in the vocabulary"),
            "texts": ("string[]", "what each looks like as text"),
            "ids": ("integer[]", "their places in the vocabulary"),
            "spans": ("integer[][]", "[token, 2]: characters of the text, end exclusive"),
            "special": ("boolean[]", "whether it is a mark that nobody wrote as a word"),
            "unknown": ("boolean[]", "whether it stands for what the vocabulary lacks"),
        },
        tokens,
    ),
    Question(
        "attention",
        "Attention weights of a layer",
        (MODEL, TEXT, KIND, LAYER, HEAD, FORMAT),
        {
            "kind": ("string", "encoder, decoder or cross"),
            "layer": ("integer", "layer, counted from 1"),
            "queries": ("string[]", "tokens that attend: the rows"),
            "keys": ("string[]", "tokens attended to: the columns"),
            "weights": ("number[][][]", "[head, query, key]; each row sums to 1"),
        },
        attention,
    ),
    Question(
        "next",
        "What the model predicts next",
        (MODEL, TEXT, writing.TOP, writing.SETTING, writing.LANGUAGE, FORMAT),
        {
            "ids": ("integer[]", "the likeliest tokens, after the setting's penalties"),
            "texts": ("string[]", "the same as text"),
            "probability": ("number[]", "the model's own probability, 0 to 1"),
            "after": ("number[]", "probability after the setting's filters; 0: cut"),
            "logits": ("number[]", "the model's logits"),
            "rank": ("integer[]", "place in the model's own order, from 1"),
            "entropy": ("number", "of the model's own distribution, in bits"),
        },
        lambda engine, given: writing.predicted(engine, given, card_of(engine, given["model"])),
    ),
    Question(
        "translate",
        "A translation, with the other hypotheses of its beam search",
        (TRANSLATOR, FRENCH, writing.BEAMS, writing.LIMIT, writing.LANGUAGE, FORMAT),
        {
            "texts": ("string[]", "the hypotheses, best first"),
            "ids": ("integer[][]", "[hypothesis, token], short ones filled up with -1"),
            "score": ("number[]", "what they are ordered by: log-probability a token"),
            "log_probability": ("number[]", "sum of natural logarithms"),
            "ended": ("boolean[]", "whether it came to its end before the limit"),
        },
        lambda engine, given: writing.translated(engine, given, card_of(engine, given["model"])),
    ),
)
QUESTIONS = {one.name: one for one in _ALL}
