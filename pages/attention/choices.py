"""What the controls of a map say, and what each choice means to the engine.

In: the values of the controls, by key. Out: a `Treatment`, a colour scale, what is darkest. Of each
table the first entry is what holds before anybody chooses. Knows no page and draws nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, TypeVar, get_args

from engine.attention.maps import Hidden, Pair, Per, Quantity, Scene, Together, Treatment
from pages.pictures.matrix import Scale

T = TypeVar("T")
TREATED = ("Map", "Lines", "Text", "Compare")
"""The views that show treated weights; the others show them as they are."""
MAPPED = ("Map", "Compare")
"""Those of them that may be coloured by row or column."""
THIN = 30  # percent of each row's weight that lines leave out at first
TOGETHER: dict[str, Together] = {
    "This head": "one",
    "Mean": "mean",
    "Largest": "max",
    "Rollout": "rollout",
}
HIDE: dict[str, Hidden] = {
    "Nothing": "nothing",
    "First": "first",
    "Special": "special",
    "Punctuation": "marks",
}
PER: dict[str, Per] = {"Map": "map", "Row": "row", "Column": "column"}
SCALES: dict[str, Scale] = {"Linear": "linear", "Root": "sqrt", "Log": "log"}
PAIRS: tuple[Pair, ...] = get_args(Pair)


def treated(scene: Scene, view: str, values: Mapping[Any, Any]) -> Scene:
    """The scene with the treatment that the controls ask for, where the view shows one."""
    if view not in TREATED:
        return scene
    return replace(
        scene,
        treatment=_treatment(scene, values, lined=view == "Lines"),
        scale=_chosen(values, "scale", SCALES),
        per=_chosen(values, "per", PER) if view in MAPPED else "map",
    )


def _treatment(scene: Scene, values: Mapping[Any, Any], *, lined: bool) -> Treatment:
    quantity: Quantity = "value" if values.get("value") else "weight"
    together = _chosen(values, "together", TOGETHER)
    dropped = values.get("thin" if lined else "drop")
    several = values.get("several") or []
    return Treatment(
        together="one" if together == "rollout" and scene.kind == "cross" else together,
        hidden=_chosen(values, "hide", HIDE),
        quantity=quantity,
        whole_words=bool(values.get("words")),
        mass=1 - int(dropped if dropped is not None else THIN * lined) / 100,
        several=tuple((int(a) - 1, int(b) - 1) for a, b in (name.split(".") for name in several)),
        until=0 if scene.kind == "encoder" else int(values.get("upto") or 0),
        pair="all" if scene.reading.second is None else values.get("pair", "all"),
    )


def _chosen(values: Mapping[Any, Any], key: str, options: Mapping[str, T]) -> T:
    return options[str(values.get(key) or next(iter(options)))]
