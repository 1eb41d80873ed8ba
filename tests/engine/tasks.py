"""Tiny pairs of towers that are told what to do: task prefixes (T5), languages (M2M-100, mBART).

    told(bundles, "t5-tasks")     the folder of its bundle, and of its checkpoint

Made of the recipes of `checkpoints`, with what the Hub's own files add: tasks in the configuration
of a T5, marks of languages in the tokenizer of an M2M-100 and of an mBART.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tokenizers import AddedToken, Tokenizer, processors

from tests.engine.checkpoints import Bundles, save, spread
from tests.engine.recipes import PAIR, SENTENCES, sentences

TASKS = {
    "summarization": {"prefix": "summarize: "},
    "translation_en_to_fr": {"prefix": "translate English to French: "},
}
MARKS = {
    "m2m-languages": ("M2M100ForConditionalGeneration", ("__de__", "__en__", "__fr__")),
    "mbart-languages": ("MBartForConditionalGeneration", ("de_DE", "en_XX", "fr_XX")),
}
NAMES = ("t5-tasks", *MARKS)


def told(bundles: Bundles, name: str) -> tuple[Path, Path]:
    """The folders of a bundle and of the checkpoint that it was exported from."""
    source = bundles.checkpoint(name, _make)
    return bundles.of(source, name), source


def _make(name: str, folder: Path) -> None:
    if name == "t5-tasks":
        save("t5", folder)
        path = folder / "config.json"
        config = json.loads(path.read_text(encoding="utf-8"))
        path.write_text(json.dumps(config | {"task_specific_params": TASKS}), encoding="utf-8")
        return
    _lingual(*MARKS[name], folder=folder)


def _lingual(kind: str, marks: tuple[str, ...], *, folder: Path) -> None:
    import torch
    import transformers

    tokenizer = _marked(marks)
    torch.manual_seed(20260102)
    model_class: Any = getattr(transformers, kind)
    more = {"vocab_size": tokenizer.get_vocab_size(), "forced_eos_token_id": None}
    settings = model_class.config_class(**{**PAIR, **more, "decoder_start_token_id": 1})
    model = model_class(settings)
    spread(model)
    model.save_pretrained(folder)
    fast = transformers.PreTrainedTokenizerFast(tokenizer_object=tokenizer, **SENTENCES)
    fast.save_pretrained(folder)


def _marked(marks: tuple[str, ...]) -> Tokenizer:
    """A tokenizer that says a text is English: `__en__ The cat </s>`."""
    tokenizer = sentences()
    tokenizer.add_special_tokens([AddedToken(mark, special=True) for mark in marks])
    english = marks[1]
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{english} $A </s>",
        special_tokens=[(english, tokenizer.token_to_id(english)), ("</s>", 1)],
    )
    return tokenizer
