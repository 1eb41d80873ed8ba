"""The controls of Preference that its link carries, each declared once.

Choices have no widget of their own: they are letters under `CHOICES`.
"""

from __future__ import annotations

from engine.preference import samples
from engine.preference.measures import MEASURES
from engine.preference.samples import MOST
from pages.shell.controls import Control

PAGE = "Training"
LONGEST = 48  # new tokens
CHOICES = "choices"
JUDGE, LEARNED = "judge", "choices"
REWARDS = {JUDGE: "Ready judge: polite or rude", LEARNED: "Learned from your choices"}
SETTINGS = (str(samples.SETTING), "pure sampling", "temperature 0.7")
STOPS = {"speech": "end of speech or line", "never": "nothing"}
STOP_TEXTS = {"speech": samples.STOPS, "never": ()}
DRAWN = (16, 32, MOST)

REWARD = Control(
    "reward",
    "Reward",
    tuple(REWARDS),
    shown=lambda kind: REWARDS[kind],
    page=PAGE,
    help="What scores the completions: a judge that is ready, or a model of your own choices.",
)
N = Control(
    "best_of",
    "Best of n",
    widget="slider",
    page=PAGE,
    help="So many completions are scored and the best is kept. Nothing is written anew.",
)
SECOND = Control(
    "second",
    "Second measure",
    tuple(MEASURES),
    widget="select",
    width=150,
    page=PAGE,
    help="Something else that a completion is worth, of which the reward knows nothing.",
)
COUNT = Control(
    "drawn",
    "Completions",
    widget="select",
    width=120,
    page=PAGE,
    help="Drawn independently in one batch; n goes up to this number.",
)
SEED = Control(
    "draw_seed", "Seed", range(2**32), samples.SEED, widget="number", width=120, page=PAGE
)
LENGTH = Control(
    "draw_length",
    "New tokens",
    range(1, LONGEST + 1),
    samples.LENGTH,
    widget="number",
    width=120,
    page=PAGE,
    help=f"The longest completion, at most {LONGEST} tokens.",
)
SETTING = Control("draw_setting", "Decoding", SETTINGS, widget="select", width=160, page=PAGE)
STOP = Control(
    "draw_ends",
    "Stop at",
    tuple(STOPS),
    shown=lambda stop: STOPS[stop],
    widget="select",
    width=190,
    page=PAGE,
)

CONTROLS = (REWARD, N, SECOND, COUNT, SEED, LENGTH, SETTING, STOP)
