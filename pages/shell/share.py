"""What leaves the app: the link to a page, and a picture with its data as files.

In: a picture (SVG or Plotly figure), a table, lines of Python. Out: one popover with PNG (drawn by
the browser), SVG, HTML in one file (the picture still plays, no outside address), CSV, JSON, and
the lines that compute the numbers again. All are made when somebody asks for them, not on every
run.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st

from engine.settings import settings
from pages.pictures import palette
from pages.pictures.svg import esc
from pages.shell import address, components
from pages.shell.links import embed, opening
from pages.shell.links.panel import share_panel
from pages.shell.state import pointed, state

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

Table = Mapping[str, Sequence[Any] | np.ndarray]
ROWS = 12  # lines of Python in sight
PLAYS = "Interactive web page (HTML)"
NOTHING_LEAVES = {
    "showSendToCloud": False,
    "plotlyServerURL": "",
    "modeBarButtonsToRemove": ["sendChartToCloud"],
}
"""Plotly's config without its offer to upload a chart."""
_HIDDEN = "<style>[data-show]{display:none}</style>"


def share_menu(
    name: str,
    *,
    python: Callable[[], str],
    svg: str | Callable[[], str] | None = None,
    figure: Figure | Callable[[], Figure] | None = None,
    data: Table | Callable[[], Table] | None = None,
    vectors: Table | Callable[[], Table] | None = None,
    title: str = "",
    shown: bool = True,
) -> None:
    """One popover that gives a picture and its numbers as files called `name`.

    `python` makes the program of the view's template (`pages.pictures.recipe`) that computes the
    numbers of this picture again, when somebody asks for it.
    `svg` must be the very string given to `picture` (what a lesson points at is drawn into both),
    as the PNG is drawn from what is on the screen; `shown=False` says that the screen has another
    form of it (chips are HTML there). Each may be a function, called when the menu is opened.
    A `figure`, or a function that makes it, gives HTML with plotly.js inside. `data` maps column
    names to columns of equal length, or is a function that makes such a table when it is asked
    for; `vectors` is a second one, of the vectors behind the picture. `title` heads the HTML file.
    The name must be unique on the page.
    """
    file = re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-") or "picture"
    menu = st.popover("Save", icon=":material/download:", key=f"share-{name}", on_change="rerun")
    if not menu.open:
        return
    with menu:
        svg = svg() if callable(svg) else svg
        if svg is not None:
            svg = pointed(svg)
            components.png_button(svg, key=f"share-{name}-png", name=file, shown=shown)
            _button(name, "SVG drawing", f"{file}.svg", lambda: svg_file(svg))
            if figure is None:
                _button(
                    name,
                    PLAYS,
                    f"{file}.html",
                    lambda: html_file(svg, title),
                )
        if figure is not None:
            _button(name, PLAYS, f"{file}.html", lambda: _figure_file(figure))
        if data is not None:
            _button(name, "Table (CSV)", f"{file}.csv", lambda: csv_file(_table(data)))
            _button(name, "Data (JSON)", f"{file}.json", lambda: json_file(_table(data)))
        if vectors is not None:
            own = f"{file}-vectors"
            _button(own, "Vectors (CSV)", f"{own}.csv", lambda: csv_file(_table(vectors)))
            _button(own, "Vectors (JSON)", f"{own}.json", lambda: json_file(_table(vectors)))
        _lines(name, python)


def copy_link() -> None:
    """Reserve the places of the "Copy link" button and of "Share"; `complete_link` fills them."""
    state().link_place, state().share_place = st.empty(), st.container(width="content")


def complete_link() -> None:
    """Draw what shares the page, now that every value of this run has been checked."""
    here = state()
    place, here.link_place = here.link_place, None
    if place is None:
        return
    opening.say_left_out()
    if embed.is_embedded():
        with place:
            embed.way_out()
        return
    with here.share_place:
        share_panel()
    values, defaults = address.link_values()
    with place:
        components.copy_button(
            values,
            defaults=defaults,
            base=settings().public_url,
            long="" if "text_of" in values else _long(here.text),
        )


def svg_file(svg: str) -> str:
    """A picture as a file: plain light colours, what waits for a click left out of sight."""
    plain = palette.resolved(svg)
    head = plain.index(">") + 1
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{plain[:head]}{_HIDDEN}{plain[head:]}'


def html_file(svg: str, title: str = "") -> str:
    """A picture as one HTML file that plays without the app and asks no address for anything."""
    script = components.script("picture.js").replace(components.EXPORTED, "")
    sheet = palette.stylesheet(":root", ":root[data-theme=dark]")
    data = json.dumps({"svg": svg, "alt": title}).replace("<", "\\u003c")
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{esc(title or "Transformer Atlas")}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>{sheet}
{components.styles("picture.css")}
body {{ margin: 1.5rem; background: var(--atlas-paper); color: var(--atlas-ink);
  font-family: system-ui, sans-serif; }}</style></head>
<body><h1>{esc(title)}</h1>{components.PICTURE_HTML}
<script>
if (matchMedia("(prefers-color-scheme: dark)").matches)
  document.documentElement.dataset.theme = "dark";
{script}
play(document.querySelector(".atlas")).show({data});
</script></body></html>"""


def csv_file(table: Table) -> str:
    """A table as CSV; a text that a spreadsheet would run as a formula gets an apostrophe.

    Where there is no number (NaN) a cell is empty.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(_safe(name) for name in table)
    for row in zip(*table.values(), strict=True):
        writer.writerow(_safe(cell) for cell in row)
    return out.getvalue()


def json_file(table: Table) -> str:
    """A table as JSON: one list a column, texts unchanged, NaN and infinities as null."""
    columns = {name: [_bare(cell) for cell in column] for name, column in table.items()}
    return json.dumps(columns, ensure_ascii=False, indent=1)


def _lines(name: str, python: Callable[[], str]) -> None:
    """The program, made and sent when this part is opened."""
    place = st.expander(
        "Copy as Python", icon=":material/code:", on_change="rerun", key=f"share-{name}-python"
    )
    if place.open:
        with place:
            # Not `st.code`: that copies nothing on a plain http address, as a classroom has.
            components.field(
                python(), key=f"share-{name}-lines", label="Numbers of this picture", rows=ROWS
            )
            st.caption("Run it in the app's folder: `table` holds the columns of the CSV file.")


def _button(name: str, label: str, file: str, make: Callable[[], str]) -> None:
    st.download_button(
        label,
        data=make,
        file_name=file,
        key=f"share-{name}-{file.rsplit('.', 1)[-1]}",
        on_click="ignore",
        icon=":material/download:",
        width="stretch",
    )


def _figure_file(figure: Figure | Callable[[], Figure]) -> str:
    drawn = figure() if callable(figure) else figure
    return drawn.to_html(include_plotlyjs=True, full_html=True, config=dict(NOTHING_LEAVES))


def _table(data: Table | Callable[[], Table]) -> Table:
    return data() if callable(data) else data


def _safe(cell: object) -> object:
    if isinstance(cell, str) and cell[:1] in ("=", "+", "-", "@", "\t", "\r"):
        return "'" + cell
    return "" if isinstance(cell, float | np.floating) and np.isnan(cell) else cell


def _bare(cell: Any) -> Any:
    if isinstance(cell, np.generic):
        cell = cell.item()
    if isinstance(cell, float) and not np.isfinite(cell):
        return None
    if isinstance(cell, bytes):
        return cell.hex(" ")
    return [_bare(part) for part in cell] if isinstance(cell, list | tuple | np.ndarray) else cell


def _long(text: str) -> str:
    if len(text) <= address.TEXT_IN_LINK:
        return ""
    return (
        f"The text has {len(text):,} characters and is left out, as a link carries "
        f"{address.TEXT_IN_LINK:,}. Share makes a short link that carries it."
    )
