"""The controls of Tokenization, each declared once.

Drawn under the picture that they change: their values are checked before it is drawn.
"""

from __future__ import annotations

from engine.tokenizers.chat import ROLES
from pages.shell.controls import Control

PAGE = "Tokenization"
TURN_LENGTH = 300  # characters

BELOW = Control(
    "below",
    "Show",
    ("ID", "Span", "Bytes", "Vocabulary form"),
    help="What stands under each token.",
    page=PAGE,
    formerly={"Id": "ID", "Characters": "Span", "As stored": "Vocabulary form"},
)
ADDED = Control(
    "special",
    "Added tokens",
    default=True,
    widget="toggle",
    help="Show the tokens that the tokenizer adds: where a text begins and ends.",
    page=PAGE,
)
NAMES = Control(
    "names",
    "Parse special tokens",
    default=True,
    widget="toggle",
    help="Off: the name of a special token is read like any other text, as an app does with what "
    "people type.",
    page=PAGE,
)
PART = Control("part", "Part", widget="slider", width=420, page=PAGE)
STEP = Control("step", "Step", widget="slider", width=420, page=PAGE)
MAKER = Control(
    "maker",
    "Ids made by the tokenizer of",
    widget="select",
    width=280,
    page=PAGE,
    help="Another model's tokenizer makes the ids; the model chosen above reads them.",
)
SEARCH = Control(
    "search",
    "Search",
    widget="text",
    longest=60,
    placeholder="cat, 2540 or E2 82",
    width=260,
    page=PAGE,
)
ORDER = Control("order", "Sort by", ("ID", "Length", "Score"), page=PAGE, formerly={"Id": "ID"})
FALLING = Control("falling", "Descending", default=False, widget="toggle", page=PAGE)
TURNS = Control("turns", "Turns", range(1, 7), 3, widget="number", width=140, page=PAGE)
ANSWER = Control(
    "answer",
    "Add generation prompt",
    default=True,
    widget="toggle",
    help="The template ends with the words after which the model is to write.",
    page=PAGE,
)
FIRST = (
    ("user", "What is the capital of France?"),
    ("assistant", "Paris."),
    ("user", "And of Italy?"),
    *(("assistant", ""), ("user", ""), ("assistant", "")),
)
ROLE = tuple(
    Control(
        f"role{n}",
        f"Role {n}",
        ROLES,
        role,
        widget="select",
        width=140,
        hidden_label=True,
        page=PAGE,
    )
    for n, (role, _) in enumerate(FIRST, 1)
)
TURN = tuple(
    Control(
        f"turn{n}",
        f"Text of turn {n}",
        default=text,
        widget="text",
        longest=TURN_LENGTH,
        hidden_label=True,
        page=PAGE,
    )
    for n, (_, text) in enumerate(FIRST, 1)
)
