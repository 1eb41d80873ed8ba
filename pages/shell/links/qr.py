"""An address as a QR code: an SVG that a phone reads off a screen or a page.

Always dark on white, with its four empty modules around, also in dark pages: many readers want it
so. Error correction M, which stands 15 % of damage (ISO/IEC 18004).
"""

from __future__ import annotations

import base64
from html import escape

import segno

QUIET = 4  # modules


def qr_image(text: str, alt: str) -> str:
    """The QR code of a text as an image of a page, with what it is called."""
    data = base64.b64encode(qr_code(text).encode()).decode()
    return (
        f'<img src="data:image/svg+xml;base64,{data}" alt="{escape(alt)}" '
        'style="display:block;width:min(100%,14rem);margin:0 auto;border-radius:8px">'
    )


def qr_code(text: str) -> str:
    """The QR code of a text of up to 2,331 bytes."""
    rows = segno.make_qr(text, error="m").matrix
    side = len(rows) + 2 * QUIET
    runs = "".join(
        f"M{QUIET + x},{QUIET + y}h1v1h-1z"
        for y, row in enumerate(rows)
        for x, dark in enumerate(row)
        if dark
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {side} {side}" '
        f'width="{8 * side}" height="{8 * side}" shape-rendering="crispEdges">'
        f'<path fill="#fff" d="M0,0h{side}v{side}H0z"/><path fill="#000" d="{runs}"/></svg>'
    )
