"""The one doorway to the engine: values in, values out.

Pages and programs ask an `Engine` and never hold a bundle, a session or a tokenizer. `Local`
answers in this very process; another engine that keeps this protocol may answer from elsewhere,
and nobody who asks can tell. Everything is computed once and shared by all sessions, read-only.

    from engine.api import Reading, local

    local().tokens(Reading("tales-gpt", "Once upon a time")).pieces

`__all__` are the names that a notebook needs (`docs/api.md`): the engine, and the values that one
asks with.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from engine.attention.baselines import Links
from engine.attention.maps import Map, MapOptions, Scene
from engine.attention.notable import Best, Measured
from engine.blocks.asking import Blocks
from engine.decoding.beams import Search
from engine.decoding.continuation import Line, Task
from engine.decoding.generated import Generated
from engine.decoding.sampling import Sampling
from engine.decoding.scoring import Scored
from engine.decoding.translation import Trace
from engine.jobs.registry import Job
from engine.local.blocks import Blocks as LocalBlocks
from engine.local.patches import Patches
from engine.local.teaching.moments import Moments
from engine.local.teaching.preferences import Preferences
from engine.local.teaching.tuning import Tuned
from engine.local.timings import Clock
from engine.local.traces import SoFar
from engine.local.whatifs import WhatIfs
from engine.models.bundle import Card, Stack
from engine.models.catalog import Entry
from engine.models.device import Device
from engine.moments.asking import Growing
from engine.objectives.asking import Learning
from engine.patching.asking import Patching
from engine.policy import Visitor
from engine.predecessors.asking import Comparing
from engine.preference.asking import Preferring
from engine.prompting.asking import Asking
from engine.timing.asking import Clocking
from engine.tokenizers.causes import Split
from engine.tokenizers.chat import Turn
from engine.tokenizers.external_tokenizers import Facts
from engine.tokenizers.reader import Writing
from engine.tokenizers.subwords import Walk
from engine.tokenizers.tokenization_steps import Stages
from engine.tokenizers.vocabulary import Vocabulary
from engine.tuning.asking import Tunings
from engine.values import (
    Attention,
    Embedded,
    Hidden,
    Kind,
    Layer,
    Logits,
    Overview,
    Reading,
    Routing,
    Side,
    Tokens,
)
from engine.vector_spaces import VectorSpaces
from engine.whatif.asking import WhatIf

__all__ = [
    "Engine",
    "Line",
    "Local",
    "MapOptions",
    "Reading",
    "Sampling",
    "Scene",
    "Search",
    "Task",
    "local",
]


class Engine(
    Asking,
    Blocks,
    Clocking,
    Comparing,
    Growing,
    Learning,
    Patching,
    Preferring,
    Tunings,
    VectorSpaces,
    WhatIf,
    Protocol,
):
    """What can be asked of a model and a text; every answer is frozen or a job that is watched."""

    # --- Which models there are ---

    def models(self) -> tuple[Entry, ...]:
        """Every model: shipped, exported here, or suggested (then without a folder)."""
        ...

    def find(self, name: str) -> Entry:
        """The exported model of a name. Raises `UnknownModel`, `ModelNotExported`."""
        ...

    def delete(self, name: str, visitor: Visitor) -> None:
        """Delete a model that was exported here, for who may. Raises `NotAllowed`."""
        ...

    def card(self, model: str) -> Card:
        """What a model is. Raises `UnknownModel`, `ModelNotExported`, `BrokenBundle`."""
        ...

    def device(self, model: str) -> Device:
        """Where a model runs, and why there."""
        ...

    def is_open(self, model: str) -> bool:
        """Whether a model's weights are in memory, so that its first answer comes at once."""
        ...

    def open(self, model: str) -> None:
        """Take a model's weights into memory: seconds, where there are many."""
        ...

    def digest(self, model: str) -> str:
        """Which model this is, by its files' contents, for keys of what is derived from them."""
        ...

    def stack(self, model: str, kind: Kind) -> Stack:
        """The tower whose heads have this kind of attention."""
        ...

    def gives_attention(self, model: str, kind: Kind) -> bool:
        """Whether a model's attention weights of a kind were exported."""
        ...

    def others_with(self, model: str, kind: Kind) -> tuple[str, ...]:
        """Other models here that have this kind of attention."""
        ...

    def vectors(self, model: str, name: str) -> np.ndarray:
        """The "token" or "position" matrix [row, width]. Raises `NotOffered`."""
        ...

    # --- Texts as tokens ---

    def tokens(self, reading: Reading, side: Side = "encoder") -> Tokens:
        """A reading as tokens; `side` matters to encoder-decoders only. Raises `EmptyText`."""
        ...

    def tokenized(self, model: str, text: str, side: Side = "encoder") -> Tokens:
        """A text as tokens, however long: what the tokenizer does, not what the model reads."""
        ...

    def bare(self, model: str, text: str) -> Tokens:
        """A text as tokens, nothing added at its ends: a conversation brings its own."""
        ...

    def spelt(self, model: str, text: str) -> Tokens:
        """A text as tokens, names of special tokens in it taken for plain text."""
        ...

    def special_names_in(self, model: str, text: str) -> list[str]:
        """Names of special tokens that stand in a text: `<|endoftext|>`."""
        ...

    def roles(self, model: str, side: Side = "encoder") -> dict[int, str]:
        """What each special token is for, and which is the unknown one, by id: "end mark"."""
        ...

    def piece(self, model: str, token_id: int, side: Side = "encoder") -> str:
        """A token as stored in the vocabulary."""
        ...

    def texts(self, model: str, ids: Sequence[int], side: Side = "encoder") -> tuple[str, ...]:
        """What each id alone looks like as text; special tokens keep their name."""
        ...

    def prefix_ids(self, model: str, text: str) -> tuple[int, ...]:
        """Ids of a text that a translation is to begin with, or that it is compared with."""
        ...

    def algorithm(self, model: str, side: Side = "encoder") -> str:
        """The name of the algorithm: BPE, WordPiece, Unigram or another."""
        ...

    def piece_writing(self, model: str, side: Side = "encoder") -> Writing:
        """How pieces are stored: as bytes, with marks for spaces, ..."""
        ...

    def stages(self, model: str, text: str, side: Side = "encoder") -> Stages:
        """What happens to a text before the algorithm: normalized, split into words."""
        ...

    def most_split(self, model: str, tokens: Tokens) -> Split | None:
        """The word of a text with the most tokens and the reason. Raises `NotOffered`."""
        ...

    def word_steps(self, model: str, word: str, side: Side = "encoder") -> Walk:
        """How the algorithm cuts one word, every step kept."""
        ...

    def vocabulary(self, model: str, side: Side = "encoder") -> Vocabulary:
        """Every token of a model's vocabulary: text, kind, length, score."""
        ...

    def conversation(self, model: str, turns: tuple[Turn, ...], answer: bool) -> str:
        """Turns as the text that a chat model reads. Raises `NotOffered`."""
        ...

    def tokenizer_here(self, name: str) -> bool:
        """Whether this is the name of a tokenizer from outside that is kept here."""
        ...

    def tokenizer_facts(self, name: str) -> Facts:
        """Algorithm and size of a tokenizer: a model's, or one from outside."""
        ...

    def tokenized_by(self, name: str, texts: Sequence[str]) -> list[Tokens]:
        """Texts as tokens by a tokenizer: a model's, or one from outside."""
        ...

    # --- What a model computed on the way ---

    def sides(self, reading: Reading, kind: Kind) -> tuple[Tokens, Tokens]:
        """The tokens that attend and the tokens that are attended to."""
        ...

    def embedded(self, reading: Reading, side: Side = "encoder") -> Embedded:
        """Token vectors, position vectors and their sum, which enters layer 1."""
        ...

    def layer(self, reading: Reading, side: Side, index: int) -> Layer:
        """Attention of one block (0-based) and what leaves it; a short text's come all at once."""
        ...

    def hidden(self, reading: Reading, side: Side = "encoder") -> Hidden:
        """The residual stream of a side, from what enters layer 1 to what leaves the last."""
        ...

    def routing(self, reading: Reading, side: Side = "encoder") -> Routing:
        """Which experts of a mixture each token is sent to. Raises `NotOffered`."""
        ...

    def logits(self, reading: Reading, positions: tuple[int, ...]) -> Logits:
        """What the model predicts at some positions (0-based)."""
        ...

    def logit_lens(self, reading: Reading, side: Side, position: int) -> np.ndarray:
        """Logits [layers + 1, vocabulary] of one position, as if each layer were the last."""
        ...

    def following(
        self, model: str, ids: tuple[int, ...], source: tuple[int, ...] = ()
    ) -> np.ndarray:
        """Logits [vocabulary] after `ids`; `source` are what an encoder reads before them."""
        ...

    def is_long(self, reading: Reading, kind: Kind) -> bool:
        """Whether a text is read block by block, as all layers at once would be too much."""
        ...

    def overview(self, reading: Reading, kind: Kind) -> Overview:
        """Every head of a kind at a glance, averaged in blocks where there are many tokens."""
        ...

    def overview_so_far(self, reading: Reading, kind: Kind, *, viewer: str) -> SoFar:
        """The same of the layers read so far; of a long text a job goes on reading."""
        ...

    def read_on(self, reading: Reading, kind: Kind, *, viewer: str) -> Job:
        """Begin to read a long text block by block, or go on where it was stopped."""
        ...

    # --- Attention ---

    def attention(self, reading: Reading, kind: Kind, index: int) -> Attention:
        """All heads of one layer (0-based) of one kind. Raises `NotOffered`."""
        ...

    def attention_map(self, scene: Scene) -> Map:
        """The map of the scene's head with its options applied."""
        ...

    def token_names(self, reading: Reading, kind: Kind) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """What the tokens that attend and those attended to are called in pictures."""
        ...

    def measures(self, reading: Reading, kind: Kind, index: int) -> Measured:
        """What the heads of a layer do: every measure of each, with its baselines and sink."""
        ...

    def notable_heads(self, reading: Reading, kind: Kind, layers: int) -> tuple[Best, ...]:
        """For each measure the head of the first layers that exceeds its baselines most."""
        ...

    def most_notable_head(self, reading: Reading, kind: Kind, layers: int) -> Best | None:
        """The head of the first layers that is shown before anybody chooses one."""
        ...

    def links(
        self,
        reading: Reading,
        kind: Kind,
        index: int,
        queries: tuple[int, ...],
        keys: tuple[int, ...],
    ) -> Links:
        """From a word to a word in the heads of a layer, and what all others give that word."""
        ...

    # --- What a model writes ---

    def continued(self, model: str, text: str, count: int) -> Reading:
        """A text with `count` tokens that the model wrote, always the likeliest one."""
        ...

    def room_left(self, model: str, n_tokens: int) -> int:
        """How many tokens fit after `n_tokens`. Raises `TextTooLong`."""
        ...

    def write(
        self, task: Task, lines: Sequence[Line], *, viewer: str = "", patience: float = 0.0
    ) -> tuple[Generated, ...]:
        """The texts of these lines; what nobody has written yet is begun, in one batch.

        What the viewer looked at before ends, if nobody else looks on. Texts that are whole within
        `patience` seconds are waited for.
        """
        ...

    def look(self, task: Task, lines: Sequence[Line], *, viewer: str) -> tuple[Generated, ...]:
        """The texts of these lines as far as they are written; nothing is begun."""
        ...

    def texts_under_way(self) -> int:
        """How many batches of texts are being written now, for all viewers together."""
        ...

    def stop_writing(self, task: Task, lines: Sequence[Line], *, viewer: str) -> None:
        """A viewer has seen enough; the writing ends if nobody else looks on."""
        ...

    def translated(self, model: str, text: str) -> Reading:
        """A text with its greedy translation as the target."""
        ...

    def translation_trace(
        self,
        reading: Reading,
        search: Search,
        *,
        prefix: tuple[int, ...] = (),
        language: str | None = None,
        place: int = 0,
    ) -> Trace:
        """A translation with its tree, and the hypothesis at `place` read once more."""
        ...

    def next_token_entropies(self, reading: Reading) -> np.ndarray:
        """Entropy in bits of the prediction after each token, of the first 128 at most."""
        ...

    def target_scores(self, reading: Reading, ids: tuple[int, ...]) -> Scored:
        """How likely the model finds `ids` after each position of `reading.target`."""
        ...


class Local(LocalBlocks, Clock, Patches, WhatIfs, Tuned, Preferences, Moments):
    """The engine in this process."""


def local() -> Engine:
    """An engine that answers here."""
    return Local()
