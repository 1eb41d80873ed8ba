"""The controls of the Decoding page that its link carries, each declared once.

Columns, branches, places and stop texts have no bound widget: see `continuations` and `setup`.
"""

from __future__ import annotations

from engine.decoding.sampling import BY_NAME
from pages.decoding.plan import LONGEST, QUICK
from pages.shell.controls import Control

RUNS = Control(
    "runs",
    "Runs",
    (8, 16, 32, 64),
    default=16,
    page="decoding",
    help="How often the setting of the chosen column is sampled.",
)
SEED = Control(
    "seed",
    "Seed",
    range(2**32),
    default=1,
    widget="number",
    page="decoding",
    width=120,
    help="The same seed gives the same random numbers in all columns.",
)
LENGTH = Control(
    "length",
    "New tokens",
    default=QUICK,
    widget="number",
    page="decoding",
    width=120,
    help=f"At most {LONGEST}, and as many as the context window has room for.",
)
TINT = Control(
    "tint",
    "Color by",
    ("probability", "rank"),
    page="decoding",
    hidden_label=True,
    help="Model probability of each token, or its rank in four bands.",
)
CONTEXT = Control(
    "context",
    "Context up to token",
    widget="slider",
    page="decoding",
    help="How much of the text is read before the next token is predicted.",
)
TIMED = Control(
    "timed",
    "Tokens up to",
    shown=lambda count: f"{count:,}",
    page="decoding",
    help="How many tokens are read and written. Twice as many take about twice as long to measure.",
)
GAP = Control("gap", "Gap", page="decoding", help="The masked token that is predicted.")
TOP_P = Control(
    "p",
    "top-p",
    (BY_NAME["top_p"].slider.low, BY_NAME["top_p"].slider.high),
    default=0.9,
    widget="slider",
    step=0.01,
    width=200,
    page="decoding",
    help=BY_NAME["top_p"].help,
)
TOP_K = Control(
    "k",
    "top-k",
    range(1, 1001),
    default=40,
    widget="number",
    width=130,
    page="decoding",
    help="Keep the k likeliest tokens.",
)
MIN_P = Control(
    "minp",
    "min-p",
    (BY_NAME["min_p"].slider.low, BY_NAME["min_p"].slider.high),
    default=0.05,
    widget="slider",
    step=0.01,
    width=200,
    page="decoding",
    help=BY_NAME["min_p"].help,
)
HEAT = Control(
    "heat",
    "Temperature",
    (0.1, 2.0),
    default=0.7,
    widget="slider",
    step=0.05,
    width=260,
    page="decoding",
    help="The thick curve; the others stand beside it to compare.",
)
SHARP = Control(
    "sharp",
    "Sharp place: after token",
    widget="slider",
    width=260,
    page="decoding",
    help="At first where the entropy of this text's next tokens is lowest.",
)
FLAT = Control(
    "flat",
    "Flat place: after token",
    widget="slider",
    width=260,
    page="decoding",
    help="At first where the entropy of this text's next tokens is highest.",
)
