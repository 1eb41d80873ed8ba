"""Answers about n-grams and recurrence, once more: counts read from the file, gates one by one."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import numpy as np

from engine.api import Reading
from engine.predecessors import bundles
from tests.engine.truths.raw import ENGINE, SHIPPED, ids_of, places, said, softmax, truth

NGRAMS, RNN = SHIPPED / "tales-ngrams", SHIPPED / "tales-rnn"
TITLES = {
    **{f"window-{n}": f"n-grams (window {n})" for n in (1, 2, 4)},
    "recurrent": "Tales RNN",
    "transformer": "Tales GPT",
}


@cache
def counted() -> tuple[int, list[dict[str, Any]]]:
    """The file's arrays: of each length the words, the counts, where each context begins."""
    with np.load(NGRAMS / "tables.npz") as file:
        arrays = {name: file[name] for name in file.files}
    vocabulary, orders = int(arrays["vocabulary"]), []
    for n in range(1, 6):
        counts = arrays[f"{n}.counts"].astype(np.int64)
        lengths = arrays[f"{n}.lengths"].astype(np.int64) if n > 1 else np.array([len(counts)])
        words = arrays[f"{n}.words"].astype(np.int64) if n > 1 else np.arange(vocabulary)
        begins = np.concatenate([[0], np.cumsum(lengths)])
        discount = float(arrays[f"{n}.discount"])
        orders.append({"words": words, "counts": counts, "begins": begins, "discount": discount})
    return vocabulary, orders


def ngrams(context: list[int]) -> np.ndarray:
    """P(w | context) by its definition: what each order gives away is spread as the one below."""
    vocabulary, orders = counted()
    p = np.full(vocabulary, 1 / vocabulary)
    for length in range(len(context) + 1):
        entry, total = 0, int(orders[0]["counts"].sum())
        for depth, token in enumerate(context[len(context) - length :]):
            order = orders[depth]
            start, end = order["begins"][entry : entry + 2]
            at = np.flatnonzero(order["words"][start:end] == token)
            if not len(at):
                break
            entry = int(start + at[0])
            total = int(order["counts"][entry])
        else:
            order = orders[length]
            start, end = order["begins"][entry : entry + 2]
            given = np.maximum(order["counts"][start:end] - order["discount"], 0) / max(total, 1)
            p = p * (1 - given.sum())
            p[order["words"][start:end]] += given
    return p


def recurrent(ids: list[int]) -> np.ndarray:
    """The state after each token, gate by gate, then the shares of what comes next."""
    net = bundles.network(RNN)
    h = np.zeros(net.hidden)
    for token in ids:
        x = net.from_token.astype(np.float64) @ net.embedding[token] + net.token_bias
        s = net.from_state.astype(np.float64) @ h + net.state_bias
        (xr, xz, xn), (sr, sz, sn) = np.split(x, 3), np.split(s, 3)
        reset, update = 1 / (1 + np.exp(-xr - sr)), 1 / (1 + np.exp(-xz - sz))
        h = (1 - update) * np.tanh(xn + reset * sn) + update * h
    return softmax(net.embedding @ (net.project @ h + net.project_bias))


def shares(model: str, ids: list[int], predictor: str) -> np.ndarray:
    if predictor == "recurrent":
        return recurrent(ids)
    if predictor == "transformer":
        return softmax(ENGINE.following(model, tuple(ids)))
    return ngrams(ids[-int(predictor.removeprefix("window-")) :])


@truth
def best_of(model: str, text: str, predictor: str) -> str:
    return said(model, int(shares(model, ids_of(model, text), predictor).argmax()))


@truth
def window_matters(model: str, text: str, window: int) -> str:
    ids = ids_of(model, text)
    return "no" if np.allclose(ngrams(ids[-1:]), ngrams(ids[-window:]), rtol=1e-9) else "yes"


def moved(model: str, text: str, word: str, predictor: str) -> float:
    """Mean KL of the answers, in bits, with the engine's own replacements."""
    ids, place = ids_of(model, text), places(model, text, word)[-1]
    own = shares(model, ids, predictor)
    found = []
    for token in ENGINE.influence(model, text).tokens[:, len(ids) - 1 - place]:
        other = shares(model, [*ids[:place], int(token), *ids[place + 1 :]], predictor)
        found.append(float((own * np.log2(own / other)).sum()))
    return float(np.mean(found))


@truth
def changes_with(model: str, text: str, predictor: str, word: str) -> str:
    return "yes" if moved(model, text, word, predictor) > 1e-9 else "no"


@truth
def changed_most(model: str, text: str, word: str) -> str:
    bits = {title: moved(model, text, word, name) for name, title in TITLES.items()}
    return max(bits, key=lambda title: bits[title])


@truth
def contexts_kept(model: str, text: str, window: int) -> float:
    return float(len(counted()[1][window - 1]["words"]))


@truth
def fewest_bits(model: str, text: str) -> str:
    cards = [json.loads((folder / "card.json").read_text()) for folder in (NGRAMS, RNN)]
    bits = {TITLES[f"window-{n}"]: cards[0]["figures"][f"window {n}"] for n in (1, 2, 4)}
    bits["Tales RNN"] = cards[1]["figures"]["recurrent"]
    bits["Tales GPT"] = cards[1]["beside"][ENGINE.digest(model)]
    assert len(ENGINE.tokens(Reading(model, text))) > 0
    return min(bits, key=lambda title: bits[title])
