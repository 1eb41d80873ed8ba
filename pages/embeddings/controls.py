"""The controls of Embeddings, each declared once; the keys are those of old links."""

from __future__ import annotations

from engine.space import projection
from engine.space.retrieval import POOLINGS
from pages.embeddings.map.picture import COLOURS, FORMER_COLOURS
from pages.shell.controls import Control

PAGE = "Embeddings"
LAYOUTS = ("PCA", "Custom axis", "UMAP", "t-SNE")
ORDERED = ("Sentence", "Position")
ALL_LAYERS, THIS_LAYER = "all layers", "this layer"
MEASURES = {"cosine": "cosine", "euclid": "Euclidean"}

MAP = Control("map", "Map", ("3-D", "2-D"), page=PAGE)
LAYOUT = Control(
    "layout",
    "Layout",
    LAYOUTS,
    widget="select",
    width=130,
    page=PAGE,
    formerly={"Own axis": "Custom axis"},
)
FROM = Control("minus", "From", default="man", widget="text", longest=40, width=180, page=PAGE)
TO = Control("plus", "to", default="woman", widget="text", longest=40, width=180, page=PAGE)
# Two views color by different things under one key of old links: what is legal is said there.
COLOR = Control(
    "colour",
    "Color by",
    (*COLOURS, *ORDERED),
    widget="select",
    width=200,
    page=PAGE,
    formerly=FORMER_COLOURS,
)
DISTANCE = Control(
    "measure",
    "Distance",
    projection.MEASURES,
    shown=lambda measure: MEASURES[measure],
    page=PAGE,
    formerly={"euclid": "Euclidean"},
)
SEARCH = Control(
    "search",
    "Search the vocabulary",
    widget="text",
    longest=60,
    placeholder="cat, 2540 or E2 82",
    width=210,
    page=PAGE,
)
NORMALIZE = Control(
    "directions",
    "Normalize vectors",
    default=True,
    widget="toggle",
    help="Every vector has length 1, as in the cosine. Off: with their own lengths.",
    page=PAGE,
)
AFTER = Control("after", "After layer", widget="slider", page=PAGE)
WORST = Control(
    "betrayed",
    "Highlight worst-preserved points",
    default=False,
    widget="toggle",
    help="Points with the fewest of their nearest neighbors near them on this map.",
    page=PAGE,
)
ISOLATE = Control("area-alone", "Isolate selection", default=False, widget="toggle", page=PAGE)
BASIS = Control(
    "basis",
    "Fit axes on",
    (ALL_LAYERS, THIS_LAYER),
    widget="select",
    width=150,
    help="All layers: one map for every layer. This layer: the directions in which the tokens "
    "differ most there, so the map changes with the layer.",
    page=PAGE,
    formerly={"All layers": ALL_LAYERS, "This layer": THIS_LAYER},
)
TRAJECTORIES = Control(
    "trails",
    "Trajectories",
    default=True,
    widget="toggle",
    help="The path of each token from the input of layer 1 to the chosen layer.",
    page=PAGE,
)
OTHERS = Control(
    "others",
    "More sentences, one per line",
    widget="text",
    longest=1000,
    page=PAGE,
)
WORD = tuple(
    Control(f"word_{key}", label, default=word, widget="text", longest=40, width=180, page=PAGE)
    for key, label, word in (("a", "A", "king"), ("b", "− B", "man"), ("c", "+ C", "woman"))
)
EXCLUDE = Control("hide", "Exclude the query words", default=True, widget="toggle", page=PAGE)
OWN_PASSAGES = "Your own"
PASSAGES = Control("passages", "Passages", widget="select", width=200, page=PAGE)
QUERY = Control("query", "Query", widget="text", longest=200, width=340, page=PAGE)
LEFT_OUT = Control(
    "without",
    "Leave words out of the query",
    widget="chips",
    help="The ranks are computed again without them.",
    page=PAGE,
)
POOLING = Control(
    "pooling",
    "Pooling",
    POOLINGS,
    help="How the vectors of all tokens become one vector of the text.",
    page=PAGE,
)
OWN = Control(
    "own",
    "Your passages, one per line",
    widget="area",
    longest=6000,
    placeholder="The cat sleeps on the mat.\nStocks fell sharply today.",
    page=PAGE,
)
