"""The fast tokenizer of a checkpoint, written as the bundle's `tokenizer.json`.

A checkpoint's own `tokenizer.json` is copied as it is. Others are converted by transformers.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

from engine.errors import ExportFailed
from engine.export.sources.place import full

FILE = "tokenizer.json"


def write_tokenizer(source: Path, folder: Path) -> Tokenizer:
    """Put the tokenizer of the checkpoint in `source` into a bundle's folder and open it."""
    if (source / FILE).is_file():
        shutil.copyfile(source / FILE, folder / FILE)
        if (source / "target.json").is_file():
            shutil.copyfile(source / "target.json", folder / "target.json")
    elif (source / "source.spm").is_file():
        _convert_pair(source, folder)
    else:
        _convert(source, folder)
    return open_tokenizer(folder / FILE)


def open_tokenizer(path: Path) -> Tokenizer:
    """Open a `tokenizer.json`; raise `ExportFailed` when it cannot be read."""
    try:
        return Tokenizer.from_file(str(path))
    except Exception as error:  # the library raises bare Exception
        raise ExportFailed(
            f"The checkpoint's {path.name} cannot be read ({error}). Download it again."
        ) from None


def _convert(source: Path, folder: Path) -> None:
    from transformers import AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(source, use_fast=True, trust_remote_code=False)
        added = set(tokenizer.backend_tokenizer.get_added_tokens_decoder())
        if not set(tokenizer.backend_tokenizer.get_vocab().values()) - added:
            # Without any file transformers makes a tokenizer that knows no word.
            raise ValueError("it has no vocabulary")
        tokenizer.backend_tokenizer.save(str(folder / FILE))
    except Exception as error:
        if full(error):
            raise
        raise ExportFailed(
            f"The checkpoint's tokenizer cannot be converted ({error}). Choose a model that has "
            f"a {FILE}."
        ) from None


def _convert_pair(source: Path, folder: Path) -> None:
    from engine.export.sources import marian

    try:
        marian.convert(source, folder)
    except Exception as error:  # the libraries raise bare Exception and errors of their own
        if full(error):
            raise
        raise ExportFailed(
            f"The checkpoint's SentencePiece models cannot be converted ({error}). Download the "
            "model again."
        ) from None


def settings_of(source: Path) -> dict[str, Any]:
    """What the checkpoint's `tokenizer_config.json` says; empty where there is none."""
    try:
        return json.loads((source / "tokenizer_config.json").read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return {}


def special(source: Path, tokenizer: Tokenizer, name: str) -> int | None:
    """The id of a special token (`mask_token`, `pad_token`) named in the checkpoint's files."""
    entry = settings_of(source).get(name)
    if entry is None:
        path = source / "special_tokens_map.json"
        entry = json.loads(path.read_text(encoding="utf-8")).get(name) if path.is_file() else None
    if isinstance(entry, dict):
        entry = entry.get("content")
    if entry is None and name == "mask_token":
        # BERT's and RoBERTa's own, where the files name none.
        usual = (one for one in ("[MASK]", "<mask>") if tokenizer.token_to_id(one) is not None)
        entry = next(usual, None)
    return tokenizer.token_to_id(entry) if isinstance(entry, str) else None


NAMED = ("bos", "eos", "unk", "sep", "pad", "cls", "mask")


def named(source: Path) -> dict[str, str]:
    """The special tokens that a chat template knows: `{"bos_token": "<s>"}`."""
    from transformers import AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(source, use_fast=True, trust_remote_code=False)
        return dict(tokenizer.special_tokens_map)
    except Exception:  # the libraries raise whatever they like; the files say most of it too
        entries = {f"{name}_token": settings_of(source).get(f"{name}_token") for name in NAMED}
        contents = {
            name: one.get("content") if isinstance(one, dict) else one
            for name, one in entries.items()
        }
        return {name: one for name, one in contents.items() if isinstance(one, str)}


def beyond(tokenizer: Tokenizer, rows: int) -> list[str]:
    """What is to be said of tokens that the model has no vector for; nothing where it has all."""
    ids = sorted(i for i in tokenizer.get_vocab().values() if i >= rows)
    if not ids:
        return []
    names = ", ".join(str(tokenizer.id_to_token(i))[:40] for i in ids[:3])
    more = f" and {len(ids) - 3:,} more" if len(ids) > 3 else ""
    return [
        f"The tokenizer has {len(ids):,} token{'s' if len(ids) > 1 else ''} that the model has no "
        f"vector for ({names}{more}; the model has {rows:,} rows): a text with one of them cannot "
        "be read."
    ]


def kind(tokenizer: Tokenizer) -> str:
    """The name of the algorithm: BPE, WordPiece, Unigram or WordLevel."""
    return type(tokenizer.model).__name__
