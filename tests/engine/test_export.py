"""Bundles of GPT-2, BERT and Marian shapes compute what PyTorch computes.

The reference is transformers with its own eager attention, read through `output_attentions`,
`output_hidden_states` and forward hooks on the projections: it shares no line with the exporter.
Tolerance 1e-4, as the design says for float32.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.engine.checkpoints import Bundles
from tests.engine.reference import TEXTS, Arrays, batch, error, load, ordered, past_of, run, session

torch = pytest.importorskip("torch")

pytestmark = pytest.mark.timeout(900)  # the first test that needs a bundle exports it
TOLERANCE = 1e-4
BATCHES = (*((text,) for text in TEXTS), TEXTS)  # each alone, then all in one padded batch


@contextmanager
def projections(model: Any, names: tuple[str, ...]) -> Iterator[list[Arrays]]:
    """What the projections called `names` give in each attention, in order of running."""
    found: list[Arrays] = []
    hooks = []

    def keep(name: str) -> Any:
        def hook(_module: Any, _args: Any, output: Any) -> None:
            if name == names[0]:
                found.append({})
            found[-1][name] = output.numpy()

        return hook

    for path, module in model.named_modules():
        if path.rsplit(".", 1)[-1] in names:
            hooks.append(module.register_forward_hook(keep(path.rsplit(".", 1)[-1])))
    try:
        yield found
    finally:
        for hook in hooks:
            hook.remove()


def split(flat: np.ndarray, heads: int = 2) -> np.ndarray:
    """[batch, token, width] -> [batch, head, token, dim]."""
    return flat.reshape(*flat.shape[:2], heads, -1).swapaxes(1, 2)


def compare(got: Arrays, expected: Arrays, seen: np.ndarray) -> None:
    """Every expected quantity within tolerance, in the rows of tokens that are not padding."""
    for name, array in expected.items():
        per_head = name.split(".")[-1] in ("query", "key", "value", "weights", "output", "scores")
        ours, theirs = got[name], array
        if per_head:
            ours, theirs = ours.swapaxes(1, 2), theirs.swapaxes(1, 2)
        assert error(ours[seen], theirs[seen]) <= TOLERANCE, (name, seen.shape)


def consistent(got: Arrays, kind: str, source: Arrays | None = None) -> None:
    """Scores, weights and output belong together: softmax(scores) = weights, weights v = output."""
    layer = 0
    while f"{kind}.{layer}.scores" in got:
        part = {n: got[f"{kind}.{layer}.{n}"] for n in ("query", "scores", "weights", "output")}
        keys = got[f"layer.{layer}.key"] if source is None else source[f"source.{layer}.key"]
        values = got[f"layer.{layer}.value"] if source is None else source[f"source.{layer}.value"]
        scores = part["query"] @ keys.swapaxes(2, 3) * part["query"].shape[-1] ** -0.5
        seen = part["scores"] > -1e30
        assert np.abs(scores - part["scores"])[seen].max() < 1e-4
        powers = np.exp(part["scores"] - part["scores"].max(-1, keepdims=True))
        weights = powers / powers.sum(-1, keepdims=True)
        assert np.abs(weights - part["weights"]).max() < 1e-5
        assert np.abs(part["weights"] @ values - part["output"]).max() < 1e-4
        layer += 1
    assert layer == 2


def test_gpt2_equals_pytorch(bundles: Bundles) -> None:
    folder, model = bundles("gpt2"), load(bundles.checkpoint("gpt2"))
    for texts in BATCHES:
        gpt2_equals(folder, model, texts)


def gpt2_equals(folder: Path, model: Any, texts: tuple[str, ...]) -> None:
    ids, mask = batch(folder, texts, left=True)
    got = run(folder / "model.onnx", input_ids=ids, attention_mask=mask)
    positions = np.maximum(mask.cumsum(-1) - 1, 0)
    with torch.no_grad(), projections(model, ("c_attn",)) as found:
        output = model(
            input_ids=torch.from_numpy(ids),
            attention_mask=torch.from_numpy(mask),
            position_ids=torch.from_numpy(positions),
            output_hidden_states=True,
            output_attentions=True,
        )
        vectors = model.transformer.wte(torch.from_numpy(ids)).numpy()
        placed = model.transformer.wpe(torch.from_numpy(positions)).numpy()
    expected = {"logits": output.logits.numpy(), "embedded.token": vectors}
    expected["embedded.position"] = placed
    for k in range(2):
        expected[f"hidden.{k}"] = output.hidden_states[k].numpy()
        expected[f"layer.{k}.weights"] = output.attentions[k].numpy()
        parts = np.split(found[k]["c_attn"], 3, axis=-1)
        for name, flat in zip(("query", "key", "value"), parts, strict=True):
            expected[f"layer.{k}.{name}"] = split(flat)
    compare(got, expected, mask.astype(bool))
    # The last hidden state is before the final norm; the last one of transformers is after it.
    with torch.no_grad():
        normed = model.transformer.ln_f(torch.from_numpy(got["hidden.2"])).numpy()
    compare({"normed": normed}, {"normed": output.hidden_states[2].numpy()}, mask.astype(bool))
    consistent(got, "layer")


@pytest.mark.parametrize("name", ["bert", "bert-bare"])
def test_bert_equals_pytorch(bundles: Bundles, name: str) -> None:
    folder, model = bundles(name), load(bundles.checkpoint(name))
    for texts in BATCHES:
        bert_equals(folder, model, texts)


def bert_equals(folder: Path, model: Any, texts: tuple[str, ...]) -> None:
    ids, mask = batch(folder, texts, left=False)
    segments = (np.arange(ids.shape[1]) > 2).astype(np.int64) * np.ones_like(ids)
    got = run(folder / "model.onnx", input_ids=ids, attention_mask=mask, segments=segments)
    with torch.no_grad(), projections(model, ("query", "key", "value")) as found:
        output = model(
            input_ids=torch.from_numpy(ids),
            attention_mask=torch.from_numpy(mask),
            token_type_ids=torch.from_numpy(segments),
            output_hidden_states=True,
            output_attentions=True,
        )
    expected = {f"hidden.{k}": output.hidden_states[k].numpy() for k in range(3)}
    if folder.name == "bert":
        expected["logits"] = output.logits.numpy()
    for k in range(2):
        expected[f"layer.{k}.weights"] = output.attentions[k].numpy()
        expected |= {f"layer.{k}.{part}": split(flat) for part, flat in found[k].items()}
    compare(got, expected, mask.astype(bool))
    consistent(got, "layer")
    assert ("logits" in got) == (folder.name == "bert")


def test_marian_equals_pytorch(bundles: Bundles) -> None:
    folder, model = bundles("marian"), load(bundles.checkpoint("marian"))
    for texts in BATCHES:
        marian_equals(folder, model, texts)


def marian_equals(folder: Path, model: Any, texts: tuple[str, ...]) -> None:
    ids, mask = batch(folder, texts, left=False)
    target, target_mask = batch(folder, texts[::-1], left=False)
    target = np.concatenate([np.zeros_like(target[:, :1]), target[:, :-1]], axis=1)
    source = run(folder / "encoder.onnx", input_ids=ids, attention_mask=mask)
    got = run(
        folder / "model.onnx",
        input_ids=target,
        source_mask=mask,
        **source_of(source),
    )
    with torch.no_grad(), projections(model, ("q_proj", "k_proj", "v_proj")) as found:
        output = model(
            input_ids=torch.from_numpy(ids),
            attention_mask=torch.from_numpy(mask),
            decoder_input_ids=torch.from_numpy(target),
            output_hidden_states=True,
            output_attentions=True,
        )
    reads: Arrays = {}
    writes: Arrays = {"logits": output.logits.numpy()}
    names = {"q_proj": "query", "k_proj": "key", "v_proj": "value"}
    for k in range(2):
        reads[f"layer.{k}.weights"] = output.encoder_attentions[k].numpy()
        writes[f"layer.{k}.weights"] = output.decoder_attentions[k].numpy()
        writes[f"cross.{k}.weights"] = output.cross_attentions[k].numpy()
        # Attentions run in order: encoder's, then own and cross of each decoder layer.
        own, cross = found[2 + 2 * k], found[3 + 2 * k]
        reads |= {f"layer.{k}.{names[p]}": split(flat) for p, flat in found[k].items()}
        writes |= {f"layer.{k}.{names[p]}": split(flat) for p, flat in own.items()}
        writes[f"cross.{k}.query"] = split(cross["q_proj"])
        for part in ("k_proj", "v_proj"):
            reads[f"source.{k}.{names[part]}"] = split(cross[part])
    for k in range(3):
        reads[f"hidden.{k}"] = output.encoder_hidden_states[k].numpy()
        writes[f"hidden.{k}"] = output.decoder_hidden_states[k].numpy()
    compare(source, reads, mask.astype(bool))
    compare(got, writes, np.ones_like(target, bool))
    consistent(source, "layer")
    consistent(got, "layer")
    consistent(got, "cross", source)


def source_of(found: Arrays) -> Arrays:
    return {name: value for name, value in found.items() if name.startswith("source.")}


def test_steps_with_the_past_equal_the_whole_text(bundles: Bundles) -> None:
    """Left padding, beams that swap rows, and a past shared by two rows, against no past at all."""
    folder = bundles("gpt2")
    ids, mask = batch(folder, (TEXTS[2], TEXTS[3]), left=True)
    whole = run(folder / "model.onnx", input_ids=ids, attention_mask=mask)
    prompt = run(folder / "model.onnx", input_ids=ids[:, :-3], attention_mask=mask[:, :-3])
    rows = np.array([1, 0, 1])  # crossed over, and the second continued twice
    past = ordered(folder, rows, past_of(prompt))
    for n in range(3, 0, -1):
        end = ids.shape[1] - n + 1
        step = run(
            folder / "model.onnx",
            input_ids=ids[[1, 0, 1]][:, end - 1 : end],
            attention_mask=mask[[1, 0, 1]][:, :end],
            **past,
        )
        assert error(step["logits"][:, 0], whole["logits"][[1, 0, 1], end - 1]) <= TOLERANCE
        past = past_of(step)


def test_marian_steps_equal_the_whole_target(bundles: Bundles) -> None:
    folder = bundles("marian")
    ids, mask = batch(folder, TEXTS[:2], left=False)
    source = run(folder / "encoder.onnx", input_ids=ids, attention_mask=mask)
    target = np.array([[0, 9, 4, 7, 11], [0, 3, 3, 8, 5], [0, 9, 12, 6, 2]])
    rows = np.array([0, 1, 0])
    read = {"source_mask": mask[rows], **ordered(folder, rows, source_of(source))}
    whole = run(folder / "model.onnx", input_ids=target, **read)
    past: Arrays = {}
    for n in range(target.shape[1]):
        step = run(
            folder / "model.onnx",
            input_ids=target[:, n : n + 1],
            attention_mask=np.ones((3, n + 1)),
            **read,
            **past,
        )
        assert error(step["logits"][:, 0], whole["logits"][:, n]) <= TOLERANCE
        past = past_of(step)


def test_greedy_writing_equals_generate(bundles: Bundles) -> None:
    folder = bundles("gpt2")
    model = load(bundles.checkpoint("gpt2"))
    for text in TEXTS[:4]:
        ids, _ = batch(folder, (text,), left=True)
        expected = model.generate(
            torch.from_numpy(ids), do_sample=False, max_new_tokens=20, eos_token_id=None
        )
        got, past, token = list(ids[0]), {}, ids
        for _ in range(20):
            mask = np.ones((1, len(got)))
            step = run(folder / "model.onnx", input_ids=token, attention_mask=mask, **past)
            past = past_of(step)
            token = step["logits"][:, -1:].argmax(-1)
            got.append(int(token[0, 0]))
        assert got == expected[0].tolist()


@pytest.mark.parametrize("name", ["gpt2", "bert", "marian"])
def test_the_lens_of_the_last_hidden_state_is_the_prediction(bundles: Bundles, name: str) -> None:
    folder = bundles(name)
    ids, mask = batch(folder, TEXTS[:1], left=False)
    more: Arrays = {}
    if name == "marian":
        source = run(folder / "encoder.onnx", input_ids=ids)
        more = {"source_mask": mask, **source_of(source)}
    got = run(folder / "model.onnx", input_ids=ids, **more)
    lens = np.asarray(
        session(folder / "lens.onnx").run(["logits"], {"hidden": got["hidden.2"][0]})[0]
    )
    assert error(lens, got["logits"][0]) <= TOLERANCE


def test_a_head_switched_off_gives_nothing(bundles: Bundles) -> None:
    folder = bundles("gpt2")
    ids, _ = batch(folder, TEXTS[:1], left=True)
    off = np.array([[1, 1], [1, 0]])
    got = run(folder / "model.onnx", input_ids=ids, head_mask=off)
    model = load(bundles.checkpoint("gpt2"))
    with torch.no_grad():
        # The second head of the second block reaches the residual stream through these rows.
        model.transformer.h[1].attn.c_proj.weight[8:] = 0
        expected = model(torch.from_numpy(ids)).logits.numpy()
    assert error(got["logits"], expected) <= TOLERANCE
    assert not got["layer.1.output"][:, 1].any() and got["layer.1.output"][:, 0].any()


@pytest.mark.parametrize("store", ["int8", "float16"])
@pytest.mark.parametrize("name", ["gpt2", "marian"])
def test_rounded_weights_are_the_weights(bundles: Bundles, store: str, name: str) -> None:
    """A rounded bundle computes what PyTorch computes with the matrices that it stores."""
    from engine.export.weights.storage import round_weights
    from engine.models.bundle import read_card
    from engine.models.runtime import read_matrix

    folder = bundles(name, "--store", store)
    model = load(bundles.checkpoint(name))
    before = model.get_input_embeddings().weight.detach().clone()
    round_weights(model, store)  # type: ignore[arg-type]
    after = model.get_input_embeddings().weight.detach()
    assert 0 < (after - before).abs().max() < 0.02
    card = read_card(folder)
    assert np.array_equal(read_matrix(folder, card.vectors["token"]), after.numpy())
    ids, mask = batch(folder, TEXTS[:1], left=False)
    call, more = {"input_ids": torch.from_numpy(ids)}, {}
    if name == "marian":
        source = run(folder / "encoder.onnx", input_ids=ids)
        more = {"source_mask": mask, **source_of(source)}
        call["decoder_input_ids"] = call["input_ids"]
    with torch.no_grad():
        expected = model(**call).logits.numpy()
    assert error(run(folder / "model.onnx", input_ids=ids, **more)["logits"], expected) <= TOLERANCE


def test_a_tied_matrix_is_stored_once(bundles: Bundles) -> None:
    plain, rounded = bundles("gpt2"), bundles("gpt2", "--store", "int8")
    model = load(bundles.checkpoint("gpt2"))
    matrices = sum(p.numel() for p in model.parameters() if p.ndim == 2)
    # Somewhat more: biases, norms and gaps; with int8, scales too.
    assert matrices * 4 <= (plain / "weights.bin").stat().st_size < matrices * 4.2
    assert (rounded / "weights.bin").stat().st_size < matrices * 1.6
