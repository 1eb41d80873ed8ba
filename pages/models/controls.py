"""The controls of Models that its link carries, each declared once.

Those of the shape have the numbers of the model that one starts from for their default.
"""

from __future__ import annotations

from engine.costs import memory, scaling
from engine.costs.gpus import gpus
from engine.costs.shapes import MOST
from engine.landscape.known import organizations
from pages.shell.controls import Control

PAGE = "Models"
ANYBODY = "all"
WEIGHTS = {"all": "all", "open": "open", "closed": "closed", "unknown": "not known"}
SURE = {"all": "all", "confident": "confident only"}
UP = {"parameters": "parameters", "compute": "training compute"}
PURPOSES = {"run": "run", "full": "train all weights", "low rank": "train an adapter"}
ADAPTED = {"q v": "query, value", "q k v o": "attention", "all": "all matrices"}
RECOMPUTE = {"nothing": "keep all", "selective": "selective", "full": "full"}
FAMILIES = ("decoder", "encoder", "encoder-decoder")

FIND = Control(
    "find",
    "Search",
    widget="text",
    longest=80,
    width=180,
    placeholder="name, maker",
    page=PAGE,
    help="Words of a model's name, maker or base model.",
)
MAKER = Control(
    "maker",
    "Organization",
    (ANYBODY, *organizations()),
    widget="select",
    width=220,
    page=PAGE,
    help="Those with most models first.",
)
OPEN = Control(
    "weights", "Weights", tuple(WEIGHTS), shown=lambda one: WEIGHTS[one], page=PAGE,
    help="Whether the weights can be downloaded.",
)  # fmt: skip
CONFIDENCE = Control(
    "confidence", "Estimates", tuple(SURE), shown=lambda one: SURE[one], page=PAGE,
    help="How sure Epoch AI is of its figures.",
)  # fmt: skip
OPENABLE = Control(
    "openable", "Can be opened here", default=False, widget="toggle", page=PAGE,
    help="A checkpoint on the Hub is of a type that the exporter knows.",
)  # fmt: skip
AXIS = Control("up", "Axis", tuple(UP), shown=lambda one: UP[one], page=PAGE)
SIX = Control(
    "six", "Seed", range(1, 10_000), 1, widget="number", width=120, page=PAGE,
    help="Equal seeds draw the same six models.",
)  # fmt: skip
BASE = Control(
    "base", "Model", widget="select", width=220, page=PAGE,
    help="A well-known one, or one that is installed.",
)  # fmt: skip
PURPOSE = Control(
    "purpose", "What for", tuple(PURPOSES), shown=lambda one: PURPOSES[one], page=PAGE
)
PRECISION = Control(
    "precision", "Weights in", tuple(memory.BYTES), "bf16", page=PAGE,
    help="4, 2, 1 or 0.5 bytes a weight.",
)  # fmt: skip
CONTEXT = Control(
    "text_tokens", "Tokens a text", range(memory.TOKENS[0], memory.TOKENS[1] + 1), 2048,
    widget="number", width=140, page=PAGE,
)  # fmt: skip
BATCH = Control(
    "batch", "Texts at a time", range(memory.BATCH[0], memory.BATCH[1] + 1), 1,
    widget="number", width=130, page=PAGE,
)  # fmt: skip
RANK = Control(
    "rank", "Rank", range(memory.RANKS[0], memory.RANKS[1] + 1), 8, widget="number", width=110,
    page=PAGE, help="Of the adapter: a matrix of d x k gets r (d + k) parameters.",
)  # fmt: skip
MATRICES = Control(
    "adapted", "Adapted", tuple(ADAPTED), shown=lambda one: ADAPTED[one], page=PAGE,
    help="The matrices that get an adapter.",
)  # fmt: skip
KEEP = Control(
    "recompute", "Recomputation", tuple(RECOMPUTE), shown=lambda one: RECOMPUTE[one], page=PAGE,
    help="Activations that are computed again in the backward pass, to save memory.",
)  # fmt: skip
GPU = Control("gpu", "Accelerator", tuple(one.name for one in gpus()), "A100 80 GB",
              widget="select", width=180, page=PAGE)  # fmt: skip
COUNT = Control("gpus", "How many", range(1, 100_001), 8, widget="number", width=120, page=PAGE)
USED = Control(
    "used", "Utilization (%)", range(1, 101), 40, widget="number", width=130, page=PAGE,
    help="Share of the peak FLOP that does useful work; 30 to 60 is usual.",
)  # fmt: skip
CORPUS = Control(
    "corpus", "Training tokens (billion)", range(1, 1_000_001), 300, widget="number", width=190,
    page=PAGE,
)  # fmt: skip
ACTIVE = Control(
    "active", "Active parameters (%)", range(1, 101), 100, widget="number", width=170, page=PAGE,
    help="Of a mixture of experts: the share that one token meets.",
)  # fmt: skip
LAW = Control("law", "Fit", tuple(scaling.LAWS), "Chinchilla", widget="pills", page=PAGE)
BUDGET = Control(
    "budget", "Compute (FLOP)", tuple(f"{one:g}" for one in scaling.BUDGETS), "5.76e+23",
    widget="select", width=160, page=PAGE, help="6 N D; 3.14e23 is GPT-3's, 2.53e24 PaLM's.",
)  # fmt: skip
REAL = Control(
    "real", "Real models", default=True, widget="toggle", page=PAGE,
    help="Models of Epoch AI's table that have parameters and data.",
)  # fmt: skip
START = Control(
    "start", "Start from", widget="select", width=220, page=PAGE,
    help="A well-known model, or one that is installed: its parameters are reproduced exactly.",
)  # fmt: skip
FAMILY = Control("shape_family", "Family", FAMILIES, page=PAGE)
TIED = Control(
    "tied", "Tied output matrix", default=True, widget="toggle", page=PAGE,
    help="The output matrix is the table of token embeddings, and is counted once.",
)  # fmt: skip


def _size(key: str, label: str, name: str, least: int = 1, help: str | None = None) -> Control:
    return Control(key, label, range(least, MOST[name] + 1), widget="number", width=150,
                   page=PAGE, help=help)  # fmt: skip


LAYERS = _size("layers", "Layers", "layers", 0)
TWIN = _size("decoder_layers", "Decoder layers", "layers", 0, "Of an encoder-decoder.")
WIDTH = _size("width", "Width", "width", help="Numbers in a token's vector.")
HEADS = _size("heads", "Heads", "heads")
KEYS = _size("key_heads", "Key-value heads", "key_heads", help="Fewer than heads: grouped.")
INNER = _size("inner", "Feed-forward", "feed_forward", help="Width of its hidden layer.")
WORDS = _size("vocabulary_size", "Vocabulary", "vocabulary")
PLACES = _size("places", "Learned positions", "positions", 0, "0 for rotary and relative ones.")

SIZES = {
    "layers": LAYERS,
    "decoder_layers": TWIN,
    "width": WIDTH,
    "heads": HEADS,
    "key_heads": KEYS,
    "feed_forward": INNER,
    "vocabulary": WORDS,
    "positions": PLACES,
}
"""The number fields of a shape, by its own names."""
