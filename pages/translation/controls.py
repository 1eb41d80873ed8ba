"""The controls of the Translation page, each declared once."""

from __future__ import annotations

from engine.decoding.translation import Trace
from pages.shell.controls import Control
from pages.translation.story import ALL, places

PAGE = "Translation"
BEAM, GREEDY = "Beam search", "Greedy"
EARLY_STOPPING = {
    "heuristic": False,
    "as soon as enough are finished": True,
    "only when nothing better is possible": "never",
}
WIDTHS = ("greedy", "2 beams", "4 beams", "8 beams")

SEARCH = Control("search", "Search", (BEAM, GREEDY), page=PAGE)
BEAMS = Control(
    "beams",
    "Beams",
    range(2, 9),
    4,
    widget="slider",
    help="Hypotheses kept after every step.",
    page=PAGE,
)
LENGTH_PENALTY = Control(
    "penalty",
    "Length penalty",
    (-2.0, 4.0),
    1.0,
    widget="slider",
    step=0.1,
    help="Exponent of the length in the score: sum of log-probabilities ÷ tokens^penalty. Above 0 "
    "it favors long translations, below 0 short ones.",
    page=PAGE,
)
EARLY = Control(
    "stop_when",
    "Early stopping",
    tuple(EARLY_STOPPING),
    widget="select",
    help="When the search ends: early_stopping of the transformers library.",
    page=PAGE,
    formerly={
        "nothing better is likely": "heuristic",
        "all beams have finished": "as soon as enough are finished",
        "nothing better is possible": "only when nothing better is possible",
    },
)
HYPOTHESIS = Control(
    "place", "Show hypothesis", page=PAGE, help="1 is the hypothesis with the best score."
)
LAYER = Control(
    "cross_layer", "Attention: layer", default=ALL, widget="select", width=160, page=PAGE,
    formerly={"all together": ALL},
)  # fmt: skip
HEAD = Control(
    "cross_head", "Head", default=ALL, widget="select", width=160, page=PAGE,
    formerly={"all together": ALL},
)  # fmt: skip
NO_END = Control(
    "no_end",
    "Ignore end token",
    default=False,
    widget="toggle",
    help="Heads with nothing to attend to rest on the end token; without it the other weights are "
    "rescaled to sum to 100 %.",
    page=PAGE,
)
WHOLE_WORDS = Control("whole", "Whole words", default=False, widget="toggle", page=PAGE)
AGAINST = Control("against", "Compare with", WIDTHS, ("greedy",), widget="chips", page=PAGE)
MODELS = Control("also", "Other models", widget="many", width=260, page=PAGE)
# What a view does not draw Streamlit forgets; the other view wants it back.
KEPT = (HYPOTHESIS, LAYER, HEAD, NO_END, WHOLE_WORDS, AGAINST, MODELS)


def check_attention(trace: Trace) -> None:
    """Check which cross-attention is drawn; to be called in the page's run."""
    layers, heads = places(trace)
    LAYER.check(layers)
    HEAD.check(heads)
    NO_END.check()
