"""Where a model keeps its parts, as data, and the shapes that families share.

Paths are relative to the whole model (`GPT2LMHeadModel`, `BertForMaskedLM`, ...). Everything else
about a model is read from its configuration or from what it computes. `families` has an entry for
each family; the proof at export says whether it was right.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from engine.values import Family


@dataclass(frozen=True, slots=True)
class Tower:
    """Where one tower keeps its parts; None where it has no such part.

    `position` is the module whose output is added to the tokens' vectors, its first `skipped` rows
    are never a position; `after` are the modules that follow the last block, in order. `cross` is
    the name in a block under which its cross-attention lies, with the projections `cross_key` and
    `cross_value` inside. `shared` names the blocks inside a group of blocks that run repeatedly.
    `parts` are the modules in a block whose outputs are quantities of their names. `router` is the
    module in a block that sends each token to experts; a block may lack it. `turned`: its vectors
    are [token, batch, width] on the way.
    """

    blocks: str
    token: str
    position: str | None = None
    after: tuple[str, ...] = ()
    cross: str | None = None
    cross_key: str = "k_proj"
    cross_value: str = "v_proj"
    skipped: int = 0
    shared: str | None = None
    parts: Mapping[str, str] = field(default_factory=dict)
    router: str | None = None
    turned: bool = False


@dataclass(frozen=True, slots=True)
class Layout:
    """A family: its towers and how it knows where a token stands.

    `head` is the transformers class with the output matrix, `base` the one without, `inside` the
    name under which the first holds the second: a bare checkpoint's paths lack that prefix.
    `last` is the module whose last hidden state meets the output matrix, `inside` if not given.
    `notes` are sentences for the card about what the family cannot give. `reference` is the
    attention of transformers' own that the proof compares with.
    """

    family: Family
    head: str
    base: str
    inside: str
    positions: str
    encoder: Tower | None = None
    decoder: Tower | None = None
    last: str | None = None
    notes: tuple[str, ...] = ()
    reference: str = "eager"

    def bare(self) -> Layout:
        """The same layout for an encoder's checkpoint without its output matrix."""
        assert self.encoder is not None
        prefix = f"{self.inside}."
        tower = replace(
            self.encoder,
            blocks=self.encoder.blocks.removeprefix(prefix),
            token=self.encoder.token.removeprefix(prefix),
            position=self.encoder.position and self.encoder.position.removeprefix(prefix),
            after=tuple(path.removeprefix(prefix) for path in self.encoder.after),
        )
        return replace(self, encoder=tower)


def decoder(
    head: str,
    base: str,
    *,
    positions: str = "rotary",
    inside: str = "model",
    blocks: str = "layers",
    token: str = "embed_tokens",
    position: str | None = None,
    after: tuple[str, ...] = ("norm",),
    skipped: int = 0,
    last: str | None = None,
    router: str | None = None,
    notes: tuple[str, ...] = (),
) -> Layout:
    """A decoder; its defaults are LLaMA's, paths are relative to `inside`."""
    tower = replace(_tower(inside, blocks, token, position, after, skipped), router=router)
    return Layout("decoder", head, base, inside, positions, decoder=tower, last=last, notes=notes)


def encoder(
    head: str,
    base: str,
    inside: str,
    *,
    positions: str = "learned",
    blocks: str = "encoder.layer",
    token: str = "embeddings.word_embeddings",
    position: str | None = "embeddings.position_embeddings",
    after: tuple[str, ...] = (),
    skipped: int = 0,
    shared: str | None = None,
    turned: bool = False,
    notes: tuple[str, ...] = (),
) -> Layout:
    """An encoder; its defaults are BERT's, paths are relative to `inside`."""
    tower = _tower(inside, blocks, token, position, after, skipped, shared)
    tower = replace(tower, turned=turned)
    return Layout("encoder", head, base, inside, positions, encoder=tower, notes=notes)


def _tower(
    inside: str,
    blocks: str,
    token: str,
    position: str | None,
    after: tuple[str, ...],
    skipped: int,
    shared: str | None = None,
) -> Tower:
    """The only tower of a model, from paths relative to `inside`."""
    return Tower(
        blocks=f"{inside}.{blocks}",
        token=f"{inside}.{token}",
        position=position and f"{inside}.{position}",
        after=tuple(f"{inside}.{path}" for path in after),
        skipped=skipped,
        shared=shared,
    )


def pair(
    head: str,
    base: str,
    *,
    positions: str,
    inside: str = "model",
    position: str | None = "embed_positions",
    norm: str | None = None,
    cross: str = "encoder_attn",
    skipped: int = 0,
) -> Layout:
    """An encoder-decoder of BART's kin."""

    def tower(side: str) -> Tower:
        return Tower(
            blocks=f"{inside}.{side}.layers",
            token=f"{inside}.{side}.embed_tokens",
            position=position and f"{inside}.{side}.{position}",
            after=(f"{inside}.{side}.{norm}",) if norm else (),
            cross=cross if side == "decoder" else None,
            skipped=skipped,
        )

    return Layout(
        "encoder-decoder",
        head,
        base,
        inside,
        positions,
        encoder=tower("encoder"),
        decoder=tower("decoder"),
        last=f"{inside}.decoder",
    )


def t5(head: str, base: str, *, router: str | None = None) -> Layout:
    """An encoder-decoder of T5's kin; `router` lies in the last layer of a block."""

    def tower(side: str) -> Tower:
        return Tower(
            blocks=f"{side}.block",
            token=f"{side}.embed_tokens",
            after=(f"{side}.final_layer_norm",),
            cross="layer.1.EncDecAttention" if side == "decoder" else None,
            cross_key="k",
            cross_value="v",
            router=router and f"layer.{2 if side == 'decoder' else 1}.{router}",
        )

    return Layout(
        "encoder-decoder",
        head,
        base,
        "",
        "relative",
        encoder=tower("encoder"),
        decoder=tower("decoder"),
        last="decoder",
    )
