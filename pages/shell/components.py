"""Our custom components: the picture that is played in the browser, and the share buttons.

In: an SVG of `pages.pictures` and what is locked. Out: what the person locked or points at. Their
code lies in `assets/components`, is read once, and travels with each change of a component's
data: it is kept to a few kB. A component knows nothing of what its picture means, and what it
reports may belong to an older picture: check it against the current data.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache as once
from pathlib import Path
from typing import Any

import streamlit as st
from streamlit.components.v2 import component

from pages.pictures import palette
from pages.shell.state import pointed, state

ASSETS = Path(__file__).parents[2] / "assets" / "components"
_IMPORT = re.compile(r'^import \{[^{}]*\} from "\./([\w-]+\.js)";$', re.M)
_COMMENT = re.compile(r"/\*\*.*?\*/ ?", re.S)  # types: nobody but the checker reads them
_REMARK = re.compile(r" +// [^\"'`\n]*$", re.M)
_IDS = re.compile(r'data-(?:id|rows|columns)="([^"]*)"')


@dataclass(frozen=True)
class PictureState:
    """What a person did: ids joined by spaces (`"t3"`, `"q3 k5"`), None where nothing."""

    locked: str | None = None
    hover: str | None = None


def picture(
    svg: str,
    *,
    key: str,
    alt: str,
    height: int | None = None,
    locked: str | None = None,
    on_lock: Callable[[str | None], None] | None = None,
    report_hover: bool = False,
    on_twice: Callable[[str], None] | None = None,
    on_act: Callable[[str, str], None] | None = None,
    marked: str | None = None,
) -> PictureState:
    """Show an SVG of ours; hover, lock, Esc and arrows are done in the browser.

    With `on_lock` the page owns the lock: `locked` is what is shown, and `on_lock(ids)` is called
    before the next run with what the person locked (None: unlocked); it usually is
    `partial(select, "token")`. Without it the component keeps its own lock, `locked` being the
    first. Only ids that are in `svg` come back. `report_hover` makes every hover a run of the
    page (or fragment), 160 ms after the pointer rests: use it sparingly. `height` in pixels
    makes the picture scroll. `on_twice(ids)` is called after a double click, `on_act(id, name)`
    when an act (`data-act`) of a locked target is pressed that the target still offers. The
    `border` of the target `marked` is drawn thick, so that another choice needs no other SVG. `alt`
    says what is to be seen. What a lesson points at is drawn into it.
    """
    svg = pointed(svg)
    keep = state().pictured
    if keep is not None:
        keep(key, svg)
    own, done = _own(key), _own(key, "act")
    # The latest that was heard of the browser: what it did since is not undone by this run.
    seq = max(int(one.get("seq") or 0) for one in (own, done))
    shown = locked if on_lock or not own.get("seq") else own.get("ids")

    def locking() -> None:
        if on_lock is not None:
            on_lock(_known(_own(key).get("ids"), svg))

    def doubled() -> None:
        ids = _known(dict(dict(st.session_state.get(key) or {}).get("twice") or {}).get("ids"), svg)
        if on_twice is not None and ids:
            on_twice(ids)

    def acting() -> None:
        told = _own(key, "act")
        one, name = str(told.get("id")), str(told.get("name"))
        if on_act is not None and name in offered(svg, one):
            on_act(one, name)

    result = _picture(
        key=key,
        data={
            "svg": svg,
            "digest": digest(svg),
            "alt": alt,
            "height": height,
            "locked": shown,
            "seq": seq,
            "report": report_hover,
            "twice": on_twice is not None,
            "acts": on_act is not None,
            "marked": marked,
        },
        on_lock_change=locking,
        on_twice_change=doubled,
        on_act_change=acting,
        on_hover_change=_nothing,
    )
    hover = result.get("hover") if report_hover else None
    return PictureState(locked=_known(shown, svg), hover=_known(hover, svg))


def columns(*, key: str, data: Mapping[str, Any], **callbacks: Callable[[], None]) -> None:
    """Show texts that grow side by side: `data` is `payload` of `pages.pictures.columns.sheet`.

    What was locked (`on_lock_change`) and whether a column is to be added (`on_add_change`) is
    found in the session under `key`.
    """
    _columns()(key=key, data=data, **callbacks)


@once
def _columns() -> Any:
    return component(
        "atlas_columns",
        html='<div class="atlas sheet"><div class="grid"></div>\n'
        '<p class="key"></p><div class="tip" role="tooltip" hidden></div></div>',
        css="\n".join((palette.stylesheet(), styles("picture.css"), styles("columns.css"))),
        js=script("columns.js"),
    )


def pointed_at(key: str) -> str | None:
    """What a picture with `report_hover` last said somebody points at: not checked, maybe old."""
    found = dict(st.session_state.get(key) or {}).get("hover")
    return found if isinstance(found, str) else None


def digest(svg: str) -> str:
    """The name under which the browser keeps a picture that is on the screen."""
    return hashlib.blake2b(svg.encode(), digest_size=12).hexdigest()


def copy_button(
    values: Mapping[str, str | list[str]],
    *,
    defaults: Mapping[str, str | list[str]],
    base: str,
    long: str,
) -> None:
    """The "Copy link" button: all values, the address it begins with, a word on a long text."""
    data = {"values": dict(values), "defaults": dict(defaults), "base": base, "long": long}
    _copy(key="copy-link", data=data, width=128)


def field(text: str, *, key: str, label: str, rows: int = 1) -> None:
    """A text to be taken elsewhere, with a button that copies it, also without a clipboard."""
    _field(key=key, data={"text": text, "label": label, "rows": rows})


def png_button(svg: str, *, key: str, name: str, shown: bool = True) -> None:
    """A button that saves a picture as a PNG, drawn by the browser.

    A picture that is not `shown` on the screen as it is here travels with the button.
    """
    colours = palette.values(dark=False)
    data = {"digest": digest(svg), "name": name, "colours": colours, "ground": colours["paper"]}
    if not shown:
        data["svg"] = svg
    _png(key=key, data=data)


DEFAULT, EXPORTED = "export default function", "export default inOrder(component);"


def script(name: str) -> str:
    """A JavaScript file of ours with what it imports before it: no comments, no indentation.

    A component's code is one text, and a text has no address that an import could be read from.
    It shows the newest of its data, whichever comes last (`order.js`).
    """
    before: dict[str, str] = {}
    own = _module(name, before)
    if DEFAULT in own:
        before["order.js"] = _module("order.js", before)
        own = f"{own.replace(DEFAULT, 'function component')}\n{EXPORTED}"
    return "\n".join([*before.values(), own])


def _module(name: str, before: dict[str, str]) -> str:
    """A module's own lines; those of the modules it imports are put into `before`, once."""
    text = (ASSETS / name).read_text(encoding="utf-8")
    for other in _IMPORT.findall(text):
        if other not in before:
            before[other] = _module(other, before)
    text = _REMARK.sub("", _COMMENT.sub("", _IMPORT.sub("", text)))
    lines = (line.strip() for line in text.splitlines())
    kept = (line for line in lines if line and not line.startswith("//"))
    return "\n".join(re.sub(r"^export (?!default)", "", line) for line in kept)


@once
def styles(name: str) -> str:
    """A style sheet of ours, read once."""
    return (ASSETS / name).read_text(encoding="utf-8")


PICTURE_HTML = (
    '<div class="atlas"><div class="chip" aria-live="polite"></div>\n'
    '<div class="stage"></div><div class="tip" role="tooltip" hidden></div></div>'
)
# Until its script has come a button would swallow a click.
_BUTTON_HTML = (
    '<div class="copy"><button type="button" disabled>{icon}{label}</button>\n{rest}</div>'
)
_COPY_ICON = (
    '<svg viewBox="0 0 24 24" aria-hidden="true"><path d="M10 14a4 4 0 0 0 6 .5l3-3a4 4 0 0 0-6-6'
    'l-1 1M14 10a4 4 0 0 0-6-.5l-3 3a4 4 0 0 0 6 6l1-1"/></svg>'
)
_SAVE_ICON = (
    '<svg viewBox="0 0 24 24" aria-hidden="true"><path d="M12 4v11m-4-4 4 4 4-4M5 19h14"/></svg>'
)


_picture = component(
    "atlas_picture",
    html=PICTURE_HTML,
    css=palette.stylesheet() + "\n" + styles("picture.css"),
    js=script("picture.js"),
)
_copy = component(
    "atlas_copy",
    html=_BUTTON_HTML.format(
        icon=_COPY_ICON,
        label="Copy link",
        rest='<div class="word" hidden><p aria-live="polite"></p>'
        '<input hidden readonly aria-label="Link"></div>',
    ),
    css=styles("copy.css"),
    js=script("copy.js"),
)
_field = component(
    "atlas_field",
    html='<div class="field"><label><span></span><textarea readonly></textarea></label>'
    '<button type="button" disabled>Copy</button><p aria-live="polite"></p></div>',
    css=styles("field.css"),
    js=script("field.js"),
)
_png = component(
    "atlas_png",
    html=_BUTTON_HTML.format(icon=_SAVE_ICON, label="PNG image", rest="<p></p>"),
    css=styles("copy.css"),
    js=script("png.js"),
)


def offered(svg: str, target: str) -> tuple[str, ...]:
    """The names of the acts that a target of a picture offers.

    >>> offered('<g data-id="h1.2" data-act="ablate Ablate head 1.2"></g>', "h1.2")
    ('ablate',)
    """
    found = re.search(rf'data-id="{re.escape(target)}"[^<>]*? data-act="([^"]*)"', svg)
    return tuple(line.split(" ")[0] for line in found[1].split("&#10;")) if found else ()


def _own(key: str, what: str = "lock") -> Mapping[str, Any]:
    """What the component last reported, with a running number `seq`, or nothing.

    Its lock is `{"ids": .., "seq": ..}`, its act `{"id": .., "name": .., "seq": ..}`.
    """
    found = dict(st.session_state.get(key) or {}).get(what)
    return found if isinstance(found, dict) else {}


def _known(ids: object, svg: str) -> str | None:
    """The ids, if all of them are in the picture."""
    if not isinstance(ids, str) or not ids:
        return None
    here = {name for match in _IDS.finditer(svg) for name in match[1].split()}
    return ids if all(name in here for name in ids.split()) else None


def _nothing() -> None:
    """A component's state needs a callback to be readable."""
