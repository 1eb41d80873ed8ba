"""How far the predictions of an int8 or int4 bundle are from those of the float32 model.

Its cells are not compared one by one, as `proof` does: what matters is whether it would say the
same. A text is read with padding in the batch, and one token more with the past of the first read;
an encoder-decoder reads its own encoder's source, so that its errors count too.
"""

from __future__ import annotations

import numpy as np
import onnxruntime as ort
from torch import Tensor

from engine.export.graphs.graph import Graph
from engine.export.proof import Arrays, continued, nested, padded, pair, reference, run, step, texts

Pair = tuple[Arrays, Arrays, Tensor]  # outputs of the graph, of PyTorch, and the mask of both


def agreement(
    sessions: dict[str, ort.InferenceSession], graphs: dict[str, Graph], several: list[list[int]]
) -> dict[str, float]:
    """`divergence` and `disagreement`, or `direction` where the model predicts nothing.

    Means over all tokens of the texts, given as ids.
    """
    return together([differences(_pairs(sessions, graphs, ids)) for ids in several])


def together(found: list[tuple[dict[str, float], int]]) -> dict[str, float]:
    """Means over the tokens of several texts, from those of each and its number of tokens."""
    count = sum(tokens for _, tokens in found)
    return {name: sum(one[name] * n for one, n in found) / count for name in found[0][0]}


def _pairs(
    sessions: dict[str, ort.InferenceSession], graphs: dict[str, Graph], ids: list[int]
) -> list[Pair]:
    """One text and one token more, by the graph and by PyTorch."""
    graph, session = graphs["model.onnx"], sessions["model.onnx"]
    family = graph.layout.family
    if family == "encoder":
        inputs = texts(graph, padded(ids, left=False))
        whole = run(session, inputs), reference(graph, inputs), inputs["attention_mask"]
        return [whole]
    ours = theirs = step(graph.model, padded(ids, left=True))
    if family == "encoder-decoder":
        theirs, reading = pair(sessions, graphs, ids, [])
        source = run(sessions["encoder.onnx"], reading)
        ours = {**theirs, "source": nested(source, "source", len(theirs["source"]))}
    got, expected = run(session, ours), reference(graph, theirs)
    more, more_expected = continued(ours, got), continued(theirs, expected)
    last = more["attention_mask"][:, -1:]
    following = run(session, more), reference(graph, more_expected), last
    return [(got, expected, theirs["attention_mask"]), following]


def differences(pairs: list[Pair]) -> tuple[dict[str, float], int]:
    """Means over the tokens that are no padding, and how many they are."""
    name = "logits" if "logits" in pairs[0][1] else _last_hidden(pairs[0][1])
    seen = [mask.bool().numpy() for _, _, mask in pairs]
    ours = np.concatenate([p[0][name][real] for p, real in zip(pairs, seen, strict=True)])
    theirs = np.concatenate([p[1][name][real] for p, real in zip(pairs, seen, strict=True)])
    if name != "logits":
        lengths = np.linalg.norm(ours, axis=-1) * np.linalg.norm(theirs, axis=-1)
        mean = float(1 - ((ours * theirs).sum(axis=-1) / lengths).mean())
        return {"direction": mean}, len(ours)
    a, b = _logarithms(ours), _logarithms(theirs)
    means = {
        "divergence": float((np.exp(b) * (b - a)).sum(axis=-1).mean()),
        "disagreement": float((a.argmax(axis=-1) != b.argmax(axis=-1)).mean()),
    }
    return means, len(ours)


def _last_hidden(found: Arrays) -> str:
    names = [name for name in found if name.startswith("hidden.")]
    return max(names, key=lambda name: int(name.split(".")[1]))


def _logarithms(logits: np.ndarray) -> np.ndarray:
    """Logarithms of the probabilities, [row, vocabulary]."""
    shifted = logits.astype(np.float64) - logits.max(axis=-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
