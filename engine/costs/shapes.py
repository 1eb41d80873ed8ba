"""The shape of a transformer, and what follows from it: parameters, cache, FLOP.

    shape = Shape("decoder", layers=12, width=768, heads=12, feed_forward=3072, vocabulary=50257,
                  positions=1024)
    shape.parameters                         # 124_439_808: GPT-2 small

Counted as PyTorch does: every number that is trained or stored once; tied matrices once. Cache and
compute are formulas: two FLOP for each number of a matrix that a token passes (Kaplan et al. 2020,
arXiv 2001.08361, section 2.1), and the dot products and sums of attention on top.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from engine.errors import NotOffered
from engine.values import Family

Norm = Literal["layer", "rms"]
Head = Literal["none", "masked", "pooler"]

MOST = {
    "layers": 1000,
    "width": 200_000,
    "heads": 2000,
    "key_heads": 2000,
    "head_width": 20_000,
    "feed_forward": 1_000_000,
    "vocabulary": 10_000_000,
    "positions": 10_000_000,
}
"""The most of each that is computed with; the least is 1, of layers and positions 0."""


@dataclass(frozen=True, slots=True)
class Shape:
    """What decides a model's parameters.

    `layers` are the encoder's or the decoder's; an encoder-decoder has `layers` in its encoder and
    `decoder_layers` in its decoder. `key_heads` and `head_width` follow from `heads` and `width`
    where they are 0. `positions` are learned (or stored) vectors of each tower, 0 for rotary and
    relative ones; `buckets` are T5's learned biases by distance, of each tower. `types` are segment
    vectors (BERT). `gated` is a feed-forward network of three matrices (arXiv 2002.05202). `biases`
    are those of every matrix, `qkv_biases` of queries, keys and values alone. `first_norm` stands
    after the embeddings, `last_norm` after the last block. `head` "masked" is BERT's: a matrix, a
    norm, and a bias for every token; "pooler" the matrix that makes one vector of the first token.
    """

    family: Family
    layers: int
    width: int
    heads: int
    feed_forward: int
    vocabulary: int
    positions: int = 0
    decoder_layers: int = 0
    key_heads: int = 0
    head_width: int = 0
    tied: bool = True
    gated: bool = False
    biases: bool = True
    qkv_biases: bool = True
    norm: Norm = "layer"
    first_norm: bool = False
    last_norm: bool = True
    types: int = 0
    buckets: int = 0
    head: Head = "none"

    def __post_init__(self) -> None:
        """Fill in what follows, and refuse what is no model."""
        if not self.key_heads:
            object.__setattr__(self, "key_heads", self.heads)
        if not self.head_width and self.heads:
            object.__setattr__(self, "head_width", max(1, self.width // self.heads))
        for name, most in MOST.items():
            least = 0 if name in ("layers", "positions") else 1
            value = getattr(self, name)
            if not least <= value <= most:
                raise NotOffered(
                    f"{name.replace('_', ' ').capitalize()}: {value:,} is out of range. "
                    f"Choose {least} to {most:,}."
                )
        if self.heads % self.key_heads:
            raise NotOffered(
                f"{self.heads} heads cannot share {self.key_heads} key heads evenly. Choose a "
                f"divisor of {self.heads}."
            )

    @property
    def both(self) -> bool:
        """Whether it has two towers."""
        return self.family == "encoder-decoder"

    @property
    def depth(self) -> int:
        """Layers of all towers."""
        return self.layers + (self.decoder_layers if self.both else 0)

    @property
    def queries(self) -> int:
        """Numbers in all queries of a token and layer."""
        return self.heads * self.head_width

    @property
    def keys(self) -> int:
        """Numbers in all keys of a token and layer; as many are in the values."""
        return self.key_heads * self.head_width

    @property
    def parts(self) -> Mapping[str, int]:
        """Parameters by part, in the order in which a token meets them; empty parts left out."""
        towers = 2 if self.both else 1
        norm = self.width * (2 if self.norm == "layer" else 1)
        sublayers = 2 * self.layers + (3 * self.decoder_layers if self.both else 0)
        norms = sublayers + towers * (self.first_norm + self.last_norm)
        table = self.vocabulary * self.width
        found = {
            "token embeddings": table,
            "position embeddings": towers * (self.positions * self.width + self._relative),
            "segment embeddings": self.types * self.width,
            "attention": self.depth * self._attention,
            "cross-attention": (self.decoder_layers * self._attention) if self.both else 0,
            "feed-forward": self.depth * self._feed_forward,
            "norms": norms * norm,
            "output head": (0 if self.tied else table) + self._head,
        }
        return {name: count for name, count in found.items() if count}

    @property
    def parameters(self) -> int:
        """All of them."""
        return sum(self.parts.values())

    @property
    def matrices(self) -> int:
        """Numbers of all matrices of the blocks: what a token is multiplied with, no embeddings."""
        n_ff = 3 if self.gated else 2
        one = self.width * (2 * self.queries + 2 * self.keys)
        crossing = self.decoder_layers if self.both else 0
        return (self.depth + crossing) * one + self.depth * n_ff * self.width * self.feed_forward

    def cache_bytes(self, tokens: int, batch: int = 1, nbytes: float = 2) -> float:
        """Bytes of keys and values of `tokens` positions.

        An encoder-decoder's decoder keeps its own and, of a source as long, the cross-attention's.

        2 x layers x key heads x head width x tokens x batch x bytes of a number. An encoder keeps
        none: it reads a text at once.
        """
        if self.family == "encoder":
            return 0.0
        layers = 2 * self.decoder_layers if self.both else self.layers
        return 2.0 * layers * self.keys * tokens * batch * nbytes

    def forward_flop(self, tokens: int = 0) -> float:
        """FLOP of one token that attends to `tokens` positions, the output matrix included.

        Each number of a matrix is one multiplication and one addition. A token of an
        encoder-decoder passes one tower only: the mean of its towers is given.
        """
        towers = 2 if self.both else 1
        one = self.depth / towers
        crossing = self.decoder_layers / towers if self.both else 0
        attention = 4.0 * (one + crossing) * self.queries * tokens
        return 2.0 * self.matrices / towers + attention + 2.0 * self.vocabulary * self.width

    @property
    def _attention(self) -> int:
        wide = self.width * (2 * self.queries + 2 * self.keys)
        inner = self.queries + 2 * self.keys if self.qkv_biases else 0
        return wide + inner + (self.width if self.biases else 0)

    @property
    def _feed_forward(self) -> int:
        wide = (3 if self.gated else 2) * self.width * self.feed_forward
        bias = (2 if self.gated else 1) * self.feed_forward + self.width
        return wide + (bias if self.biases else 0)

    @property
    def _relative(self) -> int:
        return self.buckets * self.heads

    @property
    def _head(self) -> int:
        if self.head == "none":
            return 0
        matrix = self.width * self.width + self.width
        return matrix + (2 * self.width + self.vocabulary if self.head == "masked" else 0)
