"""Shapes of well-known models, and of those that are installed, from their cards.

In: published configurations (config.json of the checkpoint named beside each), or a card. Out: a
`Shape`. A card does not hold the width of the feed-forward networks: it follows from the number of
parameters, which the card has, and everything else. Where no whole width gives exactly that number
the model has parts that a `Shape` does not know, and none is offered.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from engine.costs.shapes import Shape
from engine.errors import NotOffered
from engine.models.bundle import Card

LIKE_LLAMA: Mapping[str, Any] = {
    "gated": True, "biases": False, "qkv_biases": False, "norm": "rms",
}  # fmt: skip
_BERT: Mapping[str, Any] = {"first_norm": True, "last_norm": False, "head": "masked"}
_T5: Mapping[str, Any] = {"biases": False, "qkv_biases": False, "norm": "rms", "buckets": 32}
_BART: Mapping[str, Any] = {"first_norm": True, "last_norm": False}

RULES: Mapping[str, Mapping[str, Any]] = {
    "gpt2": {},
    "opt": {},
    "bloom": {"first_norm": True},
    "gpt_neox": {"tied": False},
    "llama": LIKE_LLAMA,
    "mistral": LIKE_LLAMA,
    "granite": LIKE_LLAMA,
    "phi3": LIKE_LLAMA,
    "qwen2": {**LIKE_LLAMA, "qkv_biases": True},
    "bert": {**_BERT, "types": 2},
    "roberta": {**_BERT, "types": 1},
    "xlm-roberta": {**_BERT, "types": 1},
    "camembert": {**_BERT, "types": 1},
    "distilbert": _BERT,
    "t5": _T5,
    "mt5": {**_T5, "gated": True, "tied": False},
    "bart": _BART,
    "marian": {"last_norm": False},
}
"""What the architectures of cards have beside layers, width, heads, vocabulary and positions."""


def _gpt(layers: int, width: int, heads: int, positions: int = 1024) -> Shape:
    return Shape("decoder", layers, width, heads, 4 * width, 50257, positions)


def _llama(
    layers: int, width: int, heads: int, keys: int, inner: int, words: int, tied: bool = False
) -> Shape:
    return Shape("decoder", layers, width, heads, inner, words, key_heads=keys, tied=tied,
                 **LIKE_LLAMA)  # fmt: skip


def _bert(layers: int, width: int, heads: int, words: int, types: int, positions: int) -> Shape:
    return Shape("encoder", layers, width, heads, 4 * width, words, positions, types=types, **_BERT)


def _t5(layers: int, width: int, heads: int, inner: int, head_width: int = 64) -> Shape:
    return Shape("encoder-decoder", layers, width, heads, inner, 32128, decoder_layers=layers,
                 head_width=head_width, **_T5)  # fmt: skip


def _bart(layers: int, width: int, heads: int) -> Shape:
    return Shape("encoder-decoder", layers, width, heads, 4 * width, 50265, 1026,
                 decoder_layers=layers, **_BART)  # fmt: skip


KNOWN: Mapping[str, Shape] = {
    "GPT-2 small": _gpt(12, 768, 12),
    "GPT-2 medium": _gpt(24, 1024, 16),
    "GPT-2 large": _gpt(36, 1280, 20),
    "GPT-2 XL": _gpt(48, 1600, 25),
    "GPT-3 175B": _gpt(96, 12288, 96, 2048),
    "SmolLM2 135M": _llama(30, 576, 9, 3, 1536, 49152, tied=True),
    "Llama 2 7B": _llama(32, 4096, 32, 32, 11008, 32000),
    "Llama 2 70B": _llama(80, 8192, 64, 8, 28672, 32000),
    "Mistral 7B": _llama(32, 4096, 32, 8, 14336, 32000),
    "Llama 3 8B": _llama(32, 4096, 32, 8, 14336, 128256),
    "BERT base": _bert(12, 768, 12, 30522, 2, 512),
    "BERT large": _bert(24, 1024, 16, 30522, 2, 512),
    "RoBERTa base": _bert(12, 768, 12, 50265, 1, 514),
    "DistilBERT": _bert(6, 768, 12, 30522, 0, 512),
    "T5 small": _t5(6, 512, 8, 2048),
    "T5 base": _t5(12, 768, 12, 3072),
    "T5 11B": _t5(24, 1024, 128, 65536, 128),
    "BART base": _bart(6, 768, 12),
    "BART large": _bart(12, 1024, 16),
}
"""Shapes by name, of config.json; GPT-3's of its paper (arXiv 2005.14165, table 2.1)."""


def of_card(card: Card) -> Shape:
    """The shape of an installed model, whose parameters it gives exactly. Raises `NotOffered`."""
    found = [shape for shape in _candidates(card) if shape.parameters == card.parameters]
    if not found:
        raise NotOffered(
            f"{card.title} has parts that are not counted here ({card.architecture}): its "
            f"{card.parameters:,} parameters cannot be given part by part. Start from another one."
        )
    # Several widths can give one number; people choose multiples of large powers of two.
    return max(found, key=lambda one: one.feed_forward & -one.feed_forward)


def _candidates(card: Card) -> Iterator[Shape]:
    """Shapes of the card with every width that could give its parameters."""
    rule = RULES.get(card.architecture)
    first = card.encoder or card.decoder
    if rule is None or first is None or card.experts:
        return
    given = dict(rule)
    if given.get("head") == "masked" and not card.predicts:
        given["head"] = "pooler"
    rows = card.vectors["position"].shape[0] if "position" in card.vectors else 0
    limits = {rows, card.limit or 0, rows + 2, (card.limit or 0) + 2}
    stored = card.positions in ("learned", "sinusoidal")
    for positions in sorted(limits) if stored else (0,):
        for tied in (True, False) if "tied" not in given else (given["tied"],):
            ruled: dict[str, Any] = {**given, "tied": tied}
            bare = Shape(
                card.family,
                first.layers,
                card.width,
                first.heads,
                1,
                card.vocabulary,
                positions,
                decoder_layers=card.decoder.layers if card.decoder and card.encoder else 0,
                key_heads=first.key_heads,
                head_width=first.dim,
                **ruled,
            )
            each = replace(bare, feed_forward=2).parameters - bare.parameters
            inner, rest = divmod(card.parameters - bare.parameters, each) if each else (0, 1)
            if not rest and inner >= 0:
                yield replace(bare, feed_forward=1 + inner)
