"""SentencePiece pairs become fast tokenizers that cut as the slow one does: 1,000 texts."""

from __future__ import annotations

import json
import random
import warnings
from pathlib import Path

import pytest
from tokenizers import Tokenizer

from engine.export.sources import marian
from tests.engine.recipes import CORPUS

spm = pytest.importorskip("sentencepiece")
ENGLISH, FRENCH = CORPUS[:4], CORPUS[4:] * 4


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """source.spm, target.spm and vocab.json as an opus-mt checkpoint has them."""
    root = tmp_path_factory.mktemp("opus")
    for side, texts in (("source", ENGLISH), ("target", FRENCH)):
        path = root / f"{side}.txt"
        path.write_text("\n".join(texts), encoding="utf-8")
        spm.SentencePieceTrainer.train(
            input=str(path),
            model_prefix=str(root / side),
            vocab_size=120 if side == "source" else 60,
            hard_vocab_limit=False,
            minloglevel=2,
        )
        (root / f"{side}.model").rename(root / f"{side}.spm")
    names = ["</s>", "<unk>"]
    for side in ("source", "target"):
        model = spm.SentencePieceProcessor(model_file=str(root / f"{side}.spm"))
        names += [model.id_to_piece(k) for k in range(3, model.get_piece_size())]
    names = [*dict.fromkeys(names), ">>fra<<", "<pad>"]
    (root / "vocab.json").write_text(json.dumps({name: k for k, name in enumerate(names)}))
    marian.convert(root, root)
    return root


def texts(count: int, corpus: list[str]) -> list[str]:
    """Words in any order, with spaces, signs and lone letters that no model knows."""
    chance = random.Random(7)
    words = " ".join(corpus).split()
    odd = ["", "  ", "ß", "é", "日", "H", "7", "…", "\t"]
    return [
        chance.choice([" ", "  "]).join(chance.choices(words + odd, k=chance.randint(1, 12)))
        for _ in range(count)
    ]


@pytest.mark.parametrize("side", ["source", "target"])
def test_a_thousand_texts_are_cut_as_the_slow_tokenizer_does(folder: Path, side: str) -> None:
    name = "tokenizer.json" if side == "source" else "target.json"
    fast = Tokenizer.from_file(str(folder / name))
    ids = json.loads((folder / "vocab.json").read_text())
    slow = spm.SentencePieceProcessor(model_file=str(folder / f"{side}.spm"))
    for text in texts(1000, ENGLISH if side == "source" else FRENCH):
        pieces = slow.encode(text, out_type=str)
        expected = [ids.get(piece, ids["<unk>"]) for piece in pieces] + [ids["</s>"]]
        assert fast.encode(text).ids == expected, text


def test_it_is_what_transformers_cuts(folder: Path) -> None:
    """A language code comes first, whole."""
    from transformers import MarianTokenizer

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        slow = MarianTokenizer(
            source_spm=str(folder / "source.spm"),
            target_spm=str(folder / "target.spm"),
            vocab=str(folder / "vocab.json"),
        )
        fast = Tokenizer.from_file(str(folder / "tokenizer.json"))
        for text in (CORPUS[0], f">>fra<< {CORPUS[1]}", "Hello, world!"):
            assert fast.encode(text).ids == slow(text).input_ids
