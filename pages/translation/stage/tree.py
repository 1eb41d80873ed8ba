"""The tree of a beam search, left to right: one column a step, one row a rank.

In: a `Story` and the stage's columns. Out: SVG parts for the stage's last lane. The higher a node,
the higher its running score among all that its step weighed. Kept hypotheses have a box, the
path that is told is thick, pruned ones are plain grey text, finished ones end with a flag.
"""

from __future__ import annotations

import numpy as np

from engine.decoding.beams import FINISHED, KEPT, PRUNED, ROOT
from pages.pictures import palette, svg
from pages.translation.story import Columns, Story, number, percent

ROW = 25.0
TOP = 52.0  # of the first row, under caption and legend
FATES = {KEPT: "kept", PRUNED: "pruned", FINISHED: "finished"}
LIT_PATHS = 600  # nodes up to which pointing at one lights its whole path; ids would be too many


def tree_height(story: Story) -> float:
    """Pixels of the lane."""
    return TOP + ROW * _ranks(story) + 14


def tree_lane(story: Story, place: Columns, top: float) -> str:
    """Edges, nodes, caption and legend of the search, as far as it got by now."""
    tree = story.found.tree
    last = int(tree.step.max()) if story.now is None else story.now - story.offset
    nodes = [int(n) for n in np.flatnonzero(tree.step <= last)]
    winner = set(tree.path(story.found.hypotheses[story.place].node))
    ranks = _rank_of(story)
    below = _below(story, nodes)
    spots = {n: _spot(story, place, top, n, ranks[n]) for n in nodes}
    root = (place.left(story.offset) + 2, top + TOP + ROW / 2 - 4)
    words = {n: svg.shortened(story.label(tree.token[n]), place.step - 42, 12) for n in nodes}
    edges = [_edge(story, n, spots, root, words, winner, below) for n in nodes]
    places = {h.node: place for place, h in enumerate(story.found.hypotheses, 1)}
    boxes = [_node(story, n, spots[n], words[n], winner, below, places) for n in nodes]
    return "".join([_legend(story, top), *edges, *boxes])


def _ranks(story: Story) -> int:
    return int(np.bincount(story.found.tree.step).max())


def _rank_of(story: Story) -> dict[int, int]:
    """Place of each node among those of its step; they are stored best first."""
    steps = story.found.tree.step
    firsts = np.searchsorted(steps, np.arange(int(steps.max()) + 1))
    return {n: int(n - firsts[steps[n]]) for n in range(len(steps))}


def _below(story: Story, nodes: list[int]) -> dict[int, list[int]]:
    """Every node with those that go on from it (itself first), so that paths light as a whole."""
    found: dict[int, list[int]] = {n: [n] for n in nodes}
    if len(nodes) <= LIT_PATHS:
        for n in nodes:
            for above in story.found.tree.path(n)[:-1]:
                found[above].append(n)
    return found


def _spot(story: Story, place: Columns, top: float, node: int, rank: int) -> tuple[float, float]:
    column = story.offset + int(story.found.tree.step[node])
    return place.left(column) + 14, top + TOP + rank * ROW


def _edge(
    story: Story,
    node: int,
    spots: dict[int, tuple[float, float]],
    root: tuple[float, float],
    words: dict[int, str],
    winner: set[int],
    below: dict[int, list[int]],
) -> str:
    tree = story.found.tree
    parent, (x, y) = int(tree.parent[node]), spots[node]
    width = _box_width(words[parent]) if parent != ROOT else 0.0
    x0, y0 = (spots[parent][0] + width, spots[parent][1]) if parent != ROOT else root
    y, y0, mid = y + 8, y0 + (8 if parent != ROOT else 4), (x0 + x) / 2
    fate, best = int(tree.fate[node]), node in winner
    colour = palette.RETURNED if best else palette.PRUNED if fate == PRUNED else palette.KEPT
    return svg.tag(
        "path",
        d=f"M{x0:.0f} {y0:.0f}C{mid:.0f} {y0:.0f} {mid:.0f} {y:.0f} {x:.0f} {y:.0f}",
        fill="none",
        stroke=colour,
        stroke_width=3.2 if best else 1.0 if fate == PRUNED else 1.7,
        stroke_opacity=0.5 if fate == PRUNED else 1.0,
        data_on=_lit(story, node, winner, below),
    )


def _node(
    story: Story,
    node: int,
    spot: tuple[float, float],
    word: str,
    winner: set[int],
    below: dict[int, list[int]],
    places: dict[int, int],
) -> str:
    tree, (x, y) = story.found.tree, spot
    fate, best = int(tree.fate[node]), node in winner
    colour = palette.RETURNED if best else palette.PRUNED if fate == PRUNED else palette.KEPT
    box = svg.tag(
        "rect",
        x=x,
        y=y - 1,
        width=_box_width(word),
        height=18.0,
        rx=4.0,
        fill=palette.PAPER if fate == PRUNED else colour,
        fill_opacity=0.0 if fate == PRUNED else 0.22,
        stroke="none" if fate == PRUNED else colour,
        stroke_width=2.0 if best else 1.0,
    )
    ink = palette.MUTED if fate == PRUNED else palette.INK
    text = svg.label(
        word, x + 5, y + 12, size=12, mono=True, fill=ink, font_weight=700 if best else 400
    )
    flag = ""
    if fate == FINISHED:
        flag = svg.label(
            f"⚑{places.get(node, '')}", x + _box_width(word) + 2, y + 13, size=13, fill=colour
        )
    return svg.tag(
        "g",
        box + text + flag,
        data_id=f"n{node}",
        data_on=_lit(story, node, winner, below),
        data_name=word,
        data_tip=_tip(story, node),
    )


def _box_width(word: str) -> float:
    return svg.text_width(word, 12) + 10


def _lit(story: Story, node: int, winner: set[int], below: dict[int, list[int]]) -> str:
    ids = [f"n{n}" for n in below[node]]
    if node in winner:
        ids.append(f"t{story.offset + int(story.found.tree.step[node])}")
    return " ".join(ids)


def _tip(story: Story, node: int) -> str:
    tree = story.found.tree
    path = "".join(story.labels.get(int(tree.token[n]), "") for n in tree.path(node))
    log = float(tree.log[node])
    return (
        f"{story.label(tree.token[node])}: {FATES[int(tree.fate[node])]}\n"
        f"step: log-probability {number(log)} ({percent(float(np.exp(log)))})\n"
        f"sum so far {number(float(tree.running[node]))}, "
        f"score if it ended here {number(float(tree.score[node]))}\n{svg.visible(path, limit=90)}"
    )


def _legend(story: Story, top: float) -> str:
    width = _ranks(story)
    caption = (
        f"Beam search tree, at most {width} candidates per step: "
        "higher = higher cumulative log-probability"
    )
    parts = [svg.label(caption, 14, top + 14, size=12, fill=palette.MUTED)]
    x = 14.0
    for name, colour, wide in (
        ("this one", palette.RETURNED, 3.2),
        ("kept", palette.KEPT, 1.7),
        ("pruned", palette.PRUNED, 1.0),
    ):
        parts.append(
            svg.tag("path", d=f"M{x:.0f} {top + 32:.0f}h22", stroke=colour, stroke_width=wide)
        )
        parts.append(svg.label(name, x + 27, top + 36, size=12))
        x += 37 + svg.text_width(name, 12, mono=False) + 14
    parts.append(svg.label("⚑ finished, with its final rank", x, top + 36, size=12))
    return svg.tag("g", parts, keep=True)
