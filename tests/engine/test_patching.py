"""Activation patching equals PyTorch with hooks, and a graph in which one value is replaced."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from onnx import TensorProto, helper

from engine.api import Engine, local
from engine.errors import EmptyText, EngineError, NotOffered, TextTooLong
from engine.local.models import bundle as opened
from engine.models import slicing
from engine.models.runtime import Bundle, open_bundle
from engine.patching import restoring
from engine.patching.contrast import LONGEST, PARTS, Contrast, Experiment, Part
from engine.patching.restoring import Patched, Place
from engine.store import store
from engine.trace import running
from engine.values import Reading, Side
from tests.engine import reference
from tests.engine.checkpoints import Bundles

TEXT = "The cat sat on the mat because it was warm."
ANSWERS = (17, 40)
CLEAN, CORRUPTED = "The girl went to bed, for", "The man went to bed, for"
MASKED = "The queen was tired, so [MASK] went to bed.", "The king was tired, so [MASK] went to bed."


@dataclass(frozen=True)
class Modules:
    """Where transformers keeps a family's blocks and, in a block, what is restored."""

    blocks: str
    attention: str
    feed_forward: str


FAMILIES = {
    "gpt2": Modules("transformer.h", "attn", "mlp"),
    "llama": Modules("model.layers", "self_attn", "mlp"),
    "gpt-neox": Modules("gpt_neox.layers", "attention", "mlp"),
    "bert": Modules("bert.encoder.layer", "attention.output.dense", "output.dense"),
}


def pair(bundle: Bundle, side: Side) -> Contrast:
    """Two texts of tokens drawn at random in two places; the logits are put in by who knows."""
    clean = running.tokens(bundle, Reading(bundle.card.name, TEXT), side)
    ids = clean.ids.copy()
    ids[[2, 4]] = [21, 33]
    assert not np.array_equal(ids, clean.ids)
    position = len(ids) - 1 if side == "decoder" else len(ids) // 2
    corrupted = replace(clean, ids=ids)
    return Contrast(clean, corrupted, position, ANSWERS, (1, 1), ANSWERS, np.zeros((2, 2)))


class Hooked:
    """A checkpoint run by PyTorch, one cell at a time: what is slow, and trusted."""

    def __init__(self, folder: Path, names: Modules, part: Part) -> None:
        import torch

        self.torch, self.model = torch, reference.load(folder)
        self.blocks = list(self.model.get_submodule(names.blocks))
        inner = {"attention": names.attention, "feed-forward": names.feed_forward}
        self.first = part == "residual"
        self.modules = [b.get_submodule(inner.get(part, "")) for b in self.blocks]

    def places(self) -> Iterator[Callable[[Callable[[Any], Any]], Any]]:
        """Each place in turn: what puts a function of its value there."""
        if self.first:
            yield lambda change: self.blocks[0].register_forward_pre_hook(
                lambda _module, args, named: _entering(args, named, change), with_kwargs=True
            )
        for module in self.modules:
            yield lambda change, module=module: module.register_forward_hook(
                lambda _module, _args, given: _leaving(given, change)
            )

    def logits(self, ids: np.ndarray, position: int) -> np.ndarray:
        with self.torch.no_grad():
            found = self.model(input_ids=self.torch.tensor(ids[None])).logits
        return found[0, position, list(ANSWERS)].numpy()

    def patched(self, contrast: Contrast) -> tuple[np.ndarray, np.ndarray]:
        """Logits [run, answer], and differences [row, token], every cell in a run of its own."""
        clean, corrupted, at = contrast.clean.ids, contrast.corrupted.ids, contrast.position
        rows = []
        for hooked in self.places():
            kept: list[Any] = []
            with _hook(hooked(lambda value, kept=kept: kept.append(value.clone()) or value)):
                self.logits(clean, at)
            row = []
            for token in range(len(clean)):

                def restore(value: Any, token: int = token, kept: list[Any] = kept) -> Any:
                    value = value.clone()
                    value[:, token] = kept[0][:, token]
                    return value

                with _hook(hooked(restore)):
                    one, other = self.logits(corrupted, at)
                row.append(one - other)
            rows.append(row)
        runs = np.stack([self.logits(clean, at), self.logits(corrupted, at)])
        return runs, np.array(rows)


def _entering(args: Any, named: Any, change: Callable[[Any], Any]) -> Any:
    if args:
        return (change(args[0]), *args[1:]), named
    return args, {**named, "hidden_states": change(named["hidden_states"])}


def _leaving(given: Any, change: Callable[[Any], Any]) -> Any:
    if isinstance(given, tuple):
        return (change(given[0]), *given[1:])
    return change(given)


@contextmanager
def _hook(handle: Any) -> Iterator[None]:
    with ExitStack() as stack:
        stack.callback(handle.remove)
        yield


def last(steps: Iterator[Patched]) -> Patched:
    *_, found = steps
    return found


@pytest.mark.timeout(1200)  # the first to ask for a bundle waits for its export
@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("name", FAMILIES)
def test_every_cell_equals_pytorch_with_hooks(bundles: Bundles, name: str, part: Part) -> None:
    bundle = open_bundle(bundles(name))
    side: Side = "decoder" if bundle.card.decoder else "encoder"
    contrast = pair(bundle, side)
    slow = Hooked(bundles.checkpoint(name), FAMILIES[name], part)
    runs, expected = slow.patched(contrast)
    contrast = replace(contrast, logits=runs)
    found = last(restoring.patched(bundle, Experiment(name, TEXT, "", part), contrast))
    assert found.differences.shape == expected.shape
    assert np.abs(expected - contrast.differences[1]).max() > 0.05, "nothing was ever restored"
    assert np.abs(found.differences - expected).max() < 1e-4 * max(1.0, np.abs(expected).max())


def replaced(bundle: Bundle, name: str, axis: int, folder: Path) -> ort.InferenceSession:
    """The whole graph in which `put` stands for the value of that name wherever `at` is true."""
    model = onnx.load(str(bundle.folder / "model.onnx"), load_external_data=False)
    graph = model.graph
    producer = next(k for k, node in enumerate(graph.node) if name in node.output)
    for node in graph.node:
        for k, given in enumerate(node.input):
            if given == name:
                node.input[k] = "replaced"
    graph.node.insert(producer + 1, helper.make_node("Where", ["at", "put", name], ["replaced"]))
    rank = 4 if axis == 2 else 3
    for given, kind in (("put", TensorProto.FLOAT), ("at", TensorProto.BOOL)):
        graph.input.append(helper.make_tensor_value_info(given, kind, [None] * rank))
    if all(name != one.name for one in graph.output):
        graph.output.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, [None] * rank))
    for file in bundle.folder.glob("*.bin"):
        shutil.copy(file, folder)
    onnx.save(model, str(folder / "model.onnx"))
    return ort.InferenceSession(str(folder / "model.onnx"), providers=["CPUExecutionProvider"])


def slowly(
    bundle: Bundle, place: Place, contrast: Contrast, tokens: list[int], folder: Path
) -> list[float]:
    """The differences at a place with each of these tokens restored, in runs of one text."""
    session = replaced(bundle, place.name, place.axis, folder)
    inputs = {node.name: node for node in session.get_inputs()}
    count = len(contrast.clean)

    def run(ids: np.ndarray, put: np.ndarray, at: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        feeds: dict[str, Any] = {"put": put, "at": at, "input_ids": ids[None]}
        feeds["attention_mask"] = np.ones((1, count), dtype=np.int64)
        for name, node in inputs.items():
            if name.startswith("past."):
                feeds[name] = np.zeros((1, node.shape[1], 0, node.shape[3]), dtype=np.float32)
            elif name == "head_mask":
                feeds[name] = np.ones(node.shape, dtype=np.float32)
            elif name == "keep":
                feeds[name] = np.zeros(node.shape, dtype=np.int64)
            elif name == "first":
                feeds[name] = np.array([contrast.position])
            elif name == "segments":
                feeds[name] = np.zeros((1, count), dtype=np.int64)
        logits, value = session.run(["logits", place.name], feeds)
        return np.asarray(logits)[0, 0], np.asarray(value)

    card, ids = bundle.card, contrast.clean.ids
    tower = card.tower
    shape = (1, tower.heads, count, tower.dim) if place.axis == 2 else (1, count, card.width)
    mask = np.zeros((1, count, 1), dtype=bool)
    _, clean = run(ids, np.zeros(shape, np.float32), mask if place.axis == 1 else mask[:, None])
    found = []
    for token in tokens:
        at = mask.copy()
        at[0, token] = True
        at = at if place.axis == 1 else at[:, None]
        logits, _ = run(contrast.corrupted.ids, clean, at)
        found.append(float(logits[contrast.answers[0]] - logits[contrast.answers[1]]))
    return found


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize(
    ("model", "texts"), [("tales-gpt", (CLEAN, CORRUPTED)), ("tales-bert", MASKED)]
)
def test_shipped_models_equal_a_graph_with_a_replaced_value(
    tmp_path: Path, model: str, texts: tuple[str, str], part: Part, engine: Engine
) -> None:
    asked = Experiment(model, *texts, part)
    found, bundle = engine.patched(asked), opened(model)
    whole = slicing.read((bundle.folder / "model.onnx").read_bytes())
    assert whole is not None
    layers = bundle.card.tower.layers
    places = restoring.places(whole, part, layers)
    contrast, count = found.contrast, len(found.contrast.clean)
    for row in (0, layers // 2, len(places) - 1):
        tokens = sorted({contrast.changed[0], count - 2, contrast.position})
        folder = tmp_path / str(row)
        folder.mkdir()
        expected = slowly(bundle, places[row], contrast, tokens, folder)
        assert np.abs(found.differences[row, tokens] - expected).max() < 1e-3


def test_what_must_be_is_so_for_the_residual_stream(engine: Engine) -> None:
    found = engine.patched(Experiment("tales-gpt", CLEAN, CORRUPTED))
    shares, contrast = found.restored, found.contrast
    assert found.layers == tuple(range(7))
    assert contrast.changed == (1,)
    assert engine.texts("tales-gpt", contrast.predicted) == (" she", " he")
    assert shares[0, 1] == pytest.approx(1, abs=1e-3)  # the only other token is the clean one
    assert shares[-1, contrast.position] == pytest.approx(1, abs=1e-3)  # the answer's own place
    assert not shares[:, 0].any()  # a causal model has read the same up to there
    assert np.abs(shares[-1, :-1]).max() < 1e-4  # nothing is read of the others any more
    assert shares[2, 1] > 0.9 > 0.1 > shares[2, -1]
    assert shares[5, -1] > 0.9 > 0.1 > shares[5, 1]


def test_other_pages_have_the_same_numbers_after_it(engine: Engine) -> None:
    reading = Reading("tales-gpt", CORRUPTED)
    before = engine.logits(reading, (6,)).logits.copy()
    engine.patched(Experiment("tales-gpt", CLEAN, CORRUPTED, "attention"))
    store().clear()
    assert np.array_equal(engine.logits(reading, (6,)).logits, before)


def test_answers_of_ones_own_are_compared(engine: Engine) -> None:
    own = engine.contrast(Experiment("tales-gpt", CLEAN, CORRUPTED, answers=("girl", "unladylike")))
    assert engine.texts("tales-gpt", own.answers[:1]) == (" girl",)
    assert own.pieces[0] == 1 and own.pieces[1] > 1
    one, other = (
        engine.logits(Reading("tales-gpt", text), (6,)).logits[0] for text in (CLEAN, CORRUPTED)
    )
    assert own.differences[0] == pytest.approx(float(one[own.answers[0]] - one[own.answers[1]]))
    assert own.differences[1] == pytest.approx(float(other[own.answers[0]] - other[own.answers[1]]))


REFUSED = [
    (("tales-gpt", CLEAN, "The man went to his bed, for"), NotOffered, "has 7 tokens"),
    (("tales-gpt", CLEAN, CLEAN), NotOffered, "the same tokens"),
    (("tales-gpt", CLEAN, "The lady went to bed, for"), NotOffered, "Both answers are “she”"),
    (("tales-gpt", CLEAN, ""), EmptyText, "empty"),
    (("tales-gpt", " a" * (LONGEST + 1), " b" * (LONGEST + 1)), TextTooLong, "Shorten both by 1"),
    (("tales-bert", "The girl lost [MASK] shoe.", "The boy lost his shoe."), NotOffered, "1 and 0"),
    (("fr-en", "Le chat dort.", "Le chien dort."), NotOffered, "two towers"),
]


@pytest.mark.parametrize(("given", "error", "said"), REFUSED)
def test_what_cannot_be_compared_is_one_sentence_with_a_remedy(
    given: tuple[str, str, str], error: type[EngineError], said: str, engine: Engine
) -> None:
    with pytest.raises(error, match=said):
        engine.contrast(Experiment(*given))


def test_the_same_answer_twice_is_refused(engine: Engine) -> None:
    asked = Experiment("tales-gpt", CLEAN, CORRUPTED, answers=("she", "she"))
    with pytest.raises(NotOffered, match="Both answers are “she”"):
        engine.contrast(asked)


def test_answers_that_no_run_tells_apart_are_refused(engine: Engine) -> None:
    words = engine.vocabulary("tales-gpt").texts
    runs = [engine.logits(Reading("tales-gpt", t), (6,)).logits[0] for t in (CLEAN, CORRUPTED)]
    girl = words.index(" girl")
    apart = np.abs((runs[0][girl] - runs[0]) - (runs[1][girl] - runs[1]))
    other = next(
        words[i].strip()
        for i in np.argsort(apart).tolist()
        if i != girl and words[i].startswith(" ") and words[i].strip().isalpha()
    )
    asked = Experiment("tales-gpt", CLEAN, CORRUPTED, answers=("girl", other))
    with pytest.raises(NotOffered, match="less than 0.1 apart, so nothing was lost"):
        engine.contrast(asked)


def test_a_job_shows_layer_after_layer_stops_and_is_kept() -> None:
    store().clear()
    asked = Experiment("tales-gpt", CLEAN, CORRUPTED, "feed-forward")
    job = local().patch(asked, viewer="a")
    while job.partial is None and not job.done:
        job.wait(0.01)
    assert job.cancel("a") and job.wait(60) and job.stopped
    shown = job.partial
    assert shown is not None and shown.rows_done < 6 and np.isnan(shown.differences[-1]).all()
    again = local().patch(asked, viewer="a")
    assert again.wait(120) and again.error is None
    assert again.result.rows_done == 6
    assert local().patched(asked) is again.result
    assert local().patch(asked, viewer="b").wait(30)
    now = local().patching(asked)
    assert now is not None and now.result is again.result
