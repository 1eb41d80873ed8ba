"""The three kinds of tokenizer that the pages compare, each trained on the recipe's own text.

`byte_level` cuts as GPT-2 does, `unigram` as SentencePiece does, `word_piece` as BERT does. Each
comes wrapped for transformers, so that `save_pretrained` writes the files that exporters expect.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from tokenizers import (
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    processors,
    trainers,
)
from transformers import PreTrainedTokenizerFast

SHIPPED = Path("assets/models")
END_OF_TEXT = "<|endoftext|>"
END, UNKNOWN, PAD = "</s>", "<unk>", "<pad>"
BERT_SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")  # ids 0 to 4


def saved(folder: Path) -> PreTrainedTokenizerFast | None:
    """The tokenizer of an earlier checkpoint, so that a resumed training keeps its ids."""
    path = folder / "checkpoint"
    return PreTrainedTokenizerFast.from_pretrained(path) if path.exists() else None


def path(name: str) -> Path:
    """The tokenizer's file of a model that comes along, for models that share its tokens."""
    return SHIPPED / name / "tokenizer.json"


def whole(path: Path) -> Tokenizer:
    """The tokenizer of a file that our own recipe made."""
    return Tokenizer.from_file(str(path))


def shipped(name: str) -> PreTrainedTokenizerFast:
    """The byte-level tokenizer of a model that comes along, wrapped for transformers."""
    return PreTrainedTokenizerFast(
        tokenizer_file=str(path(name)), bos_token=END_OF_TEXT, eos_token=END_OF_TEXT
    )


def number(tokenizer: PreTrainedTokenizerFast, piece: str) -> int:
    """The id of a piece that must be in the vocabulary."""
    return tokenizer.get_vocab()[piece]


def byte_level(texts: Iterable[str], *, size: int) -> PreTrainedTokenizerFast:
    """Byte-level BPE; one special token, which ends a text."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        special_tokens=[END_OF_TEXT],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token=END_OF_TEXT, eos_token=END_OF_TEXT
    )


def unigram(texts: Iterable[str], *, size: int) -> PreTrainedTokenizerFast:
    """Unigram with `▁` for a space, one vocabulary for both languages; `</s>` ends a text."""
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.NFKC(), normalizers.Replace("’", "'"), normalizers.Strip()]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    trainer = trainers.UnigramTrainer(
        vocab_size=size,
        special_tokens=[END, UNKNOWN, PAD],
        unk_token=UNKNOWN,
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="$A </s>", pair="$A $B </s>", special_tokens=[(END, 0)]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, eos_token=END, unk_token=UNKNOWN, pad_token=PAD
    )


def word_piece(texts: Iterable[str], *, size: int) -> PreTrainedTokenizerFast:
    """Lower-case WordPiece with BERT's special tokens."""
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    trainer = trainers.WordPieceTrainer(
        vocab_size=size, special_tokens=list(BERT_SPECIAL), show_progress=False
    )
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", 2), ("[SEP]", 3)],
    )
    names = ("pad_token", "unk_token", "cls_token", "sep_token", "mask_token")
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, **dict(zip(names, BERT_SPECIAL, strict=True))
    )
