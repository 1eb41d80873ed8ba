"""What differs between model families, as data: a line each where they share a shape (`layouts`).

Adding a family is adding an entry here and a tiny checkpoint to the tests; the proof at export says
whether it was right.
"""

from __future__ import annotations

from engine.errors import ExportFailed
from engine.export.layouts import Layout, Tower, decoder, encoder, pair, t5

__all__ = ["LAYOUTS", "LIKE_LLAMA", "MIXTURES", "Layout", "Tower", "layout"]

# LLaMA's shape under other names: the type in config.json, and how transformers' classes begin.
LIKE_LLAMA = {
    "llama": "Llama",
    "mistral": "Mistral",
    "ministral": "Ministral",
    "ministral3": "Ministral3",
    "qwen2": "Qwen2",
    "qwen3": "Qwen3",
    "gemma": "Gemma",
    "gemma2": "Gemma2",
    "phi3": "Phi3",
    "smollm3": "SmolLM3",
    "olmo": "Olmo",
    "olmo2": "Olmo2",
    "olmo3": "Olmo3",
    "granite": "Granite",
    "stablelm": "StableLm",
    "cohere": "Cohere",
    "cohere2": "Cohere2",
    "nemotron": "Nemotron",
    "helium": "Helium",
    "exaone4": "Exaone4",
    "starcoder2": "Starcoder2",
    "glm": "Glm",
    "glm4": "Glm4",
    "arcee": "Arcee",
    "apertus": "Apertus",
    "ernie4_5": "Ernie4_5",
    "hunyuan_v1_dense": "HunYuanDenseV1",
    "seed_oss": "SeedOss",
}
# Mixtures of LLaMA's shape: a router sends each token to a few of a block's feed-forward networks.
MIXTURES = {
    "mixtral": ("Mixtral", "mlp.gate"),
    "qwen2_moe": ("Qwen2Moe", "mlp.gate"),
    "qwen3_moe": ("Qwen3Moe", "mlp.gate"),
    "olmoe": ("Olmoe", "mlp.gate"),
    "granitemoe": ("GraniteMoe", "block_sparse_moe.router"),
    "gpt_oss": ("GptOss", "mlp.router"),
    "deepseek_v2": ("DeepseekV2", "mlp.gate"),
    "deepseek_v3": ("DeepseekV3", "mlp.gate"),
}

_GPT = {"inside": "transformer", "blocks": "h", "after": ("ln_f",)}
_GPT2 = {**_GPT, "positions": "learned", "token": "wte", "position": "wpe"}

LAYOUTS: dict[str, Layout] = {
    "gpt2": decoder("GPT2LMHeadModel", "GPT2Model", **_GPT2),
    "openai-gpt": decoder(
        "OpenAIGPTLMHeadModel",
        "OpenAIGPTModel",
        positions="learned",
        inside="transformer",
        blocks="h",
        token="tokens_embed",
        position="positions_embed",
        after=(),
    ),
    "gpt_neo": decoder("GPTNeoForCausalLM", "GPTNeoModel", **_GPT2),
    "gptj": decoder("GPTJForCausalLM", "GPTJModel", token="wte", **_GPT),
    "gpt_neox": decoder(
        "GPTNeoXForCausalLM",
        "GPTNeoXModel",
        inside="gpt_neox",
        token="embed_in",
        after=("final_layer_norm",),
    ),
    "bloom": decoder(
        "BloomForCausalLM", "BloomModel", positions="alibi", token="word_embeddings", **_GPT
    ),
    "falcon": decoder("FalconForCausalLM", "FalconModel", token="word_embeddings", **_GPT),
    "opt": decoder(
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
    **{kind: decoder(f"{name}ForCausalLM", f"{name}Model") for kind, name in LIKE_LLAMA.items()},
    **{
        kind: decoder(f"{name}ForCausalLM", f"{name}Model", router=router)
        for kind, (name, router) in MIXTURES.items()
    },
    "gemma3_text": decoder("Gemma3ForCausalLM", "Gemma3TextModel"),
    "phi": decoder("PhiForCausalLM", "PhiModel", after=("final_layernorm",)),
    "persimmon": decoder("PersimmonForCausalLM", "PersimmonModel", after=("final_layernorm",)),
    "gpt_bigcode": decoder("GPTBigCodeForCausalLM", "GPTBigCodeModel", **_GPT2),
    "codegen": decoder("CodeGenForCausalLM", "CodeGenModel", token="wte", **_GPT),
    "mpt": decoder(
        "MptForCausalLM",
        "MptModel",
        positions="alibi",
        inside="transformer",
        blocks="blocks",
        token="wte",
        after=("norm_f",),
    ),
    "biogpt": decoder(
        "BioGptForCausalLM",
        "BioGptModel",
        positions="learned",
        inside="biogpt",
        position="embed_positions",
        after=("layer_norm",),
        skipped=2,
    ),
    "bert": encoder("BertForMaskedLM", "BertModel", "bert"),
    "roberta": encoder("RobertaForMaskedLM", "RobertaModel", "roberta", skipped=2),
    "xlm-roberta": encoder("XLMRobertaForMaskedLM", "XLMRobertaModel", "roberta", skipped=2),
    "camembert": encoder("CamembertForMaskedLM", "CamembertModel", "roberta", skipped=2),
    "data2vec-text": encoder(
        "Data2VecTextForMaskedLM", "Data2VecTextModel", "data2vec_text", skipped=2
    ),
    "roberta-prelayernorm": encoder(
        "RobertaPreLayerNormForMaskedLM",
        "RobertaPreLayerNormModel",
        "roberta_prelayernorm",
        after=("LayerNorm",),
        skipped=2,
    ),
    "xlm-roberta-xl": encoder(
        "XLMRobertaXLForMaskedLM",
        "XLMRobertaXLModel",
        "roberta",
        after=("encoder.LayerNorm",),
        skipped=2,
    ),
    "longformer": encoder("LongformerForMaskedLM", "LongformerModel", "longformer", skipped=2),
    "big_bird": encoder("BigBirdForMaskedLM", "BigBirdModel", "bert"),
    "ernie": encoder("ErnieForMaskedLM", "ErnieModel", "ernie"),
    "eurobert": encoder(
        "EuroBertForMaskedLM",
        "EuroBertModel",
        "model",
        positions="rotary",
        blocks="layers",
        token="embed_tokens",
        position=None,
        after=("norm",),
    ),
    "nomic_bert": encoder(
        "NomicBertForMaskedLM",
        "NomicBertModel",
        "nomic_bert",
        positions="rotary",
        blocks="layers",
        position=None,
    ),
    "electra": encoder("ElectraForMaskedLM", "ElectraModel", "electra"),
    "distilbert": encoder(
        "DistilBertForMaskedLM", "DistilBertModel", "distilbert", blocks="transformer.layer"
    ),
    "albert": encoder(
        "AlbertForMaskedLM",
        "AlbertModel",
        "albert",
        blocks="encoder.albert_layer_groups",
        shared="albert_layers",
    ),
    "modernbert": encoder(
        "ModernBertForMaskedLM",
        "ModernBertModel",
        "model",
        positions="rotary",
        blocks="layers",
        token="embeddings.tok_embeddings",
        position=None,
        after=("final_norm",),
    ),
    "deberta-v2": encoder(
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
    "xlnet": encoder(
        "XLNetModel",
        "XLNetModel",
        "transformer",
        positions="relative",
        blocks="layer",
        token="word_embedding",
        position=None,
        turned=True,
        notes=(
            "It predicts a token with a second stream, which does not see the token itself and has "
            "queries of its own: that stream is not exported, so it makes vectors here and "
            "predicts nothing.",
            "Its scores are a sum of three products (content, position, segment), so no one query "
            "and key give them: they are not shown.",
        ),
    ).bare(),
    "t5": t5("T5ForConditionalGeneration", "T5Model"),
    "mt5": t5("MT5ForConditionalGeneration", "MT5Model"),
    "umt5": t5("UMT5ForConditionalGeneration", "UMT5Model"),
    "switch_transformers": t5(
        "SwitchTransformersForConditionalGeneration", "SwitchTransformersModel", router="mlp.router"
    ),
    "t5gemma": pair(
        "T5GemmaForConditionalGeneration",
        "T5GemmaModel",
        positions="rotary",
        position=None,
        norm="norm",
        cross="cross_attn",
    ),
    "bart": pair("BartForConditionalGeneration", "BartModel", positions="learned", skipped=2),
    "mbart": pair(
        "MBartForConditionalGeneration",
        "MBartModel",
        positions="learned",
        norm="layer_norm",
        skipped=2,
    ),
    "led": pair("LEDForConditionalGeneration", "LEDModel", positions="learned", inside="led"),
    "plbart": pair("PLBartForConditionalGeneration", "PLBartModel", positions="learned", skipped=2),
    "blenderbot-small": pair(
        "BlenderbotSmallForConditionalGeneration", "BlenderbotSmallModel", positions="learned"
    ),
    "pegasus": pair(
        "PegasusForConditionalGeneration",
        "PegasusModel",
        positions="sinusoidal",
        norm="layer_norm",
    ),
    "marian": pair("MarianMTModel", "MarianModel", positions="sinusoidal"),
    "m2m_100": pair(
        "M2M100ForConditionalGeneration",
        "M2M100Model",
        positions="sinusoidal",
        norm="layer_norm",
        skipped=2,
    ),
}


# Models that carry a state from token to token, in every layer or in most of them.
RECURRENT = {
    "mamba", "mamba2", "falcon_mamba", "rwkv", "rwkv6", "rwkv7", "arwkv7", "xlstm",
}  # fmt: skip
HYBRID = {
    "jamba", "bamba", "zamba", "zamba2", "recurrent_gemma", "qwen3_next", "qwen3_5",
    "qwen3_5_text", "qwen3_5_moe", "qwen3_5_moe_text", "qwen35", "qwen35moe", "qwen3next", "lfm2",
    "lfm2_moe", "lfm2moe", "granitemoehybrid", "granitehybrid", "nemotron_h", "falcon_h1",
    "minimax", "kimi_linear", "olmo_hybrid", "plamo2",
}  # fmt: skip

# Known, and not carried: what each is.
OTHER = {
    "prophetnet": "predicts several tokens at once: its decoder runs a stream of vectors for each "
    "of them beside that of the text, so a token has several hidden states and attentions in every "
    "layer, where the pictures have one. Choose BART or Pegasus",
}


def layout(model_type: str) -> Layout:
    """The layout of a model type; raise `ExportFailed` for one that is not known."""
    if model_type in LAYOUTS:
        return LAYOUTS[model_type]
    if model_type in RECURRENT:
        raise ExportFailed(
            f"A model of type {model_type} is recurrent: it carries a state from token to token "
            "and has no attention that could be shown. Choose a transformer."
        )
    if model_type in HYBRID:
        raise ExportFailed(
            f"A model of type {model_type} is a hybrid: most of its layers carry a state from "
            "token to token (state-space, linear attention or convolution) and have no attention "
            "that could be shown. Choose a transformer."
        )
    kind = model_type.removeprefix("xlm-")
    if kind in OTHER:
        raise ExportFailed(f"A model of type {model_type} {OTHER[kind]}.")
    raise ExportFailed(
        f"Models of type {model_type[:40] or 'unknown'} are not supported. The {len(LAYOUTS)} "
        "types that are: docs/models.md; most are kin of GPT-2, LLaMA, BERT, T5 or BART."
    )
