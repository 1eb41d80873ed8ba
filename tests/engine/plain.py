"""The smallest bundles that open: real files and digests, graphs of one look-up, made in ms.

For tests of what is around a model (catalog, opening, closing, breaking). Numbers of real
models are tested with the exported `bundles`.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from tokenizers import (
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    processors,
    trainers,
)

from engine.models.bundle import digest
from tests.engine.recipes import sentences

WORDS = ["the cat sat on the mat", "le chat dort", "the teacher taught the student"] * 5


def write_bundle(folder: Path, *, title: str = "Plain", **changes: object) -> Path:
    """Write a bundle of a decoder with one look-up; `changes` go into its card."""
    folder.mkdir(parents=True)
    table = np.arange(300 * 4, dtype=np.float32).reshape(300, 4)
    table.tofile(folder / "weights.bin")
    byte_level().save(str(folder / "tokenizer.json"))
    onnx.save(look_up(table), folder / "model.onnx")
    onnx.save(ordering(), folder / "rows.onnx")
    names = ("tokenizer.json", "model.onnx", "rows.onnx", "weights.bin")
    stack = {"layers": 1, "heads": 2, "key_heads": 2, "dim": 2}
    card = {
        "name": folder.name, "title": title, "family": "decoder", "architecture": "Plain",
        "encoder": None, "decoder": stack, "width": 4, "vocabulary": 300, "positions": "learned",
        "limit": 16, "precision": "fp32", "parameters": 1200, "licence": "Apache-2.0",
        "source": "", "revision": "", "exporter": "test", "given": [], "errors": {},
        "files": {name: digest(folder / name) for name in names}, "generation": {},
        "vectors": {"token": {"file": "weights.bin", "offset": 0, "shape": [300, 4],
                              "dtype": "float32"}},
        "format": 1,
    }  # fmt: skip
    (folder / "card.json").write_text(json.dumps(card | changes))
    return folder


def look_up(table: np.ndarray) -> onnx.ModelProto:
    """A graph: hidden.0 = table[input_ids]."""
    graph = helper.make_graph(
        [helper.make_node("Gather", ["table", "input_ids"], ["hidden.0"])],
        "plain",
        [helper.make_tensor_value_info("input_ids", TensorProto.INT64, ["batch", "token"])],
        [helper.make_tensor_value_info("hidden.0", TensorProto.FLOAT, ["batch", "token", 4])],
        [numpy_helper.from_array(table, "table")],
    )
    found = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)])
    found.ir_version = 8
    return found


def ordering() -> onnx.ModelProto:
    """A graph: past.0.key = present.0.key in the order of rows."""
    past = ["row", 2, "length", 2]
    graph = helper.make_graph(
        [helper.make_node("Gather", ["present.0.key", "rows"], ["past.0.key"])],
        "rows",
        [
            helper.make_tensor_value_info("rows", TensorProto.INT64, ["batch"]),
            helper.make_tensor_value_info("present.0.key", TensorProto.FLOAT, past),
        ],
        [helper.make_tensor_value_info("past.0.key", TensorProto.FLOAT, ["batch", *past[1:]])],
    )
    found = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)])
    found.ir_version = 8
    return found


def byte_level() -> Tokenizer:
    """GPT-2's way of writing pieces, with one special token."""
    found = Tokenizer(models.BPE())
    found.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    found.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=290,
        special_tokens=["<|end|>"],
        initial_alphabet=alphabet,
        show_progress=False,
    )
    found.train_from_iterator(WORDS, trainer)
    return found


def word_pieces() -> Tokenizer:
    """BERT's way, with its pair template, truncation and padding switched on."""
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "the", "cat", "sat", "on", "mat"]
    pieces += ["##s", "a", "b", "c", ".", ","]
    vocabulary = {piece: place for place, piece in enumerate(pieces)}
    found = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    found.normalizer = normalizers.BertNormalizer()
    found.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    found.decoder = decoders.WordPiece()
    found.add_special_tokens(pieces[:5])
    found.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", 2), ("[SEP]", 3)],
    )
    found.enable_truncation(6)
    found.enable_padding(length=12)
    return found


def sentence_pieces() -> Tokenizer:
    """SentencePiece's unigram way, normalised as NFKC."""
    return sentences(WORDS, size=80)


def byte_fallback() -> Tokenizer:
    """LLaMA's way: BPE with `▁`, and `<0xE2>` for bytes that no piece covers."""
    pieces = ["<unk>", "<s>", *(f"<0x{byte:02X}>" for byte in range(256)), "▁", "c", "a", "t", "▁c"]
    vocabulary = {piece: place for place, piece in enumerate(pieces)}
    model = models.BPE(
        vocabulary, [("▁", "c")], unk_token="<unk>", fuse_unk=True, byte_fallback=True
    )
    found = Tokenizer(model)
    found.normalizer = normalizers.Sequence(
        [normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")]
    )
    found.decoder = decoders.Sequence(
        [
            decoders.Replace("▁", " "),
            decoders.ByteFallback(),
            decoders.Fuse(),
            decoders.Strip(" ", 1, 0),
        ]
    )
    return found
