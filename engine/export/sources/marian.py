"""The two SentencePiece models of an opus-mt checkpoint as two fast tokenizers with one id space.

`source.spm` cuts what is read, `target.spm` what is written, `vocab.json` gives both their ids. A
piece that only the other side has keeps its id under a name that no text contains, so that it is
never cut, unless it is a single letter: a letter that a side's model does not know is looked up
in `vocab.json` whole, as the slow tokenizer does. (That one looks up runs of unknown letters; this
one letter by letter.) Language codes such as `>>fra<<` are special tokens.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tokenizers import (
    AddedToken,
    Regex,
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    processors,
)

NOWHERE = "\ue000"  # a private character: marks pieces of the other side
RARE = -1e5  # score of a letter that the side's model does not know: the last resort
END, PAD, UNKNOWN = "</s>", "<pad>", "<unk>"


def convert(source: Path, folder: Path) -> None:
    """Write `tokenizer.json` (what is read) and `target.json` (what is written)."""
    ids = json.loads((source / "vocab.json").read_text(encoding="utf-8"))
    side(source / "source.spm", ids).save(str(folder / "tokenizer.json"))
    side(source / "target.spm", ids).save(str(folder / "target.json"))


def side(path: Path, ids: dict[str, int]) -> Tokenizer:
    """The tokenizer of one SentencePiece model with the ids of `vocab.json`."""
    from transformers.convert_slow_tokenizer import import_protobuf

    messages: Any = import_protobuf()  # one of two modules without types
    proto = messages.ModelProto()
    proto.ParseFromString(path.read_bytes())
    scores = {piece.piece: piece.score for piece in proto.pieces if piece.type == 1}
    codes = [name for name in ids if name.startswith(">>") and name.endswith("<<")]
    special = {END, PAD, UNKNOWN, *codes}
    lowest = min(scores.values())
    names = [NOWHERE * 2 + str(k) for k in range(max(ids.values()) + 1)]
    for name, k in ids.items():
        known = name in scores or name in special or len(name) == 1
        names[k] = name if known else name + NOWHERE
    pieces = [(name, float(scores.get(name, RARE if len(name) == 1 else lowest))) for name in names]
    tokenizer = Tokenizer(models.Unigram(pieces, unk_id=ids[UNKNOWN], byte_fallback=False))
    steps: list[normalizers.Normalizer] = [normalizers.Strip(), _spaces()]
    if proto.normalizer_spec.precompiled_charsmap:
        charsmap = normalizers.Precompiled(proto.normalizer_spec.precompiled_charsmap)
        steps = [charsmap, *steps]
    tokenizer.normalizer = normalizers.Sequence(steps)
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always", split=False)
    tokenizer.decoder = decoders.Metaspace(prepend_scheme="always")
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"$A {END}", special_tokens=[(END, ids[END])]
    )
    tokenizer.add_special_tokens([AddedToken(name, normalized=False) for name in sorted(special)])
    return tokenizer


def _spaces() -> normalizers.Normalizer:
    return normalizers.Replace(Regex(" {2,}"), " ")
