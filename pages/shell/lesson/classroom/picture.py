"""The answers of a class as bars: a line for each, with its count. Pure.

In: a `Tally`. Out: HTML whose texts are escaped. The right answer is marked once it is shown, by a
check mark beside its color; before, nothing tells it from the others.
"""

from __future__ import annotations

from engine.learn.classes.tally import Tally
from pages.pictures import palette
from pages.pictures.svg import esc

LONGEST = 300  # characters of a name

STYLE = f"""<style>
ul.class-bars {{ list-style: none; margin: 0 !important; padding: 0 !important; display: grid;
  gap: 0.45rem; font-size: 0.95rem; font-variant-numeric: tabular-nums; }}
.class-bars li {{ display: grid; grid-template-columns: 1fr auto; column-gap: 0.7rem;
  margin: 0 !important; padding: 0 !important; }}
.class-bars span {{ overflow-wrap: anywhere; }}
.class-bars b {{ font-weight: 600; }}
.class-bars i {{ grid-column: 1 / -1; height: 0.65rem; border-radius: 0.2rem;
  background: {palette.LINE}; overflow: hidden; }}
.class-bars i > s {{ display: block; height: 100%; background: {palette.PROBABILITY}; }}
.class-bars .right i > s {{ background: {palette.RIGHT}; }}
.class-bars .right span {{ font-weight: 600; color: {palette.RIGHT}; }}
</style>"""


def bars(found: Tally, *, shown: bool) -> str:
    """The bars, the longest being the whole width."""
    most = max((bar.count for bar in found.bars), default=0)
    rows = []
    for bar in found.bars:
        right = shown and bar.right
        mark = "✓ " if right else ""
        width = 100 * bar.count / most if most else 0.0
        rows.append(
            f"<li{' class=right' if right else ''}><span>{mark}{esc(bar.name[:LONGEST])}</span>"
            f'<b>{bar.count}</b><i><s style="width:{width:.1f}%"></s></i></li>'
        )
    return f'{STYLE}<ul class="class-bars">{"".join(rows)}</ul>'


def summary(found: Tally, pupils: int, *, shown: bool) -> str:
    """How many have answered, and once it is shown how many were right.

    >>> summary(Tally((), 12, 9, 1), 28, shown=True)
    '12 of 28 pupils have answered, 9 of them right. 1 was asked about a text of their own.'
    """
    # Who has left may have answered before.
    of = max(pupils, found.answered)
    said = f"{found.answered} of {of} {'pupil has' if of == 1 else 'pupils have'} answered"
    if shown:
        said += f", {found.right} of them right"
    if found.elsewhere:
        was = "was" if found.elsewhere == 1 else "were"
        said += f". {found.elsewhere} {was} asked about a text of their own"
    return f"{said}."
