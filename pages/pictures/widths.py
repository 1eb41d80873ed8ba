"""A picture in two or three widths, of which the place that it stands in shows the one that fits.

In: SVGs. Out: XHTML that holds all (`.wide`, `.middle`, `.narrow`), as `picture` plays it.
"""

from __future__ import annotations

from pages.pictures.svg import tag

LIMIT, MIDDLE = 620, 780
"""Pixels of the place up to which the narrow one is shown, and the middle one if there is one."""
STYLE = (
    ".either{container-type:inline-size}.either .narrow,.either .middle{display:none}"
    f"@container (max-width:{MIDDLE}px)"
    "{.either.three .middle{display:block}.either.three .wide{display:none}}"
    f"@container (max-width:{LIMIT}px)"
    "{.either .narrow{display:block}.either .wide,.either.three .middle{display:none}}"
    ".either svg{max-width:100%;height:auto;margin:0}"
)


def either(wide: str, narrow: str, *, middle: str = "", name: str = "") -> str:
    """The drawings as one picture; `name` is a further class for its own rules."""
    drawn = {"wide": wide, "middle": middle, "narrow": narrow}
    all_ = "".join(tag("div", one, class_=kind) for kind, one in drawn.items() if one)
    kinds = f"either {'three ' if middle else ''}{name}".strip()
    body = tag("div", tag("style", STYLE) + all_, class_=kinds)
    return body.replace("<div", '<div xmlns="http://www.w3.org/1999/xhtml"', 1)
