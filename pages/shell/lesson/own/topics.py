"""Which live answers a view is about: the topics of its page and view, the nearest first.

A topic is a module of `engine.learn.live`. What is not named here is offered after it.
"""

from __future__ import annotations

from engine.learn.drafts import DraftStep

PAGES = {
    "Home": ("models", "tokens", "next_token"),
    "Tokenization": ("tokens", "models"),
    "Embeddings": ("layers", "models"),
    "Attention": ("attention", "layers"),
    "Translation": ("translation", "attention"),
    "Decoding": ("next_token", "choosing"),
    "Prompting": ("prompting", "next_token"),
    "Training": ("training", "next_token"),
    "Models": ("landscape", "costs", "models"),
}
VIEWS = {
    ("Training", "Preference"): ("preference", "next_token"),
    ("Embeddings", "Search"): ("search", "layers"),
    ("Attention", "What if"): ("whatif", "attention"),
    ("Tokenization", "Wrong tokenizer"): ("whatif", "tokens"),
    ("Decoding", "Sampling"): ("choosing", "next_token"),
    ("Attention", "Layers"): ("layers", "next_token", "attention"),
    ("Training", "Tuning"): ("tuning", "next_token"),
    ("Decoding", "Before transformers"): ("predecessors", "next_token"),
    ("Decoding", "All at once"): ("timing",),
    ("Tokenization", "Into vectors"): ("layers", "tokens"),
}


def topics(step: DraftStep) -> tuple[str, ...]:
    """The topics of a step's view."""
    view = str(step.state.get("view", ""))
    return VIEWS.get((step.page, view)) or PAGES.get(step.page, ())
