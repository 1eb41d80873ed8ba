"""A picture in two widths, of which the place that it stands in shows the one that fits.

In: two SVGs. Out: XHTML that holds both (`.wide`, `.narrow`), as `picture` plays it.
"""

from __future__ import annotations

from pages.pictures.svg import tag

LIMIT = 620
"""Pixels of the place up to which the narrow one is shown."""
STYLE = (
    ".either{container-type:inline-size}.either .narrow{display:none}"
    f"@container (max-width:{LIMIT}px)"
    "{.either .narrow{display:block}.either .wide{display:none}}"
    ".either svg{max-width:100%;height:auto;margin:0}"
)


def either(wide: str, narrow: str, *, name: str = "") -> str:
    """Both drawings as one picture; `name` is a further class for its own rules."""
    both = tag("div", wide, class_="wide") + tag("div", narrow, class_="narrow")
    body = tag("div", tag("style", STYLE) + both, class_=f"either {name}".strip())
    return body.replace("<div", '<div xmlns="http://www.w3.org/1999/xhtml"', 1)
