"""What differs between model families, as data: where a tower keeps its parts.

Paths are relative to the whole model (`GPT2LMHeadModel`, `BertModel`, ...). Everything else about
a model is read from its configuration or from what it computes. Adding a family is adding an entry
here; the proof at export says whether it was right.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from engine.errors import ExportFailed
from engine.values import Family


@dataclass(frozen=True, slots=True)
class Tower:
    """Where one tower keeps its parts; None where it has no such part.

    `position` is the module whose output is added to the tokens' vectors, `norm` the one that
    follows the last block, `cross` the name in a block under which its cross-attention lies, with
    the projections `cross_key` and `cross_value` inside.
    """

    blocks: str
    token: str
    position: str | None = None
    norm: str | None = None
    cross: str | None = None
    cross_key: str = "k_proj"
    cross_value: str = "v_proj"


@dataclass(frozen=True, slots=True)
class Layout:
    """A family: its towers and how it knows where a token stands.

    `head` is the transformers class with the output matrix, `base` the one without, and `inside`
    the name under which the first holds the second: a bare checkpoint's paths lack that prefix.
    """

    family: Family
    head: str
    base: str
    inside: str
    positions: str
    encoder: Tower | None = None
    decoder: Tower | None = None
    position_offset: int = 0

    def bare(self) -> Layout:
        """The same layout for a checkpoint without its output matrix."""
        return replace(self, encoder=self._stripped(self.encoder), decoder=None)

    def _stripped(self, tower: Tower | None) -> Tower | None:
        if tower is None:
            return None
        cut = {
            name: path.removeprefix(f"{self.inside}.")
            for name in ("blocks", "token", "position", "norm")
            if (path := getattr(tower, name)) is not None
        }
        return replace(tower, **cut)


LAYOUTS: dict[str, Layout] = {
    "gpt2": Layout(
        family="decoder",
        head="GPT2LMHeadModel",
        base="GPT2Model",
        inside="transformer",
        positions="learned",
        decoder=Tower(
            blocks="transformer.h",
            token="transformer.wte",
            position="transformer.wpe",
            norm="transformer.ln_f",
        ),
    ),
    "bert": Layout(
        family="encoder",
        head="BertForMaskedLM",
        base="BertModel",
        inside="bert",
        positions="learned",
        encoder=Tower(
            blocks="bert.encoder.layer",
            token="bert.embeddings.word_embeddings",
            position="bert.embeddings.position_embeddings",
        ),
    ),
    "marian": Layout(
        family="encoder-decoder",
        head="MarianMTModel",
        base="MarianModel",
        inside="model",
        positions="sinusoidal",
        encoder=Tower(
            blocks="model.encoder.layers",
            token="model.encoder.embed_tokens",
            position="model.encoder.embed_positions",
        ),
        decoder=Tower(
            blocks="model.decoder.layers",
            token="model.decoder.embed_tokens",
            position="model.decoder.embed_positions",
            cross="encoder_attn",
        ),
    ),
}


def layout(model_type: str) -> Layout:
    """The layout of a model type; raise `ExportFailed` for one that is not known."""
    if model_type not in LAYOUTS:
        known = ", ".join(sorted(LAYOUTS))
        raise ExportFailed(
            f"Models of type {model_type or 'unknown'} are not supported. Choose one of: {known}."
        )
    return LAYOUTS[model_type]
