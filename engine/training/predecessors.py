"""Bundles of the predecessors: proof against PyTorch, figures on held-out text.

    python -m engine.training.predecessors pack    [--work DIR] [--shipped DIR]
    python -m engine.training.predecessors measure --corpora DIR [--shipped DIR]

`pack` makes the bundle of the last checkpoint of `tales-rnn`: matrices rounded to int8, then logits
and hidden states of our own network compared with PyTorch's, both with the rounded weights; a
difference over `CLOSE` leaves no bundle. `measure` counts the bits that a byte of the held-out
prose costs each predecessor that is there and the transformer whose tokens they share, all with the
same texts, and writes them into the cards.
"""

from __future__ import annotations

import argparse
import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import BinaryIO

import numpy as np
import torch
from tokenizers import Tokenizer

from engine import machine
from engine.export.weights.storage import int8_rows
from engine.models import runtime
from engine.models.bundle import Matrix, digest
from engine.predecessors import bundles, ngrams
from engine.predecessors.bundles import Card
from engine.predecessors.gru import Network
from engine.predecessors.predictors import log_softmax
from engine.training import corpora, tokenizers
from engine.training.fit.recurrent import Recurrent
from engine.training.measures import figures
from engine.training.shipping import SHIPPED, WORK

RNN, TOKENS_OF = "tales-rnn", "tales-gpt"
WEIGHTS = "weights.bin"
CLOSE = 1e-5  # the largest difference from PyTorch, over the largest value where that is above 1
PROOF = (4, 96)  # rows and tokens that both read


def place_bundle(place: Path, fill: Callable[[Path], Card]) -> Path:
    """Write a bundle aside and rename it, so that an app that runs never sees half of it.

    `fill` writes the files into a folder and gives a card without their digests.
    """
    fresh, old = (place.with_name(mark + place.name) for mark in (".new-", ".old-"))
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    card = fill(fresh)
    files = {path.name: digest(path) for path in sorted(fresh.iterdir())}
    write_card(fresh, replace(card, files=files))
    if place.exists():
        place.rename(old)
    fresh.rename(place)
    shutil.rmtree(old, ignore_errors=True)
    return place


def write_card(folder: Path, card: Card) -> None:
    """Write card.json."""
    text = json.dumps(asdict(card), indent=1, ensure_ascii=False)
    (folder / bundles.CARD).write_text(f"{text}\n", encoding="utf-8")


def pack(*, work: Path = WORK, shipped: Path = SHIPPED, tokenizer: Path | None = None) -> Path:
    """Make the bundle of the recurrent network's last checkpoint."""
    checkpoint = work / RNN / "checkpoint"
    model = Recurrent.from_pretrained(checkpoint).float().eval()
    course = json.loads((checkpoint / "course.json").read_text())
    tokenizer = tokenizers.path(TOKENS_OF) if tokenizer is None else tokenizer

    def fill(folder: Path) -> Card:
        matrices = write_weights(model, folder / WEIGHTS)
        errors = proof(bundles.assembled(folder, matrices), model)
        if max(errors.values()) > CLOSE:
            raise SystemExit(f"{RNN} differs from PyTorch by {errors}: no bundle was made.")
        return Card(
            kind="recurrent",
            name=RNN,
            title="Tales RNN",
            licence="apache-2.0",
            source="engine/training/tales_rnn.py",
            tokens_of=TOKENS_OF,
            tokenizer=digest(tokenizer),
            vocabulary=model.config.vocab_size,
            parameters=sum(one.numel() for one in model.parameters()),
            files={},
            matrices=matrices,
            errors=errors,
            notes=(
                f"Trained for {course['seconds'] / 60:.0f} minutes: {course['step']:,} steps, "
                f"{course['tokens'] / 1e6:.1f} million tokens.",
                f"One layer of {model.config.hidden} gated recurrent units, token vectors of "
                f"{model.config.width} numbers.",
            ),
        )

    return place_bundle(shipped / RNN, fill)


def write_weights(model: Recurrent, path: Path) -> dict[str, Matrix]:
    """Round the model's matrices in place and write them; where each lies."""
    gru = model.gru
    parts = {
        "embedding": model.embedding.weight,
        "from_token": gru.weight_ih_l0,
        "from_state": gru.weight_hh_l0,
        "token_bias": gru.bias_ih_l0,
        "state_bias": gru.bias_hh_l0,
        "project": model.project.weight,
        "project_bias": model.project.bias,
    }
    found: dict[str, Matrix] = {}
    with path.open("wb") as file, torch.no_grad():
        for name, parameter in parts.items():
            values, scales = parameter.detach().numpy(), None
            if parameter.ndim == 2:
                stored, rounded = int8_rows(values)
                parameter.copy_(torch.from_numpy(rounded))
                values, scales = stored.values, stored.scales
            rows, columns = values.shape if values.ndim == 2 else (1, len(values))
            at = _write(file, values)
            scales_at = None if scales is None else _write(file, scales)
            found[name] = Matrix(path.name, at, (rows, columns), str(values.dtype), scales_at)
    return found


def _write(file: BinaryIO, values: np.ndarray) -> int:
    file.write(bytes(-file.tell() % 64))
    at = file.tell()
    file.write(np.ascontiguousarray(values).tobytes())
    return at


def proof(network: Network, model: Recurrent) -> dict[str, float]:
    """Largest differences of hidden states and logits from PyTorch's, for the same tokens."""
    rng = np.random.default_rng(0)
    ids = rng.integers(0, network.vocabulary, PROOF)
    with torch.no_grad():
        states = model.states(torch.from_numpy(ids)).numpy()
        logits = model(torch.from_numpy(ids)).numpy()
    ours = network.read(ids).states
    return {"hidden": _error(ours, states), "logits": _error(network.logits(ours), logits)}


def _error(ours: np.ndarray, theirs: np.ndarray) -> float:
    return float(np.abs(ours - theirs).max() / max(1.0, np.abs(theirs).max()))


# -- figures -------------------------------------------------------------------------------------


def measure(texts: Sequence[str], *, shipped: Path = SHIPPED) -> dict[str, float]:
    """Bits per byte of every predecessor in a folder and of the transformer beside them.

    They are written into the predecessors' cards, with the digest of the transformer's card.
    """
    machine.settle()
    transformer = runtime.open_bundle(shipped / TOKENS_OF)
    size = sum(len(text.encode("utf-8")) for text in texts)
    documents = list(_documents(figures.tokenizer_of(transformer), texts))
    beside = {transformer.digest: figures.bits_per_byte(transformer, texts)}
    every = {TOKENS_OF: beside[transformer.digest]}
    for folder in sorted(shipped.iterdir()):
        if not bundles.is_predecessor(folder):
            continue
        card = bundles.read_card(folder)
        if card.kind == "ngrams":
            table = bundles.table(folder)
            found = {
                f"window {n}": table_bits(table, documents, n) / size
                for n in range(table.window + 1)
            }
        else:
            found = {"recurrent": network_bits(bundles.network(folder), documents) / size}
        write_card(folder, replace(card, figures=found, beside=beside))
        every |= {f"{card.name}, {name}": value for name, value in found.items()}
    return every


def _documents(tokenizer: Tokenizer, texts: Sequence[str]) -> Iterator[np.ndarray]:
    """Each text's ids, an end-of-text token before them: it is read, but not predicted."""
    start = tokenizer.token_to_id(tokenizers.END_OF_TEXT)
    for text in texts:
        yield np.array([start, *tokenizer.encode(text).ids])


def table_bits(table: ngrams.Table, documents: Sequence[np.ndarray], window: int) -> float:
    """Bits that all tokens but the first of each document cost a table."""
    total = 0.0
    for ids in documents:
        padded = np.concatenate([np.full(window, -1), ids])
        contexts = np.lib.stride_tricks.sliding_window_view(padded, window + 1)[:-1, 1:]
        total += ngrams.bits(table.probabilities(contexts, ids[1:], window))
    return total


def network_bits(
    network: Network, documents: Sequence[np.ndarray], *, rows: int = 64, piece: int = 64
) -> float:
    """The same for a network, which reads each document from its beginning to its end.

    Documents are read side by side, `piece` tokens at a time.
    """
    total = 0.0
    order = sorted(documents, key=len)
    for group in (order[start : start + rows] for start in range(0, len(order), rows)):
        longest = len(group[-1])
        ids = np.zeros((len(group), longest), dtype=np.int64)
        for row, document in enumerate(group):
            ids[row, : len(document)] = document
        lengths, state = np.array([len(one) for one in group]), network.start(len(group))
        for start in range(0, longest - 1, piece):
            end = min(start + piece, longest - 1)
            states = network.read(ids[:, start:end], state).states
            state = states[:, -1]
            for row in np.flatnonzero(lengths > start + 1):
                stop = min(end, lengths[row] - 1)
                wide = log_softmax(network.logits(states[row, : stop - start]))
                log = wide[np.arange(stop - start), ids[row, start + 1 : stop + 1]]
                total -= float(log.sum()) / np.log(2)
    return total


def main() -> None:
    """Read the command line; pack or measure."""
    parser = argparse.ArgumentParser(
        prog="python -m engine.training.predecessors", description=__doc__
    )
    parser.add_argument("act", choices=["pack", "measure"])
    parser.add_argument("--work", type=Path, default=WORK, help="where checkpoints are kept")
    parser.add_argument("--shipped", type=Path, default=SHIPPED, help="folder of the bundles")
    parser.add_argument("--corpora", type=Path, help="folder of the corpora, to measure")
    options = parser.parse_args()
    if options.act == "pack":
        print(pack(work=options.work, shipped=options.shipped))
        return
    if options.corpora is None:
        parser.error("measure needs --corpora DIR")
    texts = corpora.prose(options.corpora).held_out[:1000]
    for name, value in measure(texts, shipped=options.shipped).items():
        print(f"{value:.3f} bits per byte  {name}")


if __name__ == "__main__":
    main()
