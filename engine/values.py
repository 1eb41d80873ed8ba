"""The values that flow from the engine to the pages: frozen, read-only, axes in the type.

Glossary (axis names are used everywhere with these meanings):

    token       position in a text, special tokens included
    query, key  the token that looks, the token that is looked at
    head        attention head; `key_head` where several query heads share one (grouped queries)
    width       size of the residual stream (`d_model`); `dim` the size of one head
    layer       0-based in arrays, counted from 1 on screen and in links
    vocabulary  token id

`Reading` says what was read and is the key of everything else; `Tokens`, `Embedded`, `Layer`,
`Logits` are the parts of a trace. Nothing here computes.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Literal, NoReturn, TypeVar

import numpy as np
from jaxtyping import Bool, Float, Int, UInt8

K = TypeVar("K")
V = TypeVar("V")
PART = 4096  # bytes of another array that one may keep without need
Family = Literal["encoder", "decoder", "encoder-decoder"]
Side = Literal["encoder", "decoder"]
Kind = Literal["encoder", "decoder", "cross"]
LEFT_OUT = ("", "normalizer", "split rule", "vocabulary")
"""Who leaves a character out: nobody, the normalizer, the rule that splits words, the vocabulary
(a tokenizer without an unknown token drops what it cannot write)."""


class FrozenDict(dict[K, V]):
    """A dictionary that nobody can change, as sessions share it; `|` gives a plain new one."""

    __slots__ = ()

    def _refuse(self, *_given: object, **_named: object) -> NoReturn:
        raise TypeError("this dictionary is shared and cannot be changed: make another with `|`")

    __setitem__ = __delitem__ = __ior__ = _refuse  # type: ignore[assignment]
    clear = pop = popitem = setdefault = update = _refuse  # type: ignore[assignment]

    def __reduce__(self) -> tuple[type, tuple[dict[K, V]]]:
        """Copied and sent elsewhere whole: by default that is done item by item."""
        return type(self), (dict(self),)


class Frozen:
    """Base of values that hold arrays: all of it is made read-only, as sessions share it."""

    __slots__ = ()

    def __post_init__(self) -> None:
        """Lock every array, dictionary and list of this value."""
        for field in fields(self):  # type: ignore[arg-type]
            part = getattr(self, field.name)
            if isinstance(part, np.ndarray | dict | list):
                object.__setattr__(self, field.name, frozen(part))

    @property
    def nbytes(self) -> int:
        """Bytes held by the arrays of this value and of the values inside it."""
        return sum(array.nbytes for array in arrays(self))


def frozen(value: Any) -> Any:
    """A value that can be shared: arrays locked, dictionaries and lists as such that stay so.

    What has fields is left as it is: a `Frozen` has locked itself. An array that shows a small part
    of another is copied, as it would keep the whole: the ten best at each place of a text kept
    the order of all the vocabulary, 0.5 MB.
    """
    if isinstance(value, np.ndarray):
        base = value.base
        if type(base) is np.ndarray and base.nbytes > 2 * value.nbytes + PART:
            value = value.copy()
        value.setflags(write=False)
    elif isinstance(value, FrozenDict):
        return value
    elif isinstance(value, dict):
        return FrozenDict({key: frozen(part) for key, part in value.items()})
    elif isinstance(value, list) or type(value) is tuple:
        return tuple(frozen(part) for part in value)
    elif isinstance(value, set):
        return frozenset(value)
    return value


def arrays(value: object) -> list[np.ndarray]:
    """Every array in a value, those of nested values included."""
    found: list[np.ndarray] = []
    for field in fields(value):  # type: ignore[arg-type]
        part = getattr(value, field.name)
        if isinstance(part, np.ndarray):
            found.append(part)
        elif isinstance(part, Frozen):
            found.extend(arrays(part))
    return found


@dataclass(frozen=True, slots=True)
class Change:
    """How a tower computes otherwise than it was made: "what if" of a `Reading`.

    `side` is the tower that is changed. `positions` that are "off" say nothing: where vectors are
    added they are 0, where queries and keys are rotated the angle is 0, where distances have a bias
    it is 0. "shuffled": token i has the position `order[i]`. `moved`: token i stands at place
    `order[i]`, its position kept or not. Without `masked` each token attends to later ones too.
    """

    side: Side
    positions: Literal["kept", "off", "shuffled"] = "kept"
    order: tuple[int, ...] = ()
    moved: bool = False
    masked: bool = True


@dataclass(frozen=True, slots=True)
class Reading:
    """What a model read: the key of every part of a trace, small and hashable.

    `target` holds the decoder's input ids (start token first) of an encoder-decoder; for the other
    families it is None, or the ids of the text with what the model wrote on. `second` is the second
    text of a sentence pair. `off` lists (kind, layer, head) of the heads that are switched off.
    `language` is the code of the text's language, for models that are told; None leaves it as the
    tokenizer says. `change` is how a tower computes otherwise than it was made.
    """

    model: str
    text: str
    target: tuple[int, ...] | None = None
    second: str | None = None
    off: tuple[tuple[Kind, int, int], ...] = ()
    language: str | None = None
    change: Change | None = None


@dataclass(frozen=True, eq=False, slots=True)
class Tokens(Frozen):
    """A text cut into tokens.

    `pieces` are as stored in the vocabulary (`Ġcat`, `##ing`, `▁le`); `spans` are character
    offsets into `text`, end exclusive, (0, 0) for a token that the tokenizer added; several
    tokens may share a span when one character takes several of them. `data` holds the UTF-8
    bytes a token stands for: joined, those of a byte-level tokenizer give back the text.
    `segments` is 1 for the tokens of a sentence pair's second text, else 0.

    A token is one of three kinds, and every page asks here which: `special` (start, end, padding,
    mask, separators, language codes: marks that nobody writes as words; a name such as `[MASK]`
    that somebody typed is read as the mark and counts as one), `unknown` (the text's own, but not
    in the vocabulary), or a piece of the vocabulary. `own` is what belongs to the text: all but
    the special ones.

    `left_out` says for each character of the text by whom it was left out, as a place in
    `LEFT_OUT`; 0 for those that a token holds. The normalizer may delete a character between two
    that one token holds: then it lies inside that token's span and is left out all the same.
    """

    text: str
    ids: Int[np.ndarray, "token"]
    pieces: tuple[str, ...]
    spans: Int[np.ndarray, "token 2"]
    special: Bool[np.ndarray, "token"]
    unknown: Bool[np.ndarray, "token"]
    segments: Int[np.ndarray, "token"]
    data: tuple[bytes, ...]
    left_out: UInt8[np.ndarray, "character"]

    @property
    def own(self) -> Bool[np.ndarray, "token"]:
        """The tokens that belong to the text, the unknown ones among them."""
        return ~self.special

    def __len__(self) -> int:
        """Number of tokens."""
        return len(self.ids)


@dataclass(frozen=True, eq=False, slots=True)
class Embedded(Frozen):
    """How ids become vectors: the parts and their sum, which enters layer 1.

    `position` is None where positions are not added (rotary, ALiBi, relative). `entering` is
    what the model computed, so scaling and normalisation of some families are in it.
    """

    tokens: Tokens
    token: Float[np.ndarray, "token width"]
    position: Float[np.ndarray, "token width"] | None
    entering: Float[np.ndarray, "token width"]


@dataclass(frozen=True, eq=False, slots=True)
class Attention(Frozen):
    """All heads of one attention sub-layer.

    `scores` is what enters the softmax (scaled, position bias added; masked cells are -inf),
    each row of `weights` sums to 1 over the keys that are not masked, with `sink` where a family
    gives a share of each row to no token; `output` is weights x value before the output projection.
    Keys and values of grouped-query models are repeated to the query heads. `query`, `key`,
    `value`, `scores` and `output` are None where a family cannot give them.
    """

    weights: Float[np.ndarray, "head query key"]
    scores: Float[np.ndarray, "head query key"] | None
    query: Float[np.ndarray, "head query dim"] | None
    key: Float[np.ndarray, "head key dim"] | None
    value: Float[np.ndarray, "head key dim"] | None
    output: Float[np.ndarray, "head query dim"] | None
    scale: float
    sink: Float[np.ndarray, "head query"] | None = None


@dataclass(frozen=True, eq=False, slots=True)
class Layer(Frozen):
    """One block of one side: its self-attention, its cross-attention if any, and what leaves it.

    The keys of `cross` are the source's tokens, its queries the target's.
    """

    index: int
    attention: Attention
    cross: Attention | None
    hidden: Float[np.ndarray, "token width"]


@dataclass(frozen=True, eq=False, slots=True)
class Routing(Frozen):
    """Which experts of a mixture each token of a side is sent to, in every block that has any.

    `layers` are those blocks. `experts` are the chosen ones, 0-based, the one of most weight first,
    and `weights` what the output of each is multiplied by; where a token is sent to fewer, -1 and
    0. `count` is the number of experts to choose from.
    """

    tokens: Tokens
    layers: Int[np.ndarray, "routed"]
    experts: Int[np.ndarray, "routed token chosen"]
    weights: Float[np.ndarray, "routed token chosen"]
    count: int


@dataclass(frozen=True, eq=False, slots=True)
class Hidden(Frozen):
    """The residual stream of one side: `states[0]` enters layer 1, `states[k]` leaves block k."""

    tokens: Tokens
    states: Float[np.ndarray, "layers_plus_1 token width"]


@dataclass(frozen=True, eq=False, slots=True)
class Logits(Frozen):
    """What the model predicts at some positions; row i belongs to token `positions[i]`."""

    positions: Int[np.ndarray, "row"]
    logits: Float[np.ndarray, "row vocabulary"]


@dataclass(frozen=True, eq=False, slots=True)
class Overview(Frozen):
    """Every head of one kind at a glance: weights averaged in blocks of `block` x `block` tokens.

    `block` is 1 while the text has at most as many tokens as the pictures have cells.
    """

    kind: Kind
    block: int
    weights: Float[np.ndarray, "layer head row column"]
