"""What differs between model families, as data: where a tower keeps its parts.

Paths are relative to the whole model (`GPT2LMHeadModel`, `BertForMaskedLM`, ...). Everything else
about a model is read from its configuration or from what it computes. Adding a family is adding an
entry here; the proof at export says whether it was right.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from engine.errors import ExportFailed
from engine.values import Family


@dataclass(frozen=True, slots=True)
class Tower:
    """Where one tower keeps its parts; None where it has no such part.

    `position` is the module whose output is added to the tokens' vectors, its first `skipped` rows
    are never a position; `after` are the modules that follow the last block, in order. `cross` is
    the name in a block under which its cross-attention lies, with the projections `cross_key` and
    `cross_value` inside. `shared` names the blocks inside a group of blocks that run repeatedly.
    `parts` are the modules in a block whose outputs are quantities of their names.
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


def _decoder(
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
) -> Layout:
    """A decoder; its defaults are LLaMA's, paths are relative to `inside`."""
    tower = Tower(
        blocks=f"{inside}.{blocks}",
        token=f"{inside}.{token}",
        position=position and f"{inside}.{position}",
        after=tuple(f"{inside}.{path}" for path in after),
        skipped=skipped,
    )
    return Layout("decoder", head, base, inside, positions, decoder=tower, last=last)


def _encoder(
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
    notes: tuple[str, ...] = (),
) -> Layout:
    """An encoder; its defaults are BERT's, paths are relative to `inside`."""
    tower = Tower(
        blocks=f"{inside}.{blocks}",
        token=f"{inside}.{token}",
        position=position and f"{inside}.{position}",
        after=tuple(f"{inside}.{path}" for path in after),
        skipped=skipped,
        shared=shared,
    )
    return Layout("encoder", head, base, inside, positions, encoder=tower, notes=notes)


def _pair(
    head: str, base: str, *, positions: str, norm: str | None = None, skipped: int = 0
) -> Layout:
    """An encoder-decoder of BART's kin."""

    def tower(side: str) -> Tower:
        return Tower(
            blocks=f"model.{side}.layers",
            token=f"model.{side}.embed_tokens",
            position=f"model.{side}.embed_positions",
            after=(f"model.{side}.{norm}",) if norm else (),
            cross="encoder_attn" if side == "decoder" else None,
            skipped=skipped,
        )

    return Layout(
        "encoder-decoder",
        head,
        base,
        "model",
        positions,
        encoder=tower("encoder"),
        decoder=tower("decoder"),
        last="model.decoder",
    )


def _t5(head: str, base: str) -> Layout:
    def tower(side: str) -> Tower:
        return Tower(
            blocks=f"{side}.block",
            token=f"{side}.embed_tokens",
            after=(f"{side}.final_layer_norm",),
            cross="layer.1.EncDecAttention" if side == "decoder" else None,
            cross_key="k",
            cross_value="v",
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


_GPT = {"inside": "transformer", "blocks": "h", "after": ("ln_f",)}

LAYOUTS: dict[str, Layout] = {
    "gpt2": _decoder(
        "GPT2LMHeadModel", "GPT2Model", positions="learned", token="wte", position="wpe", **_GPT
    ),
    "openai-gpt": _decoder(
        "OpenAIGPTLMHeadModel",
        "OpenAIGPTModel",
        positions="learned",
        inside="transformer",
        blocks="h",
        token="tokens_embed",
        position="positions_embed",
        after=(),
    ),
    "gpt_neo": _decoder(
        "GPTNeoForCausalLM",
        "GPTNeoModel",
        positions="learned",
        token="wte",
        position="wpe",
        **_GPT,
    ),
    "gptj": _decoder("GPTJForCausalLM", "GPTJModel", token="wte", **_GPT),
    "gpt_neox": _decoder(
        "GPTNeoXForCausalLM",
        "GPTNeoXModel",
        inside="gpt_neox",
        token="embed_in",
        after=("final_layer_norm",),
    ),
    "bloom": _decoder(
        "BloomForCausalLM", "BloomModel", positions="alibi", token="word_embeddings", **_GPT
    ),
    "falcon": _decoder("FalconForCausalLM", "FalconModel", token="word_embeddings", **_GPT),
    "opt": _decoder(
        "OPTForCausalLM",
        "OPTModel",
        positions="learned",
        blocks="decoder.layers",
        token="decoder.embed_tokens",
        position="decoder.embed_positions",
        after=("decoder.final_layer_norm", "decoder.project_out"),
        skipped=2,
        last="model.decoder",
    ),
    "llama": _decoder("LlamaForCausalLM", "LlamaModel"),
    "mistral": _decoder("MistralForCausalLM", "MistralModel"),
    "qwen2": _decoder("Qwen2ForCausalLM", "Qwen2Model"),
    "qwen3": _decoder("Qwen3ForCausalLM", "Qwen3Model"),
    "gemma": _decoder("GemmaForCausalLM", "GemmaModel"),
    "gemma2": _decoder("Gemma2ForCausalLM", "Gemma2Model"),
    "gemma3_text": _decoder("Gemma3ForCausalLM", "Gemma3TextModel"),
    "phi3": _decoder("Phi3ForCausalLM", "Phi3Model"),
    "bert": _encoder("BertForMaskedLM", "BertModel", "bert"),
    "roberta": _encoder("RobertaForMaskedLM", "RobertaModel", "roberta", skipped=2),
    "electra": _encoder("ElectraForMaskedLM", "ElectraModel", "electra"),
    "distilbert": _encoder(
        "DistilBertForMaskedLM", "DistilBertModel", "distilbert", blocks="transformer.layer"
    ),
    "albert": _encoder(
        "AlbertForMaskedLM",
        "AlbertModel",
        "albert",
        blocks="encoder.albert_layer_groups",
        shared="albert_layers",
    ),
    "modernbert": _encoder(
        "ModernBertForMaskedLM",
        "ModernBertModel",
        "model",
        positions="rotary",
        blocks="layers",
        token="embeddings.tok_embeddings",
        position=None,
        after=("final_norm",),
    ),
    "deberta-v2": _encoder(
        "DebertaV2ForMaskedLM",
        "DebertaV2Model",
        "deberta",
        positions="relative",
        position=None,
        notes=(
            "Its scores are a sum of three products (content with content, content with position, "
            "position with content), so no one query and key give them: they are not shown.",
        ),
    ),
    "t5": _t5("T5ForConditionalGeneration", "T5Model"),
    "mt5": _t5("MT5ForConditionalGeneration", "MT5Model"),
    "bart": _pair("BartForConditionalGeneration", "BartModel", positions="learned", skipped=2),
    "mbart": _pair(
        "MBartForConditionalGeneration",
        "MBartModel",
        positions="learned",
        norm="layer_norm",
        skipped=2,
    ),
    "marian": _pair("MarianMTModel", "MarianModel", positions="sinusoidal"),
    "m2m_100": _pair(
        "M2M100ForConditionalGeneration",
        "M2M100Model",
        positions="sinusoidal",
        norm="layer_norm",
        skipped=2,
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
