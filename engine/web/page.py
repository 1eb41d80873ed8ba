"""The page that people read about the questions: one HTML text, no script, nothing from outside.

In: `QUESTIONS`, and the path that the app is served under. Out: HTML in light and dark, with a link
to try for each question. All that varies is escaped.
"""

from __future__ import annotations

from html import escape
from urllib.parse import urlencode

from engine.web.openapi import REFUSALS, ROOT
from engine.web.parameters import Parameter
from engine.web.questions import QUESTIONS, Question

STYLE = """
:root { color-scheme: light dark; --ink: #1f2430; --soft: #59616f; --paper: #ffffff;
  --line: #c9ced6; --link: #1f5fbf; --code: #f1f3f6; }
@media (prefers-color-scheme: dark) { :root { --ink: #e8eaed; --soft: #a9b1bd; --paper: #14171c;
  --line: #3d444f; --link: #8ab4f8; --code: #22262d; } }
body { margin: 0 auto; max-width: 58rem; padding: 1.5rem 1rem 3rem; background: var(--paper);
  color: var(--ink); font: 16px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.15rem; margin-top: 2.2rem; }
a { color: var(--link); overflow-wrap: anywhere; }
code, pre { background: var(--code); border-radius: 4px; font-size: 0.9em; }
code { padding: 0.1em 0.3em; } pre { padding: 0.7rem 0.9rem; overflow-x: auto; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: 0.92rem; }
th, td { border-bottom: 1px solid var(--line); padding: 0.35rem 0.7rem 0.35rem 0;
  text-align: left; vertical-align: top; }
caption { text-align: left; color: var(--soft); padding: 0.6rem 0 0.1rem; }
"""
PYTHON = """import io, urllib.request
import numpy as np
answer = urllib.request.urlopen(ADDRESS + "&format=npz").read()
weights = np.load(io.BytesIO(answer))["weights"]"""


def page(base: str = "") -> str:
    """The page; `base` is where the app is served: "" or "/atlas"."""
    root = escape(base + ROOT)
    refusals = "".join(
        f"<tr><td><code>{status}</code></td><td>{escape(meaning)}.</td></tr>"
        for status, meaning in REFUSALS.items()
    )
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Numbers over HTTP · Transformer Atlas</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><style>{STYLE}</style></head>
<body><main><h1>Numbers over HTTP</h1>
<p>What the app draws, as numbers for programs: <code>GET</code> only, JSON, or
<code>format=npz</code> with the arrays to the bit. Layers and heads count from 1. The same for
tools: <a href="{root}/openapi.json">openapi.json</a>. 
<a href="{escape(base)}/">Open the app</a></p>
{"".join(_question(one, base) for one in QUESTIONS.values())}
<h2>In Python</h2><pre>{escape(PYTHON)}</pre>
<h2>What is refused</h2>
<p>Every refusal is one sentence: <code>{{"error": "…"}}</code>. Limits are those of the pages.</p>
<div class="scroll" tabindex="0"><table>{refusals}</table></div>
</main></body></html>
"""


def example(question: Question) -> str:
    """The query of a question that works where the shipped models are."""
    return urlencode({one.name: one.example for one in question.parameters if one.example})


def _question(question: Question, base: str) -> str:
    address = f"{base}{ROOT}/{question.name}"
    query = example(question)
    link = f"{address}?{query}" if query else address
    takes = "".join(map(_row, question.parameters))
    gives = "".join(
        f"<tr><td><code>{escape(name)}</code></td><td>{escape(kind)}</td><td>{escape(meaning)}</td>"
        "</tr>"
        for name, (kind, meaning) in question.gives.items()
    )
    asked = f"<table><caption>Parameters</caption>{takes}</table>" if takes else ""
    return (
        f'<section id="{escape(question.name)}"><h2><code>{escape(address)}</code> '
        f"{escape(question.title)}</h2>"
        f'<p><a href="{escape(link)}">{escape(link)}</a></p><div class="scroll" tabindex="0">'
        f"{asked}<table><caption>Answer</caption>{gives}</table></div></section>"
    )


def _row(one: Parameter) -> str:
    held = "needed" if one.required else "optional"
    if one.default is not None:
        held = f"default: {one.default}"
    return (
        f"<tr><td><code>{escape(one.name)}</code></td><td>{escape(one.rule)}</td>"
        f"<td>{escape(held)}</td><td>{escape(one.meaning)}</td></tr>"
    )
