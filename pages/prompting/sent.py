"""The prompt whole, as it is sent, and how much of the context window it takes."""

from __future__ import annotations

from functools import partial

import streamlit as st

from engine.prompting.sources import tokens_at
from engine.values import Tokens
from pages.pictures import palette
from pages.pictures.svg import document, label, tag
from pages.prompting import recipes
from pages.prompting.plan import Plan, left_out, named
from pages.shell.address import plain
from pages.shell.cache import engine
from pages.shell.components import picture
from pages.shell.share import share_menu

WIDTH, BAR = 560.0, 22.0


def prompt_as_sent(plan: Plan) -> None:
    """Draw the text with the number of examples that is looked at, and the meter over it."""
    count = plan.looked_at
    st.subheader("The prompt as it is sent", anchor=False)
    text = plan.prompt.text(count)
    tokens = engine().tokenized(plan.model, text)
    parts = segments(plan, tokens)
    svg = meter(parts, plan.window)
    picture(svg, key="prompting-meter", alt=told(plan, tokens))
    st.caption(plain(" ".join([told(plan, tokens), *left_out(plan)])))
    st.code(text, language=None, wrap_lines=True)
    share_menu(
        "prompt",
        python=partial(recipes.window, plan.model, plan.prompt, count, plan.length),
        svg=svg,
        data={
            "part": [name for name, _, _ in parts],
            "tokens": [size for _, size, _ in parts],
        },
        title="What the context window holds",
    )


def over(plan: Plan) -> str:
    """The sentence for a question that does not fit by itself."""
    size = len(engine().tokenized(plan.model, plan.prompt.text(0)))
    return (
        f"The instruction and the question have {size:,} tokens; with {plan.length} new ones they "
        f"are more than the {plan.window:,} positions of the window. Shorten them."
    )


def segments(plan: Plan, tokens: Tokens) -> list[tuple[str, int, str]]:
    """What stands in the window, in order: its name, its tokens, its colour."""
    spans = plan.prompt.example_at(plan.looked_at)
    sizes = [len(tokens_at(tokens, span)) for span in spans]
    begins = spans[0][0] if spans else None
    instruction = plan.prompt.instruction.strip()
    head = len(tokens_at(tokens, (0, len(instruction)))) if instruction else 0
    found = [("instruction", head, palette.ENCODER)] if head else []
    hues = (palette.DECODER, palette.KEPT)
    found += [(f"example {n}", size, hues[n % 2]) for n, size in enumerate(sizes, 1)]
    rest = len(tokens) - head - sum(sizes)
    found.append(
        ("question" if begins is None else "question and line breaks", rest, palette.CHOSEN)
    )
    found.append(("kept for the answer", plan.length, palette.BAR))
    return found


def told(plan: Plan, tokens: Tokens) -> str:
    """How much of the window is used, in words."""
    title = named(plan.looked_at).lower()
    share = 100 * len(tokens) / plan.window
    return (
        f"With {title}: {len(tokens):,} of {plan.window:,} positions ({share:.0f} %); "
        f"{plan.length} more are kept for the answer."
    )


def meter(parts: list[tuple[str, int, str]], window: int) -> str:
    """The window as a bar, what stands in it as stretches of it."""
    used = sum(size for _, size, _ in parts)
    whole = max(window, used)
    drawn, x = [], 0.0
    for name, size, colour in parts:
        width = WIDTH * size / whole
        box = tag("rect", x=x, y=4.0, width=max(width, 0.5), height=BAR, fill=colour, rx=1)
        key = name.replace(" ", "-")
        tip = f"{name}\n{size:,} token{'' if size == 1 else 's'}"
        drawn.append(tag("g", box, data_id=key, data_tip=tip, data_name=name))
        x += width
    frame = tag(
        "rect", x=0.0, y=4.0, width=WIDTH, height=BAR, fill="none", stroke=palette.MUTED, rx=2
    )
    ends = label("0", 0, BAR + 19, size=12, fill=palette.MUTED)
    ends += label(
        f"{whole:,} positions",
        WIDTH,
        BAR + 19,
        size=12,
        fill=palette.MUTED,
        text_anchor="end",
    )
    words = f"{used:,} of {whole:,} positions are used"
    return document(WIDTH, BAR + 26, [frame, *drawn, ends], "Context window", words)
