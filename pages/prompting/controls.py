"""The controls of Prompting that its link carries, each declared once.

The texts have the chosen task's words for their default: `setup` gives it when they are checked.
"""

from __future__ import annotations

from engine.decoding.continuation import Line
from engine.prompting import prompt
from engine.prompting.tasks import ready_tasks
from pages.shell.controls import Control

PAGE = "Prompting"
LONGEST = 64  # new tokens
DECODING = ("greedy", "temperature 0.7", "top-p 0.9", "pure sampling")
STOPS = {"line": "line break", "blank": "empty line", "never": "nothing"}
SHUFFLES: dict[prompt.Shuffle, str] = {
    "none": "as listed",
    "order": "order shuffled",
    "labels": "answers shuffled",
}
TURNS = 6  # of the person's in a chat; the first is the page's question
NAMES = {task.id: task.name for task in ready_tasks()}

TASK = Control(
    "prompt_task",
    "Task",
    tuple(NAMES),
    widget="select",
    shown=lambda name: NAMES[name],
    width=250,
    page=PAGE,
    help="A ready task; every part of it can be changed below.",
)
INSTRUCTION = Control(
    "instruction",
    "Instruction",
    widget="text",
    longest=400,
    placeholder="none",
    page=PAGE,
    help="Stands at the head of the prompt. It may be empty.",
)
ASK = Control(
    "ask",
    "Before a question",
    widget="text",
    longest=30,
    width=170,
    placeholder="nothing",
    page=PAGE,
    help="The word before what is asked: Review, Question, French.",
)
REPLY = Control(
    "reply",
    "Before an answer",
    widget="text",
    longest=30,
    width=170,
    page=PAGE,
    help="The word before the answer: Sentiment, Answer, English.",
)
EXAMPLES = Control(
    "examples",
    "Examples, one a line",
    widget="area",
    longest=prompt.LONGEST,
    page=PAGE,
    help=r"Write question => answer. \n is a line break inside, \> after = an arrow. "
    f"At most {prompt.MOST} examples.",
)
ANSWERS = Control(
    "answers",
    "Admissible answers",
    widget="text",
    longest=1200,
    placeholder="yes | no",
    page=PAGE,
    help=r"Separated by |. Each may be several tokens long; \n is a line break.",
)
UNKNOWN = "(not known)"
RIGHT = Control(
    "right",
    "Right answer",
    widget="select",
    width=260,
    page=PAGE,
    help="Known for a ready task's own question; for another one you say it.",
)
SHUFFLE = Control(
    "shuffle",
    "Examples",
    tuple(SHUFFLES),
    shown=lambda how: SHUFFLES[how],
    page=PAGE,
    help="In another order, or with their answers dealt out anew, by the seed.",
)
SEED = Control(
    "prompt_seed",
    "Seed",
    range(2**32),
    1,
    widget="number",
    width=120,
    page=PAGE,
    help="For sampling, for shuffling and for choosing held-out items.",
)
LENGTH = Control(
    "new_tokens",
    "New tokens",
    widget="number",
    width=120,
    page=PAGE,
    help=f"At most {LONGEST}. So many positions of the context window are kept free.",
)
SETTING = Control("setting", "Decoding", DECODING, widget="select", width=170, page=PAGE)
STOP = Control(
    "ends",
    "Stop at",
    tuple(STOPS),
    shown=lambda stop: STOPS[stop],
    widget="select",
    width=150,
    page=PAGE,
    help="Where the model's answer is cut off.",
)
ORDERS = Control(
    "orders",
    "Compare shuffled orders",
    default=False,
    widget="toggle",
    page=PAGE,
    help="The same curve for six other orders of the examples.",
)
ITEMS = Control("items", "Items", page=PAGE, help="Held-out questions, equally many per answer.")
HEAD = Control("copy_head", "Head", widget="select", width=150, page=PAGE)
SYSTEM = Control(
    "system",
    "System prompt",
    widget="text",
    longest=400,
    placeholder="none",
    page=PAGE,
    help="What the model is told before the conversation.",
)
SAID = tuple(
    Control(
        f"said{n}",
        f"Message {n}",
        widget="text",
        longest=400,
        placeholder="Write a message",
        hidden_label=True,
        page=PAGE,
    )
    for n in range(2, TURNS + 1)
)

TEXTS = (INSTRUCTION, ASK, REPLY, EXAMPLES, ANSWERS)
"""Texts that a task brings with it."""


def line(setting: str) -> Line:
    """A decoding setting as the engine takes it."""
    return Line.parse(setting)
