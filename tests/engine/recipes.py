"""What the tiny checkpoints of the tests are made of: a tokenizer and a configuration a family.

Two layers of width 16. A family that the exporter knows has at least one recipe here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from tokenizers import (
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    processors,
    trainers,
)

CORPUS = [
    "The cat sat on the mat because it was warm, and then it slept for 12 hours.",
    "A quick brown fox jumps over the lazy dog; the dog does not care at all.",
    "She said that the river bank was steep, but he had money in the bank.",
    "Once upon a time there was a little girl who lived in a village near the forest.",
    "Le chat dort sur le tapis parce qu'il fait chaud. Où est l'hôtel, s'il vous plaît ?",
]
WIDTH, HEADS, LAYERS, POSITIONS = 16, 2, 2, 64

Config = dict[str, Any]


def byte_level() -> Tokenizer:
    """A byte-level BPE tokenizer, as GPT-2's."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)
    trainer = trainers.BpeTrainer(
        vocab_size=400,
        special_tokens=["<|endoftext|>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(CORPUS, trainer)
    return tokenizer


def word_piece() -> Tokenizer:
    """A WordPiece tokenizer, as BERT's: [PAD] 0, [UNK] 1, [CLS] 2, [SEP] 3, [MASK] 4."""
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    trainer = trainers.WordPieceTrainer(vocab_size=300, special_tokens=special, show_progress=False)
    tokenizer.train_from_iterator(CORPUS, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", 2), ("[SEP]", 3)],
    )
    return tokenizer


def sentences(texts: Sequence[str] = CORPUS, size: int = 200) -> Tokenizer:
    """A Unigram tokenizer as Marian's and T5's: <pad> 0, </s> 1, <unk> 2, `</s>` ends a text."""
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    trainer = trainers.UnigramTrainer(
        vocab_size=size,
        special_tokens=["<pad>", "</s>", "<unk>"],
        unk_token="<unk>",
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="$A </s>", special_tokens=[("</s>", 1)]
    )
    return tokenizer


BYTES = {"eos_token": "<|endoftext|>", "bos_token": "<|endoftext|>"}
PIECES = {
    "pad_token": "[PAD]",
    "unk_token": "[UNK]",
    "cls_token": "[CLS]",
    "sep_token": "[SEP]",
    "mask_token": "[MASK]",
}
SENTENCES = {"pad_token": "<pad>", "eos_token": "</s>", "unk_token": "<unk>"}

SIZES: Config = {
    "hidden_size": WIDTH,
    "num_hidden_layers": LAYERS,
    "num_attention_heads": HEADS,
    "intermediate_size": 32,
    "max_position_embeddings": POSITIONS,
}
ENDS: Config = {"bos_token_id": 0, "eos_token_id": 0}
PADS: Config = {"pad_token_id": 0}
PAIR: Config = {
    "d_model": WIDTH,
    "encoder_layers": LAYERS,
    "decoder_layers": LAYERS,
    "encoder_attention_heads": HEADS,
    "decoder_attention_heads": HEADS,
    "encoder_ffn_dim": 32,
    "decoder_ffn_dim": 32,
    "max_position_embeddings": POSITIONS,
    "pad_token_id": 0,
    "bos_token_id": 0,
    "eos_token_id": 1,
    "decoder_start_token_id": 0,
    "forced_eos_token_id": 1,
}

# name: (model class, tokenizer, its special tokens, configuration)
Recipe = tuple[str, Callable[[], Tokenizer], dict[str, str], Config]


def _writer(kind: str, **more: Any) -> Recipe:
    return kind, byte_level, BYTES, {**SIZES, **ENDS, "pad_token_id": 0, **more}


def _reader(kind: str, **more: Any) -> Recipe:
    return kind, word_piece, PIECES, {**SIZES, **PADS, **more}


def _pair(kind: str, **more: Any) -> Recipe:
    return kind, sentences, SENTENCES, {**PAIR, **more}


GPT: Config = {"n_embd": WIDTH, "n_layer": LAYERS, "n_head": HEADS, "n_positions": POSITIONS}
GROUPED: Config = {"num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 8}
LEARNT = 48  # positions before they were stretched
FOUR: Config = {"num_attention_heads": 4, "num_key_value_heads": 2}
SLIDING = ["sliding_attention", "full_attention"]
EXPERTS: Config = {
    "num_experts": 4,
    "num_experts_per_tok": 2,
    "moe_intermediate_size": 16,
    "shared_expert_intermediate_size": 16,
    "decoder_sparse_step": 1,
}
LATENT: Config = {  # keys and values are kept as one narrow vector; a block without experts first
    "num_key_value_heads": HEADS,
    "kv_lora_rank": 12,
    "qk_nope_head_dim": 8,
    "qk_rope_head_dim": 4,
    "v_head_dim": 6,
    "first_k_dense_replace": 1,
    "n_routed_experts": 4,
    "num_experts_per_tok": 2,
    "n_shared_experts": 1,
    "n_group": 2,
    "topk_group": 1,
    "moe_intermediate_size": 16,
}
T5: Config = {
    "d_model": WIDTH,
    "d_kv": 8,
    "d_ff": 32,
    "num_layers": LAYERS,
    "num_decoder_layers": LAYERS,
    "num_heads": HEADS,
    "decoder_start_token_id": 0,
}

GEMMA: Config = {  # of each tower
    **SIZES,
    **GROUPED,
    "vocab_size": 200,  # that of `sentences`
    "query_pre_attn_scalar": 12,
    "sliding_window": 6,
    "pad_token_id": 0,
    "eos_token_id": 1,
    "bos_token_id": 2,
}

RECIPES: dict[str, Recipe] = {
    "gpt2": ("GPT2LMHeadModel", byte_level, BYTES, {**GPT, **ENDS}),
    "bert": _reader("BertForMaskedLM"),
    "bert-bare": _reader("BertModel"),
    "marian": _pair("MarianMTModel", scale_embedding=True),
    "openai-gpt": ("OpenAIGPTLMHeadModel", byte_level, BYTES, GPT),
    "gpt-neo": (
        "GPTNeoForCausalLM",
        byte_level,
        BYTES,
        {
            "hidden_size": WIDTH,
            "num_layers": LAYERS,
            "num_heads": HEADS,
            "attention_types": [[["global", "local"], 1]],
            "window_size": 4,
            "max_position_embeddings": POSITIONS,
            **ENDS,
        },
    ),
    "gptj": ("GPTJForCausalLM", byte_level, BYTES, {**GPT, "rotary_dim": 4, **ENDS}),
    "gpt-neox": _writer("GPTNeoXForCausalLM"),
    "bloom": (
        "BloomForCausalLM",
        byte_level,
        BYTES,
        {"hidden_size": WIDTH, "n_layer": LAYERS, "n_head": HEADS, **ENDS, "pad_token_id": 0},
    ),
    "opt": _writer(
        "OPTForCausalLM", ffn_dim=32, word_embed_proj_dim=WIDTH, do_layer_norm_before=True
    ),
    "opt-narrow": _writer(
        "OPTForCausalLM", ffn_dim=32, word_embed_proj_dim=8, do_layer_norm_before=False
    ),
    "llama": _writer("LlamaForCausalLM", **GROUPED),
    "mistral": _writer("MistralForCausalLM", **GROUPED, sliding_window=6),
    "qwen2": _writer("Qwen2ForCausalLM", num_key_value_heads=1),
    "qwen3": _writer("Qwen3ForCausalLM", **GROUPED),
    "gemma": _writer("GemmaForCausalLM", num_key_value_heads=1, head_dim=8),
    "gemma2": _writer("Gemma2ForCausalLM", **GROUPED, sliding_window=6, query_pre_attn_scalar=12),
    "gemma3": _writer("Gemma3ForCausalLM", **GROUPED, sliding_window=6, query_pre_attn_scalar=12),
    "phi3": _writer("Phi3ForCausalLM", num_key_value_heads=1),
    "phi3-longrope": _writer(
        "Phi3ForCausalLM",
        num_key_value_heads=1,
        original_max_position_embeddings=LEARNT,
        rope_parameters={
            "rope_type": "longrope",
            "rope_theta": 10000.0,
            "original_max_position_embeddings": LEARNT,
            "short_factor": [1.0, 1.1, 1.2, 1.3],
            "long_factor": [1.0, 2.0, 4.0, 8.0],
        },
    ),
    "llama-dynamic": _writer(
        "LlamaForCausalLM",
        **GROUPED,
        rope_parameters={"rope_type": "dynamic", "rope_theta": 10000.0, "factor": 2.0},
    ),
    "ministral": _writer("MinistralForCausalLM", **GROUPED, sliding_window=6),
    "ministral3": _writer("Ministral3ForCausalLM", **GROUPED),
    "smollm3": _writer("SmolLM3ForCausalLM", **GROUPED, no_rope_layers=[1, 0]),
    "olmo": _writer("OlmoForCausalLM", num_key_value_heads=1, clip_qkv=1.0),
    "olmo2": _writer("Olmo2ForCausalLM", num_key_value_heads=1),
    "olmo3": _writer(
        "Olmo3ForCausalLM", num_key_value_heads=1, sliding_window=6, layer_types=SLIDING
    ),
    "granite": _writer(
        "GraniteForCausalLM",
        num_key_value_heads=1,
        embedding_multiplier=3.0,
        logits_scaling=2.0,
        residual_multiplier=0.5,
        attention_multiplier=0.2,
    ),
    "stablelm": _writer(
        "StableLmForCausalLM", num_key_value_heads=1, use_qkv_bias=True, partial_rotary_factor=0.5
    ),
    "cohere": _writer("CohereForCausalLM", **FOUR, use_qk_norm=True),
    "cohere2": _writer("Cohere2ForCausalLM", **GROUPED, sliding_window=6, layer_types=SLIDING),
    "nemotron": _writer("NemotronForCausalLM", **GROUPED),
    "helium": _writer("HeliumForCausalLM", **FOUR, head_dim=4),
    "exaone4": _writer("Exaone4ForCausalLM", **GROUPED, sliding_window=6, layer_types=SLIDING),
    "starcoder2": _writer("Starcoder2ForCausalLM", num_key_value_heads=1, sliding_window=6),
    "glm": _writer("GlmForCausalLM", **GROUPED),
    "glm4": _writer("Glm4ForCausalLM", **GROUPED),
    "arcee": _writer("ArceeForCausalLM", **GROUPED),
    "apertus": _writer("ApertusForCausalLM", **FOUR),
    "ernie4-5": _writer("Ernie4_5ForCausalLM", **GROUPED),
    "hunyuan-v1-dense": _writer("HunYuanDenseV1ForCausalLM", **GROUPED),
    "seed-oss": _writer("SeedOssForCausalLM", **GROUPED),
    "mixtral": _writer("MixtralForCausalLM", **GROUPED, num_local_experts=4),
    "qwen2-moe": _writer("Qwen2MoeForCausalLM", num_key_value_heads=1, **EXPERTS),
    "qwen3-moe": _writer("Qwen3MoeForCausalLM", **GROUPED, **EXPERTS, norm_topk_prob=True),
    "olmoe": _writer("OlmoeForCausalLM", num_key_value_heads=1, **EXPERTS),
    "granitemoe": _writer("GraniteMoeForCausalLM", num_key_value_heads=1, num_local_experts=4),
    "gpt-oss": _writer(
        "GptOssForCausalLM", **GROUPED, num_local_experts=4, num_experts_per_tok=2, sliding_window=6
    ),
    "deepseek-v2": _writer("DeepseekV2ForCausalLM", **LATENT, q_lora_rank=None),
    "deepseek-v3": _writer("DeepseekV3ForCausalLM", **LATENT, q_lora_rank=12),
    "phi": _writer("PhiForCausalLM", partial_rotary_factor=0.5),
    "persimmon": _writer("PersimmonForCausalLM", partial_rotary_factor=0.5),
    "gpt-bigcode": ("GPTBigCodeForCausalLM", byte_level, BYTES, {**GPT, **ENDS}),
    "codegen": (
        "CodeGenForCausalLM",
        byte_level,
        BYTES,
        {**GPT, "n_embd": 32, "n_head": 4, "rotary_dim": 4, **ENDS},
    ),
    "mpt": (
        "MptForCausalLM",
        byte_level,
        BYTES,
        {"d_model": WIDTH, "n_layers": LAYERS, "n_heads": HEADS, "max_seq_len": POSITIONS, **ENDS},
    ),
    "biogpt": _writer("BioGptForCausalLM", pad_token_id=1),
    "falcon": _writer("FalconForCausalLM", multi_query=True, new_decoder_architecture=False),
    "falcon-new": _writer("FalconForCausalLM", new_decoder_architecture=True, num_kv_heads=1),
    "falcon-alibi": _writer(
        "FalconForCausalLM",
        multi_query=False,
        new_decoder_architecture=False,
        alibi=True,
        parallel_attn=False,
    ),
    "distilbert": _reader("DistilBertForMaskedLM", dim=WIDTH, hidden_dim=32),
    "roberta": _reader("RobertaForMaskedLM", type_vocab_size=1, pad_token_id=1),
    "xlm-roberta": _reader("XLMRobertaForMaskedLM", type_vocab_size=1, pad_token_id=1),
    "camembert": _reader("CamembertForMaskedLM", type_vocab_size=1, pad_token_id=1),
    "data2vec-text": _reader("Data2VecTextForMaskedLM", type_vocab_size=1, pad_token_id=1),
    "roberta-prelayernorm": _reader(
        "RobertaPreLayerNormForMaskedLM", type_vocab_size=1, pad_token_id=1
    ),
    "xlm-roberta-xl": _reader("XLMRobertaXLForMaskedLM", type_vocab_size=1, pad_token_id=1),
    "longformer": _reader(
        "LongformerForMaskedLM", attention_window=[4, 8], type_vocab_size=1, pad_token_id=1
    ),
    "big-bird": _reader("BigBirdForMaskedLM", block_size=2, num_random_blocks=3),
    "ernie": _reader("ErnieForMaskedLM"),
    "eurobert": _reader("EuroBertForMaskedLM", **GROUPED),
    "nomic-bert": _reader("NomicBertForMaskedLM", head_dim=8),
    "electra": _reader("ElectraForMaskedLM", embedding_size=WIDTH),
    "electra-narrow": _reader("ElectraForMaskedLM", embedding_size=8),
    "albert-groups": _reader(
        "AlbertForMaskedLM", embedding_size=8, num_hidden_groups=2, inner_group_num=1
    ),
    "albert": _reader("AlbertForMaskedLM", embedding_size=8),
    "modernbert": _reader(
        "ModernBertForMaskedLM",
        local_attention=8,
        global_attn_every_n_layers=2,
        cls_token_id=2,
        sep_token_id=3,
        bos_token_id=2,
        eos_token_id=3,
    ),
    "xlnet": (
        "XLNetModel",
        word_piece,
        PIECES,
        {"d_model": WIDTH, "n_layer": LAYERS, "n_head": HEADS, "d_inner": 32, **PADS},
    ),
    "deberta-v2": _reader(
        "DebertaV2ForMaskedLM",
        relative_attention=True,
        position_buckets=8,
        pos_att_type=["c2p", "p2c"],
        share_att_key=True,
        norm_rel_ebd="layer_norm",
        position_biased_input=False,
        type_vocab_size=0,
    ),
    "t5": ("T5ForConditionalGeneration", sentences, SENTENCES, T5),
    "mt5": (
        "MT5ForConditionalGeneration",
        sentences,
        SENTENCES,
        {**T5, "feed_forward_proj": "gated-gelu", "tie_word_embeddings": False},
    ),
    "umt5": (
        "UMT5ForConditionalGeneration",
        sentences,
        SENTENCES,
        {**T5, "feed_forward_proj": "gated-gelu"},
    ),
    "switch-transformers": (
        "SwitchTransformersForConditionalGeneration",
        sentences,
        SENTENCES,
        {
            **T5,
            "num_experts": 4,
            "expert_capacity": 64,
            "num_sparse_encoder_layers": 1,
            "num_sparse_decoder_layers": 1,
        },
    ),
    "t5gemma": (
        "T5GemmaForConditionalGeneration",
        sentences,
        SENTENCES,
        {"encoder": GEMMA, "decoder": GEMMA, "decoder_start_token_id": 2},
    ),
    "pegasus": _pair("PegasusForConditionalGeneration", scale_embedding=True),
    "blenderbot-small": _pair("BlenderbotSmallForConditionalGeneration"),
    "led": _pair(
        "LEDForConditionalGeneration",
        attention_window=[4, 8],
        max_encoder_position_embeddings=POSITIONS,
        max_decoder_position_embeddings=POSITIONS // 2,
    ),
    "plbart": _pair("PLBartForConditionalGeneration"),
    "bart": _pair("BartForConditionalGeneration"),
    "mbart": _pair("MBartForConditionalGeneration"),
    "m2m-100": _pair("M2M100ForConditionalGeneration", pad_token_id=1, eos_token_id=2),
}

# The checkpoint that is written as a GGUF file of each of llama.cpp's architectures.
TINY_GGUF = {
    "llama": "llama",
    "qwen2": "qwen2",
    "qwen3": "qwen3",
    "qwen2moe": "qwen2-moe",
    "qwen3moe": "qwen3-moe",
    "phi3": "phi3",
    "bloom": "bloom",
    "stablelm": "stablelm",
    "gpt2": "gpt2",
    "starcoder2": "starcoder2",
    "gemma2": "gemma2",
    "gemma3": "gemma3",
}
