"""Lines of Python that compute the numbers of a picture again, for a notebook.

    recipe('''
        shown = local().attention_map($scene)
        table = {"weight": shown.weights}
    ''', scene=Scene(Reading("tales-gpt", "a fox"), "decoder"))

In: a template of a view and the values at hand. Out: a program with its imports, which binds
`table`, the columns of the picture's CSV file (vectors and weights as one matrix, [row, column]).
Values are written as Python writes them: a text becomes a literal and nothing else, whatever is in
it. Knows no model and runs nothing.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from string import Template
from textwrap import dedent
from typing import Any

import numpy as np

from engine import api
from engine.decoding.sampling import Sampling

MODULES = {
    **dict.fromkeys(api.__all__, "engine.api"),
    "Change": "engine.values",
    "Counter": "collections",
    "KINDS": "engine.tokenizers.vocabulary",
    "MEASURES": "engine.preference.measures",
    "Example": "engine.prompting.prompt",
    "Exercise": "engine.objectives.example",
    "Experiment": "engine.patching.contrast",
    "Own": "engine.tuning.plans",
    "Selection": "engine.landscape.known",
    "Shape": "engine.costs.shapes",
    "Prompt": "engine.prompting.prompt",
    "Trial": "engine.prompting.accuracy",
    "Turn": "engine.tokenizers.chat",
    "Use": "engine.costs.memory",
    "alignment": "engine.attention",
    "banned": "engine.decoding.next_token",
    "cutoffs": "engine.distributions",
    "best_of_n": "engine.preference",
    "divergence": "engine.decoding.divergence",
    "find": "engine.tokenizers.vocabulary",
    "log_softmax": "engine.objectives.losses",
    "known": "engine.landscape",
    "logit_lens": "engine.trace",
    "memory": "engine.costs",
    "notes": "engine.landscape",
    "opened": "engine.decoding.next_token",
    "ordering": "engine.landscape",
    "projection": "engine.space",
    "retrieval": "engine.space",
    "rotary": "engine.attention",
    "samples": "engine.preference",
    "scaling": "engine.costs",
    "sleep": "time",
    "shared": "engine.attention.maps",
    "stages": "engine.landscape",
    "statistics": "engine.decoding.generated",
    "tokens_at": "engine.prompting.sources",
    "transforms": "engine.attention",
    "vocabulary_layout": "engine.space",
}
"""Where each name that a template uses is from."""


def recipe(template: str, **values: Any) -> str:
    """The program: `$name` in the template stands for a value, written as Python."""
    filled = {name: written(value) for name, value in values.items()}
    body = Template(dedent(template).strip()).substitute(filled)
    return f"{_imports(body)}\n\n{body}\n"


def call(name: str, *given: Any, **named: Any) -> Code:
    """A call as code, what is None, empty or 0 left out: `call("f", 1, b=2)` is `f(1, b=2)`."""
    parts = [written(one) for one in given]
    parts += [f"{key}={written(one)}" for key, one in named.items() if one not in (None, (), 0)]
    return Code(f"{name}({', '.join(parts)})")


class Code(str):
    """Lines that are code already and are put into a template as they are."""


def written(value: Any) -> str:
    """A value as Python that makes it again: `written(Reading("m", "a"))` is `Reading('m', 'a')`.

    Fields of a dataclass that have their default are left out.
    """
    if isinstance(value, Code):
        return str(value)
    if isinstance(value, np.generic):
        return written(value.item())
    if isinstance(value, tuple | list):
        inside = ", ".join(map(written, value))
        if isinstance(value, list):
            return f"[{inside}]"
        return f"({inside},)" if len(value) == 1 else f"({inside})"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{written(k)}: {written(v)}" for k, v in value.items()) + "}"
    if is_dataclass(value) and not isinstance(value, Sampling | type):
        return _dataclass(value)
    assert value is None or isinstance(value, bool | int | float | str | bytes | Sampling), value
    return repr(value)


def _dataclass(value: Any) -> str:
    parts = []
    for field in fields(value):
        given = getattr(value, field.name)
        if field.default is MISSING and field.default_factory is MISSING:
            parts.append(written(given))
        elif given != _default(field):
            parts.append(f"{field.name}={written(given)}")
    return f"{type(value).__name__}({', '.join(parts)})"


def _default(field: Field[Any]) -> Any:
    return field.default if field.default_factory is MISSING else field.default_factory()


def _imports(body: str) -> str:
    """The import lines of what a program names."""
    used = {node.id for node in ast.walk(ast.parse(body)) if isinstance(node, ast.Name)}
    by_module = defaultdict(list)
    for name in sorted(used & set(MODULES), key=lambda name: (name.lower(), name)):
        by_module[MODULES[name]].append(name)
    lines = [f"from {module} import {', '.join(by_module[module])}" for module in sorted(by_module)]
    first = [line for line in lines if "engine" not in line]
    lines = [line for line in lines if "engine" in line]
    first += ["import numpy as np"] if "np" in used else []
    return "\n".join([*first, *lines])
