"""The lines beside every picture are run, and give the numbers of that picture's CSV file."""

from __future__ import annotations

import inspect
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from engine.api import Line, MapOptions, Reading, Sampling, Scene, Search, Task, local
from engine.settings import settings
from engine.tokenizers import reader_pool
from pages.pictures.recipe import recipe, written
from pages.pictures.svg import visible
from pages.shell import share
from pages.shell.share import json_file
from pages.shell.views import View
from tests.engine.checkpoints import Bundles
from tests.engine.plain import write_bundle
from tests.engine.predecessors_made import made_predecessors
from tests.pages.conftest import Open, components, crash, unfolded
from tests.pages.test_embeddings import rotary

ROOT = Path(__file__).resolve().parents[2]
PAGES = {
    "Home": "home",
    "1_Tokenization": "tokenization",
    "2_Embeddings": "embeddings",
    "3_Attention": "attention",
    "4_Translation": "translation",
    "5_Decoding": "decoding",
    "6_Prompting": "prompting",
    "7_Training": "training",
    "8_Models": "models",
}
TIMES = {"milliseconds"}  # how long it took is not computed again
DIGITS = {
    "bm25": 4,
    **dict.fromkeys("xyz", 5),
    "percent": 3,
    "cosine": 4,
    "degrees": 2,
    "distance": 4,
    "characters per token": 2,
    "sum_log_probability": 3,
    "perplexity": 3,
}
"""Columns of which a file writes so many digits."""
BIT = 'The bear saw a fox. It ran, and "so" it\'s ${gone}\\n \u202e{x} <b>.'
FOX = "Once upon a time there was a fox."
MASKED = "The [MASK] saw a bird because it was hungry."
FRENCH = "Le chat dort sur la table."
SENTENCES = "She sat on the bank.\nThey went to the bank of the river."


@dataclass(frozen=True)
class Case:
    """A page opened by a link, and the menus that stand on it: their names and templates."""

    page: str
    view: str
    menus: Mapping[str, str]
    address: Mapping[str, Any] = field(default_factory=dict)
    key: str = "view"

    @property
    def link(self) -> dict[str, Any]:
        named = {} if self.page == "Home" or self.view == "Fill mask" else {self.key: self.view}
        return {**named, **self.address}


HEADS = {"heads": "all_heads"}
MAP = {"attention": "head_map"} | HEADS
BLOCK = {"updates": "updates", "block": "block", "units": "units", "firing": "firing"}
STREAM = {"towers": "towers", "norms": "norms"} | HEADS
LENS = {"lens": "lens", "best": "top_tokens", "commitment": "commitment"}
LAYERS = STREAM | LENS | BLOCK
ORDERS = {"orders": "orders", "changes": "changed"} | HEADS
SAMPLED = {
    f"{menu}-{name}": made
    for menu, made in (("running-total", "running_total"), ("temperatures", "temperatures"))
    for name in ("sharp", "flat")
}
SEEING = {"surprise": "surprise", "whatif-made": "head_map", "whatif-seeing": "head_map"} | HEADS
TOKEN = {"next-token": "next_token"}
STEP = {"towers": "representation", "beam-tree": "beam_tree"}
WRITTEN = {"translation": "written", "softmax": "candidates"} | STEP
GPT, BERT, MT = {"model": "tales-gpt"}, {"model": "tales-bert"}, {"model": "fr-en", "text": FRENCH}
ALONE = {
    "predecessors-next": "predecessors_next",
    "predecessors-influence": "predecessors_influence",
    "predecessors-figures": "predecessors_figures",
}
CLOCK = {
    "timing-reading": "reading_times",
    "timing-cache": "cache_times",
    "timing-bytes": "cache_bytes",
}
NEARBY = {"map": "through_layers", "drift": "drift", "neighbors": "crowd_neighbors"}
PREFERRED = {"preference-distribution": "distribution", "preference-curve": "curve"}
FEW = {"drawn": "16", "draw_length": "8", "best_of": "4", "draw_seed": "5"}
MOMENTS = (
    *(f"moments_{part}" for part in ("written", "attention", "places", "surprise")),
    "training_curve",
)
SOURCES = {"heads-on-answers": "heads", "attention-to-examples": "sources"}
TOLD = {"targets": "example_losses", "targets-candidates": "example_candidates"}
TUNED = {
    "tuned-texts": "tuned_texts",
    "tuned-bits": "tuned_bits",
    "tuned-curve": "tuned_curve",
    "tuned-change": "tuned_change",
}
PLACES = {"positions": "position_map", "neighbors": "position_neighbors",
          "alike": "position_cosines"}  # fmt: skip


def attention(view: str, menus: Mapping[str, str], **address: Any) -> Case:
    return Case("3_Attention", view, menus, address)


def translation(view: str, menus: Mapping[str, str], **address: Any) -> Case:
    return Case("4_Translation", view, menus, MT | address, "show")


def prompting(view: str, menus: Mapping[str, str], **address: Any) -> Case:
    return Case("6_Prompting", view, menus | {"prompt": "window"}, GPT | address)


def training(view: str, menus: Mapping[str, str], **address: Any) -> Case:
    return Case("7_Training", view, menus, address)


def decoding(view: str, menus: Mapping[str, str], **address: Any) -> Case:
    return Case("5_Decoding", view, menus, address)


CASES = [
    Case("Home", "Path", {"path": "whole_path"}, GPT | {"text": FOX}),
    Case("Home", "Path", {"path": "whole_path"}, BERT | {"text": FOX * 2}),
    Case("Home", "Path", {"path": "whole_path"}, MT),
    Case("1_Tokenization", "Tokens", {"tokens": "tokens"}, GPT | {"text": BIT}),
    Case(
        "1_Tokenization", "Tokens", {"tokens": "tokens"}, BERT | {"text": MASKED, "names": "false"}
    ),
    Case("1_Tokenization", "Step by step", {"steps": "steps"}, GPT | {"text": BIT}),
    Case("1_Tokenization", "Step by step", {"steps": "steps"}, BERT | {"text": "unbelievable"}),
    Case("1_Tokenization", "Step by step", {"steps": "steps"}, MT),
    Case(
        "1_Tokenization",
        "Compare tokenizers",
        {"tokenizers": "several", "languages": "languages"},
        GPT | {"text": BIT},
    ),  # fmt: skip
    Case(
        "1_Tokenization",
        "Vocabulary",
        {"vocabulary": "vocabulary"},
        MT | {"search": "la", "order": "Score", "falling": "true"},
    ),  # fmt: skip
    Case("1_Tokenization", "Vocabulary", {"vocabulary": "vocabulary"}, GPT),
    Case("1_Tokenization", "Wrong tokenizer", {"foreign": "foreign"}, GPT | {"text": FOX}),
    Case("1_Tokenization", "Wrong tokenizer", {"foreign": "foreign"}, BERT | {"text": FOX}),
    Case("1_Tokenization", "Wrong tokenizer", {"foreign": "foreign"}, MT | {"maker": "tales-bert"}),
    Case(
        "1_Tokenization",
        "Token + position embeddings",
        {"vectors": "embedding"},
        GPT | {"text": FOX, "token": "t3"},
    ),  # fmt: skip
    Case("1_Tokenization", "Token + position embeddings", {"vectors": "embedding"}, MT),
    Case(
        "2_Embeddings",
        "Through the layers",
        NEARBY,
        GPT | {"text": BIT, "others": SENTENCES, "token": "t3", "after": "2"},
    ),  # fmt: skip
    Case(
        "2_Embeddings",
        "Through the layers",
        {"map": "through_layers", "drift": "drift"},
        BERT | {"text": "The fox ran.", "basis": "This layer", "normalize": "false"},
    ),  # fmt: skip
    Case(
        "2_Embeddings",
        "Vocabulary",
        {"map": "vocabulary_map", "variance": "variance"},
        GPT | {"text": FOX, "after": "3"},
    ),  # fmt: skip
    Case(
        "2_Embeddings",
        "Vocabulary",
        {"map": "vocabulary_map", "variance": "variance", "neighbors": "vocabulary_neighbors"},
        BERT | {"text": FOX, "layout": "UMAP", "point": "t3", "after": "1"},
    ),  # fmt: skip
    Case(
        "2_Embeddings",
        "Vocabulary",
        {"map": "vocabulary_map", "variance": "variance", "neighbors": "vocabulary_neighbors"},
        GPT
        | {
            "text": FOX,
            "layout": "Custom axis",
            "minus": "boy",
            "plus": "girl",
            "point": "v300",
            "near": "Euclidean",
        },
    ),  # fmt: skip
    Case("2_Embeddings", "Positions", PLACES, BERT | {"text": FOX, "position": "p4"}),
    Case("2_Embeddings", "Analogies", {"analogy": "analogy"}, GPT | {"text": FOX}),
    Case("2_Embeddings", "Search", {"search-ranks": "search"}, BERT | {"without": "pharmacy"}),
    attention(
        "Map", MAP | {"links": "word_links"}, **GPT, text=BIT, layer="3", head="2", spot="q4 k1"
    ),  # fmt: skip
    attention(
        "Map",
        MAP,
        **GPT,
        text=FOX,
        layer="3",
        words="true",
        hide="First",
        threshold="20",
        write="4",
        upto="8",
    ),  # fmt: skip
    attention("Map", MAP, **BERT, text=FOX, second="It ran away.", pair="A to B", value="true"),
    attention("Map", MAP, **BERT, text=FOX, together="Rollout", layer="3"),
    attention("Map", MAP, **GPT, text=FOX, together="Mean", several=["1.2", "3.4"]),
    attention("Map", MAP, **MT, kind="cross", layer="2"),
    attention("Lines", {"lines": "head_map"} | HEADS, **GPT, text=FOX),
    attention("Text", {"text": "head_map"} | HEADS, **MT, kind="decoder"),
    attention("Inside", {"inside": "inside"} | HEADS, **BERT, text=FOX, layer="2", head="3"),
    attention("Inside", {"inside": "inside"} | HEADS, **MT, kind="cross"),
    attention("What if", {"changes": "ablation"} | HEADS, **GPT, text=FOX, off=["1.2", "3.1"]),
    attention("What if", {"changes": "ablation"} | HEADS, **BERT, text=MASKED, off=["2.2"]),
    attention("What if", {"changes": "ablation"} | HEADS, **MT, kind="cross", off=["1.1"]),
    attention("What if", ORDERS, **BERT, text=MASKED, change="Positions shuffled", reorder="3"),
    attention("What if", ORDERS, **MT, change="Positions off"),
    attention("What if", SEEING, **GPT, text=FOX, change="Mask off"),
    attention(
        "Layers",
        LAYERS | {"followed": "token_ranks"},
        **GPT,
        text=BIT,
        follow="king, boat, unbelievable",
        spot="q3",
        layer="2",
        head="4",
        unit="17",
    ),  # fmt: skip
    attention("Layers", LAYERS, **MT, kind="decoder", layer="2", head="5"),
    attention("Layers", LAYERS, **BERT, text=MASKED, layer="3"),
    attention("Layers", STREAM | BLOCK, **MT, kind="encoder"),
    attention(
        "Compare",
        {"compare-first": "head_map", "compare-second": "head_map", "difference": "difference"}
        | HEADS,
        **GPT,
        text=FOX,
        other="Once upon a time there was a wolf.",
    ),  # fmt: skip
    attention(
        "Compare",
        {"compare-first": "head_map", "compare-second": "head_map", "difference": "difference"}
        | HEADS,
        **{"model": "tales-gpt", "text": FOX, "kind": "decoder", "with": "fr-en"},
    ),  # fmt: skip
    *(translation("Step by step", {f"step-{n}": "step"} | STEP, step=str(n)) for n in range(1, 7)),
    translation("Step by step", WRITTEN, step="9", cross_layer="layer 2", no_end="true"),
    translation(
        "Step by step",
        WRITTEN,
        search="Beam search",
        beams="3",
        place="2",
        begin="A",
        cross_head="head 3",
    ),  # fmt: skip
    translation(
        "Alignment", {"alignment": "aligned"}, cross_layer="layer 1", cross_head="head 2"
    ),  # fmt: skip
    translation("Alignment", {"alignment": "aligned"}, whole_words="true", no_end="true"),
    translation(
        "Compare",
        {"compared": "compared"},
        against=["greedy"],
        instead="Le chien dort.",
        reference="The cat is sleeping on the table.",
    ),  # fmt: skip
    decoding(
        "Columns",
        {"columns": "columns", "layers": "lens", "branches": "branches"} | TOKEN,
        **GPT,
        text=BIT,
        length="8",
        c1="greedy",
        c2="greedy @2=300",
        c3="temperature 0.8, top-p 0.9",
        c4="beam 2",
        at="c3 t4",
        lens="true",
    ),  # fmt: skip
    decoding(
        "Columns",
        {"columns": "columns", "layers": "lens"} | TOKEN,
        **MT,
        length="6",
        c1="greedy",
        c2="top-k 3",
        lens="true",
    ),  # fmt: skip
    decoding(
        "Many runs",
        {"runs": "runs", "first-tokens": "first_tokens"} | TOKEN,
        **GPT,
        text=FOX,
        runs="12",
        length="5",
        c1="temperature 0.9, top-k 12",
        seed="7",
    ),  # fmt: skip
    decoding("Sampling", SAMPLED, **GPT, text=BIT, p="0.7", heat="1.3"),
    decoding("Sampling", SAMPLED, **MT, k="7", flat="2"),
    decoding("All at once", {"timing-bytes": "cache_bytes"}, **GPT, text=FOX, timed="64"),
    decoding("Fill mask", {"layers": "lens"} | TOKEN, **BERT, text=MASKED, lens="true"),
    prompting("Columns", {"prompting-columns": "columns"}),
    prompting("Answers", {"answers": "answers", "prompting-curve": "curve"}, orders="true"),
    prompting("Attention", SOURCES, head="6.6"),
    training("Targets", {"targets": "example_seen"}, **GPT, hidden="4"),
    training("Targets", TOLD, **GPT, reveal="true", hidden="4", guess="crow"),
    training("Targets", TOLD, **BERT, reveal="true", train_seed="7"),
    training("Targets", TOLD, **MT, reveal="true", target="The cat is asleep."),
    training("Tuning", TUNED, **GPT, text=FOX, adapter="verse", tune_prompt="The sly fox"),
    training("Tuning", TUNED, **GPT, text=FOX, adapter="verse", draws="7", matrix="h.3.mlp.c_fc"),
    training("Train one yourself", {"own-size": "own_size"}, **GPT, own_layers="3"),
    training("Preference", PREFERRED | {"preference-judge": "verdicts"}, **GPT, **FEW),
    training(
        "Preference",
        PREFERRED | {"preference-learning": "learning"},
        **GPT,
        **FEW,
        text=BIT,
        reward="Learned from your choices",
        choices="abxb",
        second="variety",
    ),  # fmt: skip
    Case("8_Models", "Timeline", {"timeline": "timeline"}),
    Case(
        "8_Models",
        "Timeline",
        {"timeline": "timeline"},
        {"up": "training compute", "weights": "open", "maker": "Meta AI", "find": "llama"},
    ),
    Case("8_Models", "Family tree", {"family-tree": "family_tree"}),
    Case("8_Models", "Figures", {"figures": "figures"}),
    Case("8_Models", "Costs", {"memory": "memory_by_part"}),
    Case(
        "8_Models",
        "Costs",
        {"memory": "memory_by_part"},
        {"base": "fr-en", "purpose": "train an adapter", "adapted": "all matrices"},
    ),
    Case("8_Models", "Loss", {"loss": "loss"}, {"law": "Kaplan", "real": "false"}),
    Case("8_Models", "Shape", {"shape": "shape"}, {"start": "Mistral 7B", "layers": "5"}),
    Case("8_Models", "Life cycle", {"lifecycle": "lifecycle"}),
]
"""Each view of each page, with the models of each family that it shows."""
HAND_MADE = [
    Case("2_Embeddings", "Positions", PLACES | {"angles": "angles"}, {"position": "p3"}),
    Case("1_Tokenization", "Chat template", {"conversation": "conversation"}, {"say1": "Hi <b>!"}),
    Case(
        "5_Decoding",
        "Before transformers",
        ALONE
        | {"predecessors-states": "predecessors_states"}
        | {"predecessors-windows": "predecessors_windows"},
        GPT | {"text": FOX},
    ),
    decoding("Before transformers", ALONE, **GPT, text=FOX, context="4", seed="3"),
    decoding("All at once", CLOCK, **GPT, text=FOX, timed="16"),
    Case("6_Prompting", "Chat", {"chat": "conversation"}),
    Case("6_Prompting", "Accuracy", {"accuracy": "graded"}),
    attention("Layers", STREAM | LENS | {"experts": "experts"}, text=FOX),
    attention("Patching", {"patching": "patching"}),
    Case("Home", "Compare precisions", {"precisions": "precisions"}, {"text": FOX}),
    Case("8_Models", "Order by size", {"order-by-size": "order"}, {"six": "3"}),
    Case("7_Training", "Moments", dict(zip(MOMENTS, MOMENTS, strict=True))),
]
"""Views of models that do not come with the app."""


def page_of(name: str) -> ModuleType:
    return import_module(f"pages.{PAGES[name]}.page")


def view_of(case: Case) -> View:
    return next(one for one in page_of(case.page).VIEWS if one.name == case.view)


@dataclass(frozen=True)
class Menu:
    """What one menu was given: its template's name, its lines, the table of its file."""

    made_by: Callable[..., str]
    lines: str
    table: dict[str, list[Any]] | None


@pytest.fixture
def menus(monkeypatch: pytest.MonkeyPatch) -> dict[str, Menu]:
    """Every menu that a page draws, by name, as it is drawn last."""
    found: dict[str, Menu] = {}
    drawn = share.share_menu

    def told(name: str, **given: Any) -> None:
        python, data = given["python"], given.get("data")
        table: Any = data() if callable(data) else data
        kept = None if table is None else json.loads(json_file(table))
        found[name] = Menu(python.func, python(), kept)
        drawn(name, **given)

    for page in PAGES.values():
        import_module(f"pages.{page}.page")
    for module in list(sys.modules.values()):
        if getattr(module, "__name__", "").startswith("pages.") and hasattr(module, "share_menu"):
            monkeypatch.setattr(module, "share_menu", told)
    return found


def run(lines: str) -> dict[str, Any]:
    """What the names of a program stand for, run with nothing but what it imports."""
    names: dict[str, Any] = {}
    exec(compile(lines, "copied", "exec"), names)
    return names


def computed(lines: str) -> dict[str, Any]:
    """The table that a program binds."""
    return run(lines)["table"]


def numeric(column: list[Any]) -> bool:
    return all(one is None or isinstance(one, bool | int | float) for one in column) and any(
        one is not None for one in column
    )


def equal(own: Any, file: list[Any], name: str = "") -> bool:
    """Whether a column says what the file says; of some the file writes fewer digits."""
    if not numeric(file):
        return all(
            str(one) == str(other) or visible(str(one), limit=24) == other
            for one, other in zip(own, file, strict=True)
        )
    mine, theirs = (np.array(one, dtype=np.float64) for one in (own, file))
    if mine.shape != theirs.shape:
        return False
    if np.array_equal(mine, theirs, equal_nan=True):
        return True
    if name not in DIGITS:
        return False
    exact = own if isinstance(own, np.ndarray) else mine
    rounded = np.round(exact, DIGITS[name]).astype(np.float64)
    return np.array_equal(rounded, theirs, equal_nan=True)


def check(lines: str, file: dict[str, list[Any]]) -> None:
    """Compare every number of the file with those that the lines compute."""
    table = computed(lines)
    blocks = [np.asarray(one) for one in table.values() if getattr(one, "ndim", 1) == 2]
    columns = {k: one for k, one in table.items() if getattr(one, "ndim", 1) != 2}
    assert set(columns) <= set(file), set(columns) - set(file)
    for name, own in columns.items():
        assert equal(own, file[name], name), (name, list(own)[:5], file[name][:5])
    rest = [one for k, one in file.items() if k not in columns and k not in TIMES and numeric(one)]
    given = [block[:, place] for block in blocks for place in range(block.shape[1])]
    assert len(given) == len(rest), (sorted(columns), list(file)[:30])
    for own, other in zip(given, rest, strict=True):
        assert equal(own, other), (own[:5], other[:5])


def writing(app: AppTest) -> bool:
    """Whether the page says that a text is not whole yet."""
    said = str(app.main)
    captions = any(one.value.startswith("Generating") for one in app.caption)
    return captions or "Generating" in said or "Writing …" in said


def opened(open_page: Open, case: Case, menus: dict[str, Menu]) -> AppTest:
    app = open_page(case.page, **case.link)
    end = time.monotonic() + 120  # what is written comes when the machine has time for it
    while (writing(app) or not set(case.menus) <= set(menus)) and time.monotonic() < end:
        time.sleep(0.05)
        app.run()
    assert not crash(app) and not app.error, [one.value for one in app.error]
    return app


@pytest.mark.parametrize("case", CASES, ids=lambda one: f"{one.page}-{one.view}")
def test_the_lines_of_a_picture_compute_its_numbers(
    case: Case, open_page: Open, menus: dict[str, Menu]
) -> None:
    opened(open_page, case, menus)
    assert {name: menu.made_by.__name__ for name, menu in menus.items()} == dict(case.menus)
    view = view_of(case)
    for name, menu in menus.items():
        assert menu.made_by in view.recipes, name
        assert menu.table is not None, name
        check(menu.lines, menu.table)


def test_the_lines_of_models_made_by_hand(
    open_page: Open, models: Path, menus: dict[str, Menu]
) -> None:
    rotary(models, [10_000 ** -(k / 8) for k in range(8)])
    case = HAND_MADE[0]
    opened(open_page, Case(case.page, case.view, case.menus, {**case.address, "model": "turner"}),
           menus)  # fmt: skip
    assert {name: menu.made_by.__name__ for name, menu in menus.items()} == dict(case.menus)
    for menu in menus.values():
        check(menu.lines, menu.table or {})


PARTS = {"Text": "written", "Attention": "attention", "Embeddings": "places"}


@pytest.mark.parametrize("part", [*PARTS, "Surprise"])
def test_the_lines_of_the_moments_of_a_training(
    open_page: Open, moments: Path, menus: dict[str, Menu], part: str
) -> None:
    more = {"words": "king queen fox said girl", "moment": "40"}
    case = Case("7_Training", "Moments", {}, {"part": part, "text": FOX} | more)
    opened(open_page, case, menus)
    recipes = page_of(case.page).recipes
    wanted = getattr(recipes, f"moments_{PARTS.get(part, 'surprise')}")
    assert [menu.made_by for menu in menus.values()] == [wanted, recipes.training_curve]
    assert {menu.made_by for menu in menus.values()} <= set(view_of(case).recipes)
    for menu in menus.values():
        check(menu.lines, menu.table or {})


@pytest.mark.timeout(900)
def test_the_lines_of_a_mixture(
    open_page: Open, models: Path, bundles: Bundles, menus: dict[str, Menu]
) -> None:
    (models / "mixtral").symlink_to(bundles("mixtral"), target_is_directory=True)
    settings.cache_clear()
    open_page("3_Attention", view="Layers", model="mixtral", text=FOX)
    menu = menus["experts"]
    assert menu.made_by.__name__ == "experts" and menu.table is not None
    check(menu.lines, menu.table)


@pytest.mark.parametrize("made", [True, False])
def test_the_lines_of_predecessors(
    open_page: Open, no_predecessors: None, models: Path, menus: dict[str, Menu], made: bool
) -> None:
    if made:
        made_predecessors(models)
    both = [one for one in HAND_MADE if one.view == "Before transformers"]
    case = both[0] if made else both[1]
    opened(open_page, case, menus)
    assert {name: menu.made_by.__name__ for name, menu in menus.items()} == dict(case.menus)
    for menu in menus.values():
        check(menu.lines, menu.table or {})


def test_the_lines_of_what_is_measured(open_page: Open, menus: dict[str, Menu]) -> None:
    case = next(one for one in HAND_MADE if one.view == "All at once")
    local().timings("tales-gpt", 16)
    opened(open_page, case, menus)
    assert {name: menu.made_by.__name__ for name, menu in menus.items()} == dict(case.menus)
    for menu in menus.values():
        check(menu.lines, menu.table or {})


def test_the_lines_of_a_grading(open_page: Open, menus: dict[str, Menu]) -> None:
    app = open_page("6_Prompting", view="Accuracy", model="tales-gpt", items="12")
    app.button(key="accuracy-begin").click().run()
    while not app.button(key="accuracy-stop").disabled:
        app.run()
    assert not crash(app) and menus["accuracy"].made_by.__name__ == "graded"
    check(menus["accuracy"].lines, menus["accuracy"].table or {})


@pytest.mark.parametrize("restore", ["Residual stream", "Attention output", "Feed-forward output"])
def test_the_lines_of_a_patching(open_page: Open, menus: dict[str, Menu], restore: str) -> None:
    texts = {"text": "The girl went to bed, for", "corrupted": "The man went to bed, for"}
    app = open_page("3_Attention", view="Patching", restore=restore, **GPT, **texts)
    while "patching" not in menus:
        app.run()
    assert not crash(app) and menus["patching"].made_by.__name__ == "patching"
    check(menus["patching"].lines, menus["patching"].table or {})


def test_the_lines_of_an_order(open_page: Open, menus: dict[str, Menu]) -> None:
    app = open_page("8_Models", view="Order by size", six="3")
    assert not menus  # no number before one has guessed
    app.button(key="order-check").click().run()
    assert not crash(app) and menus["order-by-size"].made_by.__name__ == "order"
    check(menus["order-by-size"].lines, menus["order-by-size"].table or {})


def test_the_lines_of_a_conversation(open_page: Open, models: Path, menus: dict[str, Menu]) -> None:
    folder = models / "talker"
    shutil.copytree(ROOT / "assets" / "models" / "tales-gpt", folder)
    card = json.loads((folder / "card.json").read_text())
    template = "{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}assistant:"
    (folder / "card.json").write_text(json.dumps(card | {"template": template}))
    settings.cache_clear()
    app = open_page("6_Prompting", view="Chat", model="talker", text=FOX, length="12")
    end = time.monotonic() + 120
    while "…" in str(app.chat_message[-1]) or ("chat" not in menus and time.monotonic() < end):
        time.sleep(0.05)
        app.run()
    assert not crash(app) and menus["chat"].made_by.__name__ == "conversation"
    table = menus["chat"].table or {}
    assert table["role"][-1] == "assistant" and len(table["text"][-1]) > 5
    check(menus["chat"].lines, table)


@pytest.mark.usefixtures("two_precisions")
def test_the_lines_of_two_precisions(open_page: Open, menus: dict[str, Menu]) -> None:
    app = open_page("Home", text=FOX)
    app.session_state["precision"] = True
    app.run()
    assert not crash(app)
    menu = menus["precisions"]
    assert menu.made_by.__name__ == "precisions" and menu.table is not None
    check(menu.lines, menu.table)


def test_lines_of_words_with_percents_compute_the_probabilities(
    open_page: Open, menus: dict[str, Menu]
) -> None:
    """A table of "fox 12 %" has no column of numbers: its lines bind words and probabilities."""
    open_page("3_Attention", view="Layers", model="tales-gpt", text=FOX, spot="q3")
    lens, found = menus["lens"].table, run(menus["best"].lines)
    assert lens is not None
    here = [row for row, place in enumerate(lens["position"]) if place == 4]
    assert found["probabilities"].ravel().tolist() == [lens["probability"][row] for row in here]
    words = [word for row in found["words"] for word in row]
    assert words == [lens["predicted"][row] for row in here]


def test_the_steps_of_a_word_end_with_its_tokens(open_page: Open, menus: dict[str, Menu]) -> None:
    open_page("1_Tokenization", view="Step by step", model="tales-bert", text="unbelievable")
    walk = run(menus["steps"].lines)["walk"]
    own = local().tokenized("tales-bert", "unbelievable")
    assert list(walk.pieces) == [p for p, mark in zip(own.pieces, own.special, strict=True)
                                 if not mark]  # fmt: skip


def _module(file: Path) -> str:
    return ".".join(file.relative_to(ROOT).with_suffix("").parts)


def test_every_view_has_templates_and_every_template_a_case() -> None:
    listed: dict[str, set[str]] = {}
    for page in PAGES:
        module = page_of(page)
        for view in module.VIEWS:
            assert bool(view.recipes) == bool(view.pictures), f"{page}, {view.name}"
            for made_by in view.recipes:
                listed.setdefault(page, set()).add(made_by.__name__)
        folder = ROOT / "pages" / PAGES[page]
        files = sorted([*folder.rglob("recipes.py"), *folder.rglob("*_recipes.py")])
        public = {
            name
            for made in (import_module(_module(file)) for file in files)
            for name, one in inspect.getmembers(made, inspect.isfunction)
            if one.__module__ == made.__name__ and not name.startswith("_")
        }
        cases = [one for one in (*CASES, *HAND_MADE) if one.page == page]
        run = {name for one in cases for name in one.menus.values()}
        assert listed[page] == run, page
        # `step` is made of two others.
        assert public - {"source", "vectors"} == run, page
        assert {one.view for one in cases} == {v.name for v in module.VIEWS if v.pictures}, page


def test_a_check_that_finds_another_number_fails() -> None:
    lines = 'table = {"layer": [1, 2], "weight": [0.25, 0.5]}'
    check(lines, {"layer": [1, 2], "weight": [0.25, 0.5]})
    for file in (
        {"layer": [1, 2], "weight": [0.25, 0.5000001]},
        {"layer": [1, 2], "weight": [0.25, 0.5], "more": [1.0, 2.0]},
        {"layer": [1, 2]},
        {"layer": [1, 3], "weight": [0.25, 0.5]},
    ):
        with pytest.raises(AssertionError):
            check(lines, file)


def test_the_menu_shows_the_lines_when_they_are_asked_for(
    open_page: Open, menus: dict[str, Menu]
) -> None:
    app = open_page("4_Translation", model="fr-en", text=FRENCH, show="Alignment")
    assert components(app, "atlas_field") == []
    app = unfolded(app, "share-alignment", "share-alignment-python")
    assert not crash(app)
    (shown,) = components(app, "atlas_field")
    assert shown["text"] == menus["alignment"].lines


def test_lines_run_in_a_fresh_process_in_the_app_s_folder(
    open_page: Open, menus: dict[str, Menu]
) -> None:
    open_page("3_Attention", view="Map", model="tales-gpt", text=BIT)
    menu = menus["attention"]
    done = subprocess.run(
        [sys.executable, "-c", menu.lines + '\nprint(float(table["weight"].sum()))'],
        cwd=ROOT, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert menu.table is not None and done.returncode == 0, done.stderr
    assert float(done.stdout) == pytest.approx(sum(menu.table["weight"]), rel=1e-6)


HOSTILE = (
    "'", '"', "'''", '"""', "\\", "\n", "\r\n", "\0", "\u2028", "\u202e", "\ud800", "$reading",
    "{x}", "${x}", "$", "'); import os; os._exit(3) #", '""" + exit() + """', "\\'); exit() #",
    "# -*- coding: rot13 -*-", "𝕏" * 3,
)  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE)
def test_a_hostile_text_stays_a_literal(text: str) -> None:
    reading = Reading(text, text, second=text)
    lines = recipe('engine = local()\ntable = {"text": $reading, "again": $text}',
                   reading=reading, text=text)  # fmt: skip
    assert computed(lines) == {"text": reading, "again": text}
    assert lines.isprintable() or set(lines) - set(written(text)) <= set(lines) - {"\0"}
    assert all(one.isprintable() or one == "\n" for one in lines)


def test_values_are_written_so_that_they_come_back() -> None:
    kept = (
        Scene(Reading("m", "a'b", target=(1,), off=(("cross", 1, 2),)), "cross", 2, 3,
              MapOptions(mass=0.7, several=((0, 1),))),
        Task("m", (1, 2), seed=3, stops=("\n",)),
        Line(Sampling(temperature=0.7, top_k=5), run=2, forced=((1, 5),)),
        Search(4, 0.5, "never", 9),
        {"a": [1, 2.5, None, True]},
        np.float32(0.1),
    )  # fmt: skip
    found = computed(recipe("table = $kept\nused = Scene, Task, Line, Search", kept=kept))
    assert found == kept


def test_chat_lines(open_page: Open, models: Path, menus: dict[str, Menu]) -> None:
    write_bundle(models / "chatty")
    path = models / "chatty" / "card.json"
    card = json.loads(path.read_text(encoding="utf-8"))
    template = "{% for m in messages %}<{{ m.role }}>{{ m.content }}{% endfor %}"
    path.write_text(json.dumps(card | {"template": template}), encoding="utf-8")
    settings.cache_clear()
    case = HAND_MADE[1]
    app = open_page(case.page, view=case.view, model="chatty")
    assert not crash(app) and not app.error
    menu = menus["conversation"]
    assert menu.made_by in view_of(case).recipes and menu.table is not None
    check(menu.lines, menu.table)
    reader_pool.close()


def test_a_long_text_s_lines_hold_the_whole_text(open_page: Open, menus: dict[str, Menu]) -> None:
    text = "a fox ran and " * 40
    open_page("3_Attention", view="Map", model="tales-gpt", text=text)
    menu = menus["attention"]
    assert repr(text.strip()) in menu.lines or repr(text) in menu.lines
    check(menu.lines, menu.table or {})
