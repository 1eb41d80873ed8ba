"""The controls of Training that its link carries, each declared once."""

from __future__ import annotations

from engine.moments.course import WORDS as PLACED
from pages.shell.controls import Control

PAGE = "Training"
OBJECTIVES = {
    "next token": "Next token",
    "masked tokens": "Masked tokens",
    "spans": "Spans",
    "next sentence": "Next sentence",
    "translation": "Translation",
}
UNSAID = "not chosen"

OBJECTIVE = Control(
    "objective",
    "Target",
    tuple(OBJECTIVES),
    shown=lambda name: OBJECTIVES[name],
    page=PAGE,
    help="What the model must predict in training.",
)
SEED = Control(
    "train_seed",
    "Seed",
    range(1000),
    1,
    widget="number",
    width=120,
    page=PAGE,
    help="Draws which tokens are hidden, and which sentence comes second.",
)
HIDDEN = Control(
    "hidden",
    "Hidden token",
    widget="number",
    width=130,
    page=PAGE,
    help="Which of them you guess; a click on one chooses it, too.",
)
GUESS = Control(
    "guess",
    "Your guess",
    widget="text",
    longest=40,
    width=200,
    placeholder="a word",
    page=PAGE,
    help="What stands there? Only its first token counts.",
)
FOLLOWS = Control(
    "follows",
    "Your guess",
    (UNSAID, "is next", "is not next"),
    page=PAGE,
    help="Does the second sentence come after the first?",
)
REVEAL = Control(
    "reveal",
    "Show the answers",
    default=False,
    widget="toggle",
    page=PAGE,
    help="The hidden tokens with their probability and loss.",
)
TRANSLATION = Control(
    "target",
    "Translation to learn from",
    widget="text",
    longest=400,
    page=PAGE,
    help="The right translation, which the model is to predict token by token.",
)

# --- the moments of a training

PARTS = {
    "text": "Text",
    "attention": "Attention",
    "embeddings": "Embeddings",
    "surprise": "Surprise",
}
SETTINGS = ("temperature 0.7", "greedy", "pure sampling")

PART = Control(
    "part",
    "Show",
    tuple(PARTS),
    shown=lambda name: PARTS[name],
    page=PAGE,
    help="What is asked of every moment.",
)
MOMENT = Control(
    "moment",
    "Step",
    shown=lambda step: f"{step:,}",
    page=PAGE,
    help="A moment of the training; a click in a picture chooses one, too.",
)
MOMENT_TOKENS = Control(
    "moment_tokens",
    "New tokens",
    widget="number",
    width=120,
    page=PAGE,
    help="How many each moment writes.",
)
MOMENT_SETTING = Control(
    "moment_setting", "Decoding", SETTINGS, widget="select", width=180, page=PAGE
)
MOMENT_SEED = Control(
    "moment_seed",
    "Seed",
    range(1000),
    1,
    widget="number",
    width=120,
    page=PAGE,
    help="All moments draw with the same noise.",
)
MOMENT_HEAD = Control(
    "moment_head",
    "Head",
    widget="select",
    width=120,
    page=PAGE,
    help="Layer and head, as on Attention.",
)
WORDS = Control(
    "words",
    "Words",
    default=" ".join(PLACED),
    widget="text",
    longest=400,
    page=PAGE,
    help="Separated by spaces. Each must be one token of the model.",
)
