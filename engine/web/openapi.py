"""The OpenAPI document of the questions: what programs read to know what can be asked.

In: `QUESTIONS`, and the path that the app is served under. Out: a dictionary (OpenAPI 3.1). Nothing
is written twice: parameters, ranges and meanings are those that the routes check.
"""

from __future__ import annotations

from typing import Any

from engine.web.encoding import TYPES
from engine.web.parameters import Parameter
from engine.web.questions import QUESTIONS, Question

VERSION = "1"
ROOT = "/api/v1"
REFUSALS = {
    400: "The question makes no sense: the sentence names the parameter and what is legal",
    403: "The host does not allow so much",
    404: "No such model",
    413: "The text or the answer is too long",
    414: "The address is too long",
    429: "Your network asks too much; Retry-After says in how many seconds to go on",
    503: "All places are taken; Retry-After says when to ask again",
}
ERROR = {
    "type": "object",
    "properties": {"error": {"type": "string", "description": "one sentence"}},
    "required": ["error"],
}


def document(base: str = "") -> dict[str, Any]:
    """The document; `base` is where the app is served: "" or "/atlas"."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Transformer Atlas",
            "version": VERSION,
            "description": "What transformers compute for a text, as numbers. Read-only.",
        },
        "servers": [{"url": base or "/"}],
        "paths": {f"{ROOT}/{name}": {"get": _operation(one)} for name, one in QUESTIONS.items()},
        "components": {"schemas": {"Error": ERROR}},
    }


def _operation(question: Question) -> dict[str, Any]:
    content = {TYPES["json"]: {"schema": answer_schema(question)}}
    if "npz" in question.forms:
        content[TYPES["npz"]] = {"schema": {"type": "string", "format": "binary"}}
    answers: dict[str, Any] = {"200": {"description": question.title, "content": content}}
    schema = {"$ref": "#/components/schemas/Error"}
    for status, meaning in REFUSALS.items():
        answers[str(status)] = {
            "description": meaning,
            "content": {TYPES["json"]: {"schema": schema}},
        }
    return {
        "operationId": question.name,
        "summary": question.title,
        "parameters": [_parameter(one) for one in question.parameters],
        "responses": answers,
    }


def _parameter(one: Parameter) -> dict[str, Any]:
    found = {
        "name": one.name,
        "in": "query",
        "description": one.meaning,
        "required": one.required,
        "schema": one.schema(),
    }
    return found | ({"example": one.example} if one.example else {})


def answer_schema(question: Question) -> dict[str, Any]:
    """What a JSON answer looks like, as JSON Schema."""
    return {
        "type": "object",
        "properties": {
            name: _nested(kind) | {"description": meaning}
            for name, (kind, meaning) in question.gives.items()
        },
        "required": list(question.gives),
        "additionalProperties": False,
    }


def _nested(kind: str) -> dict[str, Any]:
    if kind.endswith("[]"):
        return {"type": "array", "items": _nested(kind[:-2])}
    # JSON has no infinities: a logit of a forbidden token is null.
    return {"type": ["number", "null"] if kind == "number" else kind}
