"""Tiny random checkpoints of each family, saved as the Hub keeps them, with a real tokenizer.

    save("gpt2", folder)     config.json, model.safetensors, tokenizer.json, ...
    Bundles(root)("gpt2")    the folder of its bundle, exported once whoever asks

Two layers of width 16: an export takes seconds. Weights are drawn wide enough for the heads to
differ. torch and transformers are imported only when a checkpoint is made.
"""

from __future__ import annotations

import gc
import inspect
import os
import shutil
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock
from tokenizers import (
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    processors,
    trainers,
)

from tests.engine import kept
from tests.engine.kept import Kept

ROOT = Path(__file__).resolve().parents[2]
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
T5: Config = {
    "d_model": WIDTH,
    "d_kv": 8,
    "d_ff": 32,
    "num_layers": LAYERS,
    "num_decoder_layers": LAYERS,
    "num_heads": HEADS,
    "decoder_start_token_id": 0,
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
    "electra": _reader("ElectraForMaskedLM", embedding_size=WIDTH),
    "electra-narrow": _reader("ElectraForMaskedLM", embedding_size=8),
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
    "bart": _pair("BartForConditionalGeneration"),
    "mbart": _pair("MBartForConditionalGeneration"),
    "m2m-100": _pair("M2M100ForConditionalGeneration", pad_token_id=1, eos_token_id=2),
}


def recipe(name: str) -> str:
    """All that `save` makes a checkpoint of, as text."""
    kind, make_tokenizer, special, config = RECIPES[name]
    code = [inspect.getsource(function) for function in (make_tokenizer, save, spread)]
    return repr((kind, special, config, CORPUS, code))


def save(name: str, folder: Path) -> None:
    """Make the checkpoint called `name` in `folder`."""
    import torch
    import transformers

    kind, make_tokenizer, special, config = RECIPES[name]
    tokenizer = make_tokenizer()
    torch.manual_seed(20260101)
    model_class = getattr(transformers, kind)
    settings = model_class.config_class(**{"vocab_size": tokenizer.get_vocab_size(), **config})
    model = model_class(settings)
    spread(model)
    model.save_pretrained(folder)
    fast = transformers.PreTrainedTokenizerFast(tokenizer_object=tokenizer, **special)
    fast.save_pretrained(folder)


def spread(model: Any) -> None:
    """Draw the weights wider than training starts with: attention far from uniform."""
    import torch

    with torch.no_grad():
        for parameter in model.parameters():
            if not parameter.requires_grad:
                continue
            if parameter.ndim > 1:
                parameter.normal_(0, 0.3)
            else:
                parameter.add_(torch.randn_like(parameter) * 0.1)
        for name, buffer in model.named_buffers():
            if name == "final_logits_bias":
                buffer.normal_(0, 0.3)


class Bundles:
    """Checkpoints and bundles under one folder, each made once even by several processes.

    What an earlier run made of the same sources is copied from where it was kept.
    """

    def __init__(self, root: Path, stock: Kept | None = None) -> None:
        self.root = root
        self.stock = stock or Kept(kept.folder())
        root.mkdir(parents=True, exist_ok=True)

    def checkpoint(self, name: str, make: Callable[[str, Path], None] = save) -> Path:
        """The folder of a checkpoint, made by `make(name, folder)`."""
        written = recipe(name) if make is save else kept.files_of(save, make)
        digest = kept.key("checkpoint", name, written, kept.versions())
        folder = self.root / "checkpoints" / name
        return self._once(folder, digest, lambda folder: make(name, folder))

    def __call__(self, name: str, *options: str) -> Path:
        """The folder of a bundle; options such as "--store", "int8" make another bundle."""
        return self.of(self.checkpoint(name), name, *options)

    def of(self, source: Path, name: str, *options: str) -> Path:
        """The bundle of a checkpoint that lies elsewhere."""
        # A card names the folder that it was made of.
        parts = (source.name, kept.of_files(source), *options, kept.exporter())
        folder = self.root / "bundles" / "-".join([name, *(o.strip("-") for o in options)])
        return self._once(
            folder, kept.key("bundle", *parts), lambda out: export(source, out, *options)
        )

    def _once(self, folder: Path, digest: str, make: Callable[[Path], None]) -> Path:
        lock = self.root / f"{folder.parent.name}-{folder.name}.lock"
        with FileLock(lock):
            done = folder.with_name(f"{folder.name}.done")
            if not done.exists():
                shutil.rmtree(folder, ignore_errors=True)
                self.stock.into(folder, digest, make)
                done.touch()
        return folder


@contextmanager
def no_garbage_collection() -> Iterator[None]:
    """Tracing makes millions of small objects that live to its end: looked through in vain."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def export(source: Path, out: Path, *options: str) -> None:
    """Run the export command, as a person would; in this process where torch is loaded anyway."""
    arguments = [str(source), "--out", str(out), *options]
    if "torch" in sys.modules:
        from engine.export.__main__ import main

        with warnings.catch_warnings(), no_garbage_collection():
            warnings.simplefilter("ignore")
            assert main(arguments) == 0, f"export of {source.name} failed"
        return
    done = subprocess.run(
        [sys.executable, "-m", "engine.export", *arguments],
        cwd=ROOT,
        env={**os.environ, "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise RuntimeError(f"export of {source.name} failed:\n{done.stdout}{done.stderr[-3000:]}")
