"""What happens to a text before the algorithm cuts it: as typed, normalised, in words.

In: `Stages`. Out: a picture in HTML that wraps; word n has the id `w<n>`, added tokens have none.
Knows nothing of pages.
"""

from __future__ import annotations

from engine.tokenizers.tokenization_steps import Stages, Word
from pages.pictures import palette
from pages.pictures.svg import esc, tag, visible
from pages.tokenization.steps.picture import Readable

PATTERN = 400
"""Characters of a pattern shown; there are some of a thousand."""
STYLE = f"""
.stages {{ color:{palette.INK}; font-family:{palette.SANS}; padding-top:6px; }}
.stages h4 {{ margin:0 0 4px; min-height:20px;
  font:600 13px/1.4 {palette.SANS}; color:{palette.MUTED}; }}
.stages p {{ margin:0 0 14px; font:400 15px/1.9 {palette.MONO}; white-space:pre-wrap;
  overflow-wrap:anywhere; }}
.stages code {{ display:block; margin:0 0 8px; font:400 12.5px/1.5 {palette.MONO};
  color:{palette.MUTED}; white-space:pre-wrap; overflow-wrap:anywhere; }}
.stages .word {{ display:inline-block; margin:0 4px 4px 0; padding:0 6px; border-radius:6px;
  background:{palette.SURFACE}; border:1.5px solid {palette.LINE}; cursor:pointer;
  max-width:100%; unicode-bidi:isolate; }}
.stages .locked {{ border-color:{palette.ACCENT}; background:{palette.GLOW}; }}
.stages .added {{ background:{palette.SPECIAL}; border-color:{palette.KEPT}; cursor:default; }}
"""


def stages(found: Stages, read: Readable, algorithm: str) -> str:
    """Three lines: typed, normalised (where that changes anything), and the words."""
    parts = [_line("As typed", visible(found.text, limit=len(found.text)))]
    if found.normalised != found.text:
        name = f"Normalized: {found.normaliser}"
        parts.append(_line(name, visible(found.normalised, limit=len(found.normalised))))
    name = f"Split into words: {found.splitter or 'not split'}"
    pattern = found.pattern[:PATTERN] + ("…" if len(found.pattern) > PATTERN else "")
    rule = tag("code", esc(f"pattern {pattern}"), dir="ltr") if pattern else ""
    words = "".join(_word(n, word, read) for n, word in enumerate(found.words))
    parts.append(tag("h4", esc(name)) + rule + tag("p", words, dir="auto"))
    body = tag("div", tag("style", STYLE) + "".join(parts), class_="stages")
    return body.replace("<div", '<div xmlns="http://www.w3.org/1999/xhtml"', 1)


def before(found: Stages, algorithm: str) -> str:
    """What happened to the text before the algorithm, in plain text."""
    count = len(found.words)
    parts = f"split into {count:,} word{'' if count == 1 else 's'} ({found.splitter})"
    lines = []
    if found.normaliser:
        changed = "changes this text" if found.normalised != found.text else "changes nothing here"
        lines.append(f"The normalizer ({found.normaliser}) {changed}.")
    lines.append(
        f"Before {algorithm}, the text is {parts}: no token crosses from one word into the next."
        if found.splitter
        else f"{algorithm} reads the text as one word: this tokenizer has no split rule."
    )
    return " ".join(lines)


def _line(name: str, text: str) -> str:
    return tag("h4", esc(name)) + tag("p", esc(text), dir="auto")


def _word(number: int, word: Word, read: Readable) -> str:
    if word.added is not None:
        return tag(
            "span",
            esc(visible(word.text)),
            class_="word added",
            data_tip="added token, never split",
        )
    return tag(
        "span",
        esc(read(word.text)),
        class_="word",
        dir="auto",
        data_id=f"w{number}",
        keep=True,
        data_tip=f"characters {word.start} up to {word.end}\nfor the algorithm: {word.text[:60]}",
    )
