"""The controls of Tuning and of a training of one's own, each declared once."""

from __future__ import annotations

from engine.tuning.datasets import DATASETS
from engine.tuning.plans import LAYERS, OWN_STEPS, STEPS, WIDTHS
from engine.tuning.ready import READY
from pages.shell.controls import Control

PAGE = "Training"
METHODS = {"low-rank": "low rank", "all": "all weights"}
RANKS = (1, 2, 4, 8, 16, 32, 64)

ADAPTER = Control(
    "adapter",
    "Tuned model",
    widget="pills",
    page=PAGE,
    help="Which tuning is compared with the model that it comes from.",
)
PROMPT = Control(
    "tune_prompt",
    "Prompt",
    widget="text",
    longest=300,
    page=PAGE,
    placeholder="a few words that both continue",
    help="Both models continue it with the same random draws.",
)
DRAWS = Control(
    "draws",
    "Seed",
    range(2**32),
    1,
    widget="number",
    width=120,
    page=PAGE,
    help="The same seed gives the same random draws to both models.",
)
MATRIX = Control(
    "matrix",
    "Matrix",
    widget="select",
    width=320,
    page=PAGE,
    shown=lambda name: name.removeprefix("transformer.").removesuffix(".weight"),
    help="The matrix whose change is drawn; h.0 is layer 1.",
)
DATASET = Control(
    "sentences",
    "Sentences",
    tuple(DATASETS),
    page=PAGE,
    shown=lambda name: DATASETS[name].title,
    help="What the model is tuned on: generated from lists of words.",
)
METHOD = Control(
    "method",
    "What is trained",
    tuple(METHODS),
    page=PAGE,
    shown=lambda name: METHODS[name],
    help="Two factors of low rank beside each matrix, or every weight.",
)
RANK = Control(
    "rank",
    "Rank",
    RANKS,
    8,
    page=PAGE,
    help="How many rows and columns the two factors have.",
)
MATRICES = Control(
    "matrices",
    "Which matrices",
    ("both", "attention", "feed-forward"),
    page=PAGE,
    help="Which matrices of every block get factors.",
)
TUNE_STEPS = Control(
    "tune_steps",
    "Steps",
    STEPS,
    200,
    widget="number",
    width=120,
    page=PAGE,
    help=f"{STEPS[0]} to {STEPS[-1]} steps of 768 tokens.",
)
OWN_TEXT = Control(
    "own_text",
    "Text to learn from",
    READY,
    widget="pills",
    page=PAGE,
    help="Ready texts are generated; your own stays on this machine.",
)
OWN_LAYERS = Control(
    "own_layers", "Layers", LAYERS, 2, widget="slider", page=PAGE, help="Blocks of the model."
)
OWN_WIDTH = Control(
    "own_width",
    "Width",
    WIDTHS,
    64,
    page=PAGE,
    help="Numbers of each token's vector; a head has 16 of them.",
)
OWN_LENGTH = Control(
    "own_steps",
    "Steps",
    OWN_STEPS,
    300,
    widget="slider",
    step=50,
    page=PAGE,
    help="Each step reads 16 windows of up to 128 tokens.",
)
