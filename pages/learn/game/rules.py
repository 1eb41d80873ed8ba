"""What the game says: its rules, with their sources, and its sentences about a turn and the end."""

from __future__ import annotations

from collections.abc import Sequence

from engine.learn.asking import counted, percent
from engine.learn.guessing import CHIPS, SOURCES, STAKED, WORDS, Scored

INTRO = (
    "The text stops. Say which word comes next; then you see what the model expected. After ten "
    "words: who was closer?"
)
CHIPS_SAID = (
    f"Up to {STAKED} of {CHIPS} chips on one to {WORDS} words; the others follow the model."
)
RULES = f"""
- You have {CHIPS} chips. Put up to {STAKED} of them on one to {WORDS} words. The others stay with
  the model: they are spread over all words as the model spreads its own probability.
- **Your probability** of a word = chips on it / {CHIPS} + chips kept / {CHIPS} × the model's
  probability of it. The model's probability of a word is that of all its tokens, multiplied.
- For the word that comes each pays log₂(1 / probability) **bits**, its surprise: 1 bit for a
  probability of 1/2, 2 bits for 1/4, 0 for certainty. Fewer bits are closer.
- Whoever keeps all chips pays what the model pays. You gain only where you know better.
- In a class: let everyone say a word, and share the chips out by a show of hands.
"""
EVEN = 0.05  # bits in which nobody is closer


def turn_said(scored: Scored) -> str:
    """What both paid for the word that came."""
    turn = scored.turn
    how = "You named it. " if scored.hit else ""
    said = (
        f"“{turn.word}” came. {how}You gave it {percent(scored.share)} and pay "
        f"{scored.yours:.1f} bits; the model gave it {percent(turn.share)} and pays "
        f"{scored.models:.1f} bits."
    )
    if turn.tokens > 1:
        said += f" The word is {turn.tokens} tokens."
    return said


def totals(played: Sequence[Scored]) -> tuple[float, float]:
    """The bits of both, of all turns that were played."""
    return sum(one.yours for one in played), sum(one.models for one in played)


def so_far(played: Sequence[Scored]) -> str:
    """The bits of both up to now."""
    yours, models = totals(played)
    return (
        f"After {counted(len(played), 'word')}: you {yours:.1f} bits, the model {models:.1f} bits."
    )


def verdict(played: Sequence[Scored]) -> str:
    """Who was closer."""
    yours, models = totals(played)
    if abs(yours - models) < EVEN:
        return f"Equally close: {yours:.1f} bits each."
    who, less, more = (
        ("You were", yours, models) if yours < models else ("The model was", models, yours)
    )
    return f"{who} closer: {less:.1f} bits against {more:.1f}."


def verdict_more(played: Sequence[Scored], turns: int) -> str:
    """How hard the words were, and how many were named."""
    yours, models = (total / len(played) for total in totals(played))
    hits = sum(one.hit for one in played)
    said = (
        f"You named {hits} of {counted(len(played), 'word')}. For you a word was on average as "
        f"hard as choosing among {2**yours:,.0f} equally likely ones ({yours:.1f} bits), for the "
        f"model among {2**models:,.0f} ({models:.1f} bits)."
    )
    if len(played) < turns:
        said += f" {counted(turns - len(played), 'word')} of {turns} were not played."
    return said


def sources() -> str:
    """Where the rules are from, as Markdown."""
    named = "; ".join(f"[{one.name}]({one.link})" for one in SOURCES)
    return f"Sources: {named}. That the chips kept follow the model is this game's own rule."
