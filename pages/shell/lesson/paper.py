"""A lesson on paper: steps with room to write, pictures, the answers on a page of their own.

In: a lesson, its questions as they are put, pictures, the lesson's address. Out: one HTML file that
asks no address for anything and prints on A4 and on Letter. Nothing on it is told by colour alone:
texts are black, frames are lines. Pure.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import streamlit as st

from engine.learn import grading
from engine.learn.grading import Posed
from engine.learn.lessons import Lesson, Step
from engine.learn.markup import Span
from pages.pictures import palette
from pages.pictures.svg import esc
from pages.shell.components import styles
from pages.shell.links.qr import qr_code

_TAGS = {"plain": "", "bold": "b", "italics": "i", "code": "code"}
_STYLE = """@page { margin: 14mm }
body { margin: 0 auto; max-width: 182mm; padding: 4mm; background: #fff; color: #000;
  font: 10.5pt/1.4 "Source Sans", "Segoe UI", "Helvetica Neue", Arial, sans-serif }
@media print { body { padding: 0; max-width: none } }
header { display: flex; gap: 6mm; justify-content: space-between }
h1 { font-size: 18pt; margin: 0 0 2mm } h2 { font-size: 12pt; margin: 0 0 1mm }
p { margin: 0 0 1.5mm } section { break-inside: avoid; margin: 0 0 5mm; padding-top: 3mm;
  border-top: 1px solid #000 }
.pictures { display: flex; flex-wrap: wrap; gap: 3mm 6mm; margin: 2mm 0; align-items: flex-start }
.pictures figure { flex: 1 1 80mm; margin: 0; max-width: 100% }
header figure { margin: 0; flex: none } header figure img { width: 30mm }
ul { list-style: none; margin: 1mm 0; padding: 0 } li { margin: 0 0 1mm; padding-left: 6mm;
  text-indent: -6mm } li::before { content: "\\2610"; display: inline-block; width: 6mm;
  text-indent: 0 } .line { border-bottom: 1px solid #000; height: 9mm; margin: 0 0 1mm }
.ask { font-weight: 600 } .quiet { font-size: 9pt; overflow-wrap: anywhere }
.answers { break-before: page } .answers section { padding-top: 2mm; margin-bottom: 2mm }"""

# What waits for a click stays out of sight, and nothing moves.
_ALONE = (
    "[data-show]{display:none}*{animation:none!important}"
    "svg{display:block;max-width:100%;max-height:120mm;height:auto;margin:0}"
)
ON_SCREEN = '<p class="quiet">The picture of this step is on the screen.</p>'


@dataclass(frozen=True)
class Taken:
    """The text and the model that a step was seen with, and its pictures as it was opened."""

    model: str
    text: str
    pictures: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Asking:
    """A step as it is printed: its question put, or why it cannot be; pictures in their order."""

    step: Step
    title: str  # the model's name
    text: str
    posed: Posed | None
    why: str = ""
    pictures: Sequence[str] = ()


def paper(lesson: Lesson, asked: Sequence[Asking], link: str, note: str = "") -> str:
    """The file. Without a link there is no code; `note` says where it opens."""
    steps = "\n".join(_step(number, one) for number, one in enumerate(asked, 1))
    answers = "\n".join(_answer(number, one) for number, one in enumerate(asked, 1))
    title = f"{esc(lesson.called)}: {esc(lesson.title)}"
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>{_face()}
{_STYLE}</style></head>
<body><header><div><h1>{title}</h1>
<p>Name ______________________________ Date ________________</p>
<p class="quiet">{esc(f"{link} {note}".strip())}</p></div>{_code(link)}</header>
<main>{steps}</main>
<div class="answers"><h1>Answers</h1>
{answers}
<p>Now you can say: {esc(lesson.can_say)}</p></div></body></html>"""


@cache
def _face() -> str:
    """The font that pictures are measured for, as Streamlit brings it (SIL Open Font License)."""
    folder = Path(st.__file__).parent / "static"
    found = next(folder.rglob("SourceSansVF-Upright*.woff2"), None)
    if found is None:
        return ""
    data = b64encode(found.read_bytes()).decode()
    return (
        "@font-face{font-family:'Source Sans';font-weight:200 900;"
        f"src:url(data:font/woff2;base64,{data})}}"
    )


def _code(link: str) -> str:
    if not link:
        return ""
    return f"<figure>{_image(qr_code(link), f'QR code of {link}')}</figure>"


def _step(number: int, one: Asking) -> str:
    drawn = "".join(f"<figure>{_picture(svg)}</figure>" for svg in one.pictures)
    pictures = f'<div class="pictures">{drawn}</div>' if drawn else ON_SCREEN
    return (
        f"<section><h2>{number}</h2><p>{_marked(one.step.text)}</p>"
        f'<p class="quiet">{esc(one.step.page)}, {esc(one.title)}: “{esc(one.text)}”</p>'
        f"{pictures}{_question(one)}</section>"
    )


def _question(one: Asking) -> str:
    question = one.step.question
    if question is None:
        return ""
    ask = f'<p class="ask">{_marked(question.ask)}</p>'
    if one.posed is None:
        return f"{ask}<p>{esc(one.why)}</p>"
    line = '<div class="line"></div>'
    if question.form == "order":
        names = ", ".join(esc(choice.text) for choice in one.posed.choices)
        return f"{ask}<p>Put in order: {names}</p>{line}"
    if one.posed.choices:
        boxes = "".join(f"<li>{esc(choice.text)}</li>" for choice in one.posed.choices)
        return f"{ask}<ul>{boxes}</ul>"
    if question.form == "estimate":
        unit = f" {esc(question.unit)}" if question.unit else ""
        ask += f"<p>Between {question.low:g} and {question.high:g}{unit}.</p>"
    return ask + line


def _answer(number: int, one: Asking) -> str:
    if one.step.question is None:
        return ""
    if one.posed is None:
        return f"<section><p><b>{number}.</b> {esc(one.why)}</p></section>"
    told = [f"<b>{esc(grading.right_text(one.posed))}</b>", _marked(grading.because(one.posed))]
    more = grading.revealed(one.posed)
    if more:
        told.append(_marked(more))
    return f"<section><p><b>{number}.</b> {told[0]}<br>{' '.join(told[1:])}</p></section>"


def _picture(svg: str) -> str:
    """A picture of ours in its light colours, apart from all others: each has its own styles."""
    shell = f"<style>{styles('picture.css')}{_ALONE}</style>{palette.resolved(svg)}"
    return f'<div><template shadowrootmode="open">{shell}</template></div>'


def _image(svg: str, alt: str) -> str:
    data = b64encode(svg.encode()).decode()
    return f'<img src="data:image/svg+xml;base64,{data}" alt="{esc(alt)}">'


def _marked(spans: tuple[Span, ...]) -> str:
    return "".join(
        f"<{tag}>{esc(span.text)}</{tag}>" if (tag := _TAGS[span.style]) else esc(span.text)
        for span in spans
    )
