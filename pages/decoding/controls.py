"""The controls of the Decoding page that its link carries, each declared once.

Columns, branches, places and stop texts have no bound widget: see `continuations` and `setup`.
"""

from __future__ import annotations

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
GAP = Control("gap", "Gap", page="decoding", help="The masked token that is predicted.")
