"""Which tests ask both engines, and which are of one alone, each with its reason."""

from __future__ import annotations

import ast
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
FOLDERS = ("engine", "views")
OTHER_MODELS = "models made for the test, in a folder that no replica has"
INSIDE = "reaches into what computes: what is open, kept or run at what moment"
LOCAL: dict[str, str] = {
    "engine/test_blocks.py": INSIDE,  # those of its tests that count opened parts
    "engine/test_changes.py": OTHER_MODELS,
    "engine/test_classes.py": "asks for what a class is told, of its own process's rooms",
    "engine/test_grading.py": "",
    "engine/test_guessing.py": "",
    "engine/test_highlights.py": "",
    "engine/test_installing.py": "packages that are missing in this process",
    "engine/test_lessons.py": "",
    "engine/test_limits.py": "limits that are set in this process",
    "engine/test_measured_samples.py": OTHER_MODELS,
    "engine/test_moments.py": OTHER_MODELS,
    "engine/test_next_sentence.py": OTHER_MODELS,
    "engine/test_objectives.py": OTHER_MODELS,  # those of its tests that compare with PyTorch
    "engine/test_offers.py": "",
    "engine/test_patching.py": INSIDE,  # its job that is stopped after a layer
    "engine/test_predecessors.py": OTHER_MODELS,
    "engine/test_preference.py": INSIDE,  # what the host's limits, set in this process, refuse
    "engine/test_prompting.py": INSIDE,  # the same, and the size of a batch
    "engine/test_reading_apart.py": OTHER_MODELS,  # and their processes
    "engine/test_routing.py": OTHER_MODELS,
    "engine/test_timing.py": INSIDE,
    "engine/test_tuning_jobs.py": "trainings are a front's own (`questions.HERE`)",
    "engine/test_windows.py": OTHER_MODELS,
    "engine/truths/raw.py": "truths are computed from raw values of one engine, answers of both",
    "views/test_changed_models.py": "asks for tokens to draw, nothing else",
}
"""Files that ask `engine.api.local()`, and why; "" where it is the default of `ENGINE` alone."""


def imports(path: Path) -> set[str]:
    """What a file has of `engine.api`: `local`, `Local`, `Reading`."""
    nodes = ast.walk(ast.parse(path.read_text()))
    return {
        name.name
        for one in nodes
        if isinstance(one, ast.ImportFrom) and one.module == "engine.api"
        for name in one.names
    }


def asked(path: Path) -> list[str]:
    """Tests of a file that are given each engine in its turn."""
    return [
        one.name
        for one in ast.walk(ast.parse(path.read_text()))
        if isinstance(one, ast.FunctionDef) and one.name.startswith("test_")
        and ("engine" in {argument.arg for argument in one.args.args}
             or any(ast.unparse(mark) == "pytest.mark.usefixtures('asks')"
                    for mark in one.decorator_list))
    ]  # fmt: skip


FILES = {
    str(path.relative_to(TESTS)): path
    for folder in FOLDERS
    for path in sorted((TESTS / folder).rglob("*.py"))
}


def test_whoever_asks_one_engine_alone_says_why() -> None:
    alone = {name for name, path in FILES.items() if imports(path) & {"local", "Local"}}
    assert alone == set(LOCAL)


def test_where_no_reason_is_given_both_are_asked() -> None:
    for name, why in LOCAL.items():
        assert why or asked(FILES[name]), name


def test_most_of_what_an_engine_promises_is_asked_of_both() -> None:
    both = [test for name, path in FILES.items() for test in asked(path)
            if name != "engine/test_measured_samples.py"]  # fmt: skip
    assert len(both) >= 75
