"""The controls of the Attention page, each declared once, and what each choice means to the engine.

Controls of one view alone are declared with that view. Of each table the first entry is what holds
before anybody chooses. Draws nothing.
"""

from __future__ import annotations

from typing import get_args

from engine.attention.heads import MEASURES
from engine.attention.maps import Hidden, Pair, Per, Together
from engine.values import Kind
from pages.pictures.matrix import Scale
from pages.shell.controls import Control

PAGE = "attention"
MOST_GENERATED = 24  # tokens that the model adds to a text
LINES_THRESHOLD = 30  # percent of each row's weight that lines leave out at first
POSITION = "Position"  # heads in the order of layers
TOGETHER: dict[str, Together] = {
    "This head": "one",
    "Mean": "mean",
    "Maximum": "max",
    "Rollout": "rollout",
}
HIDE: dict[str, Hidden] = {
    "Nothing": "nothing",
    "First": "first",
    "Special": "special",
    "Punctuation": "marks",
}
PER: dict[str, Per] = {"Map": "map", "Row": "row", "Column": "column"}
SCALES: dict[str, Scale] = {"Linear": "linear", "Square root": "sqrt", "Log": "log"}
PAIRS: tuple[Pair, ...] = get_args(Pair)
KINDS: dict[str, tuple[Kind, ...]] = {
    "encoder": ("encoder",),
    "decoder": ("decoder",),
    "encoder-decoder": ("encoder", "decoder", "cross"),
}

KIND_CONTROL = Control(
    "kind",
    "Attention",
    page=PAGE,
    help="encoder: source tokens attend to source tokens. decoder: target tokens attend to "
    "earlier target tokens. cross: target tokens attend to the source.",
)
SECOND_CONTROL = Control(
    "second",
    "Second sentence of a pair (optional)",
    page=PAGE,
    widget="text",
    help="This model was trained on pairs: it reads two sentences at once and tells them apart.",
)
GENERATED_CONTROL = Control(
    "write",
    "Generate more tokens",
    range(MOST_GENERATED + 1),
    page=PAGE,
    widget="number",
    width=190,
    help="The model continues the text by greedy decoding; a slider then adds the tokens one by "
    "one, each a new row of the map.",
)

LAYER_CONTROL = Control("layer", "Layer", page=PAGE, widget="number")
HEAD_CONTROL = Control("head", "Head", page=PAGE, widget="number")
ORDER_CONTROL = Control(
    "order",
    "Sort heads by",
    (POSITION, *(measure.title for measure in MEASURES)),
    page=PAGE,
    widget="select",
    formerly={
        "Layer and head": POSITION,
        "First token (sink)": "Attention sink (first token)",
        "Same token": "Current token",
        "Local": "Local window",
        "Punctuation, separators": "Punctuation",
        "Broad (entropy)": "Entropy",
        "Diagonal (alignment)": "Alignment (diagonal)",
    },
)
LEAST_CONTROL = Control("least", "Minimum score (%)", range(101), page=PAGE, widget="slider")

TOGETHER_CONTROL = Control(
    "together",
    "Combine heads",
    tuple(TOGETHER),
    page=PAGE,
    formerly={"Largest": "Maximum"},
    help="Mean or maximum weight over the heads of this layer. Attention rollout multiplies this "
    "layer with all below it, residual connections included.",
)
SEVERAL_CONTROL = Control(
    "several",
    "Selected heads (layer.head)",
    page=PAGE,
    widget="many",
    placeholder="All heads of this layer",
    help="Heads of any layers, combined by their mean or maximum.",
)
HIDE_CONTROL = Control(
    "hide",
    "Ignore as key",
    tuple(HIDE),
    page=PAGE,
    help="Many heads attend to the first token or to separators when nothing else fits. Ignored, "
    "the rest of each row is rescaled to 100 %.",
)
SCALE_CONTROL = Control(
    "scale",
    "Color scale",
    tuple(SCALES),
    page=PAGE,
    formerly={"Root": "Square root"},
)
PER_CONTROL = Control(
    "per",
    "Normalize color by",
    tuple(PER),
    page=PAGE,
    help="By row the strongest key of every query is darkest, by column the strongest query of "
    "every key. The numbers stay the same.",
)
THRESHOLD_CONTROL = Control(
    "threshold",
    "Threshold (hide the weakest % of each row)",
    range(91),
    page=PAGE,
    widget="slider",
    keys=("drop", "thin"),
    help="30 keeps the strongest links of each row that sum to 70 % of its weight.",
)
WORDS_CONTROL = Control(
    "words",
    "Whole words",
    page=PAGE,
    widget="toggle",
    help="Merges the tokens of a word: weights to it are summed, from it averaged.",
)
VALUE_CONTROL = Control(
    "value",
    "Value-weighted attention (weight × ‖v‖)",
    page=PAGE,
    widget="toggle",
    help="A key with a short value vector contributes little, however large its weight.",
)
PAIR_CONTROL = Control("pair", "Between sentences A and B", PAIRS, page=PAGE)
UPTO_CONTROL = Control(
    "upto",
    "Show first tokens (0: all)",
    page=PAGE,
    widget="slider",
    width=330,
    help="Later tokens change nothing in earlier rows: this is what the model had while it "
    "generated, one row more with each token.",
)
OFF_CONTROL = Control(
    "off",
    "Ablated heads (layer.head)",
    page=PAGE,
    widget="many",
    placeholder="None",
    help="An ablated head adds nothing to the residual stream.",
)

OF_EVERY_VIEW = (LAYER_CONTROL, HEAD_CONTROL, ORDER_CONTROL, LEAST_CONTROL, OFF_CONTROL)
OF_WEIGHTS = (
    TOGETHER_CONTROL,
    SEVERAL_CONTROL,
    HIDE_CONTROL,
    SCALE_CONTROL,
    THRESHOLD_CONTROL,
    WORDS_CONTROL,
    VALUE_CONTROL,
    PAIR_CONTROL,
    UPTO_CONTROL,
)
"""Of every view that shows weights with options applied."""
OF_MAPS = (*OF_WEIGHTS[:4], PER_CONTROL, *OF_WEIGHTS[4:])
"""Those of a view whose rows and columns can be coloured one by one."""
