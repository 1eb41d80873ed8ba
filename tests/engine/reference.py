"""The trusted second opinion of the export tests: transformers with its own eager attention."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort

from engine.decoding.beams import Search
from engine.models.runtime import Bundle
from engine.tokenizers.tokens import tokenize

Arrays = dict[str, np.ndarray]

TEXTS = (
    "The cat sat on the mat.",
    "a",  # one token (and its special ones)
    "The river bank was steep, but he had money in the bank.",
    "12 hours",
    "Once upon a time there was a little girl who lived in a village near the forest.",
    "the the the the",
    "Où est l'hôtel, s'il vous plaît ?",
    "She said: 'no'; he said: \"yes\"!",
    "dog",
    "A quick brown fox jumps over the lazy dog, then sleeps, and it does not care at all.",
)


@cache
def session(path: Path) -> ort.InferenceSession:
    """A graph opened on the CPU."""
    return ort.InferenceSession(str(path), providers=["CPUExecutionProvider"])


def run(path: Path, **feeds: Any) -> Arrays:
    """All outputs; feeds not given are made for a text without a past, all heads on."""
    opened = session(path)
    inputs = {node.name: node for node in opened.get_inputs()}
    batch, length = np.asarray(feeds["input_ids"]).shape
    full = {"attention_mask": np.ones((batch, length))}
    full |= {"first": np.arange(length), "segments": np.zeros((batch, length))}
    full |= {key.replace("__", "."): value for key, value in feeds.items()}
    for name, node in inputs.items():
        if name.startswith("past.") and name not in full:
            full[name] = np.zeros((batch, node.shape[1], 0, node.shape[3]))
        if (name.endswith("head_mask") or name == "keep") and name not in full:
            full[name] = np.ones(node.shape)
    types = {"tensor(int64)": np.int64, "tensor(float)": np.float32}
    typed = {name: np.asarray(full[name], types[inputs[name].type]) for name in inputs}
    names = [node.name for node in opened.get_outputs()]
    return dict(zip(names, opened.run(names, typed), strict=True))  # type: ignore[arg-type]


def past_of(found: Arrays) -> Arrays:
    """The present of one call as the past of the next."""
    return {
        name.replace("present.", "past."): value
        for name, value in found.items()
        if name.startswith("present.")
    }


def ordered(folder: Path, rows: np.ndarray, values: Arrays) -> Arrays:
    """Keys and values of a past or a source in the order of `rows`, by the bundle's own graph."""
    graph, kind = session(folder / "rows.onnx"), next(iter(values)).split(".")[0]
    feeds = {name.replace(kind, "present", 1): value for name, value in values.items()}
    names = [node.name for node in graph.get_outputs()]
    found = graph.run(names, {"rows": rows, **feeds})
    kept = [name.replace("past", kind, 1) for name in names]
    return dict(zip(kept, found, strict=True))  # type: ignore[arg-type]


def load(folder: Path, positions: str = "") -> Any:
    """The checkpoint as transformers runs it, eager.

    Falcon's eager attention adds its ALiBi slope twice in transformers 5.23 (and its others once).
    """
    import transformers

    kind = transformers.AutoConfig.from_pretrained(folder).architectures[0]
    how = "sdpa" if kind.startswith("Falcon") and positions == "alibi" else "eager"
    model = getattr(transformers, kind).from_pretrained(folder, attn_implementation=how)
    return model.eval()


def batch(folder: Path, texts: tuple[str, ...], *, left: bool) -> tuple[np.ndarray, np.ndarray]:
    """Ids and mask of texts padded to one length."""
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    rows = [tokenizer.encode(text).ids for text in texts]
    length = max(map(len, rows))
    ids = np.zeros((len(rows), length), np.int64)
    mask = np.zeros((len(rows), length), np.int64)
    for row, found in enumerate(rows):
        where = slice(length - len(found), None) if left else slice(0, len(found))
        ids[row, where], mask[row, where] = found, 1
    return ids, mask


def error(got: np.ndarray, expected: np.ndarray) -> float:
    """max|a-b| / max(1, max|b|) over the cells that are not masked."""
    assert got.shape == expected.shape, (got.shape, expected.shape)
    seen = expected > -1e30
    assert np.array_equal(seen, got > -1e30), "other cells are masked"
    a, b = got[seen].astype(np.float64), expected[seen].astype(np.float64)
    return float(np.abs(a - b).max() / max(1.0, np.abs(b).max())) if b.size else 0.0


def square(weights: np.ndarray) -> np.ndarray:
    """Weights [batch, head, query, key]; Longformer's kin give a window around each query."""
    batch, heads, queries, width = weights.shape
    if width == queries:
        return weights
    # Rows of the matrix with `reach` columns before and after it lie one column further each.
    reach = width // 2
    wide = np.zeros((batch, heads, queries, queries + 2 * reach), weights.dtype)
    for query in range(queries):
        wide[:, :, query, query : query + width] = weights[:, :, query]
    assert not wide[..., :reach].any() and not wide[..., queries + reach :].any()
    return wide[..., reach : queries + reach]


def generated(
    model: Any, bundle: Bundle, texts: tuple[str, ...], search: Search, prompt: list[int]
) -> list[list[tuple[tuple[int, ...], float]]]:
    """(ids, score) of every hypothesis of every text, from one padded batch."""
    import torch

    rules = bundle.card.generation
    rows = [tokenize(bundle, text).ids.tolist() for text in texts]
    longest = max(map(len, rows))
    ids = torch.tensor([row + [rules.pad] * (longest - len(row)) for row in rows])
    mask = torch.tensor([[1] * len(row) + [0] * (longest - len(row)) for row in rows])
    out = model.generate(
        input_ids=ids,
        attention_mask=mask,
        bad_words_ids=[[i] for i in rules.banned] or None,
        forced_bos_token_id=rules.forced_first,
        forced_eos_token_id=rules.forced_last,
        **searching(search, prompt, len(rows)),
    )
    found = out.sequences[:, len(prompt) :].reshape(len(rows), search.width, -1).tolist()
    beams = search.width > 1
    scores = (out.sequences_scores if beams else torch.zeros(len(rows))).reshape(len(rows), -1)
    return [
        [(cut(ids, rules.ends), score) for ids, score in zip(found_ids, marks, strict=True)]
        for found_ids, marks in zip(found, scores.tolist(), strict=True)
    ]


def searching(search: Search, prompt: list[int], texts: int) -> dict[str, Any]:
    """A search over `texts` sources as options of `generate`, every hypothesis with its score."""
    import torch

    beams = search.width > 1
    return {
        "decoder_input_ids": torch.tensor([prompt] * texts),
        "num_beams": search.width,
        "num_return_sequences": search.width,
        "length_penalty": search.length_penalty if beams else None,
        "early_stopping": search.early_stopping if beams else None,
        "do_sample": False,
        "max_length": len(prompt) + search.limit,
        "output_scores": True,
        "return_dict_in_generate": True,
    }


def continued(
    model: Any, ids: list[int], limit: int, *, beams: int = 1, **options: Any
) -> list[int]:
    """What `generate` writes after `ids`, greedily or with beams, at most `limit` tokens."""
    import torch

    search = {"length_penalty": 1.0, "early_stopping": False} if beams > 1 else {}
    search = {name: options.pop(name, value) for name, value in search.items()}
    whole = model.generate(
        torch.tensor([ids]),
        attention_mask=torch.ones(1, len(ids), dtype=torch.long),
        do_sample=False,
        num_beams=beams,
        max_new_tokens=limit,
        pad_token_id=0,
        **search,
        **options,
    )
    return whole[0, len(ids) :].tolist()


def cut(ids: list[int], ends: tuple[int, ...]) -> tuple[int, ...]:
    """Ids up to the end token, padding left out."""
    for place, token in enumerate(ids):
        if token in ends:
            return tuple(ids[: place + 1])
    return tuple(ids)
