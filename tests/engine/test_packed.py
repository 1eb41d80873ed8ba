"""Weights kept packed: the same numbers to the bit, one copy, bounded, made anew when changed."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from shutil import copytree
from typing import Any

import numpy as np
import pytest

from engine.decoding.batch import Decoder
from engine.decoding.rows import in_place as proofs
from engine.decoding.rows.keys import InPlace, Joined
from engine.export import __main__ as exporting
from engine.models import catalog, device, runtime, wire
from engine.models.catalog import SHIPPED
from engine.models.device import Device, GraphError, Packed
from engine.models.feeds import empty_past, head_masks, source_masks, text_feeds
from engine.models.packed import entries, external, opening
from engine.models.packed.external import Block, External
from engine.models.runtime import Bundle, Graph, open_bundle
from engine.models.sessions import Session
from engine.settings import settings
from tests.engine.checkpoints import Bundles

CPU = Device("cpu", "")
FAMILIES = ("gpt2", "llama", "bert", "marian", "t5", "bloom", "mixtral")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of models of one's own, in which the smallest model is worth packing."""
    monkeypatch.setattr(opening, "LEAST", 1)
    monkeypatch.setattr(proofs, "_proofs", type(proofs._proofs)())
    monkeypatch.setenv("ATLAS_MODELS", str(tmp_path / "home" / "models"))
    settings.cache_clear()
    yield tmp_path / "home"
    monkeypatch.undo()
    settings.cache_clear()


def fed(session: Session) -> dict[str, np.ndarray]:
    """Two texts of five tokens, sources of four, rows of hidden states: what a graph takes."""
    rng = np.random.default_rng(0)
    found: dict[str, np.ndarray] = {}
    if "input_ids" in session.inputs:
        found = text_feeds(session, rng.integers(3, 20, (2, 5)), first=(0, 4))
        found |= empty_past(session, 2) | head_masks(session, own="decoder", off=())
    if "keep" in found:
        found["keep"][:] = 1
    for name, node in session.inputs.items():
        if name.startswith("source.") or name not in found | {"source_mask": 0}:
            shape = [axis if isinstance(axis, int) else 2 for axis in node.shape]
            found[name] = rng.standard_normal(shape).astype(session.dtype(name))
    return found | source_masks(session, np.ones((2, 2), dtype=bool))


def outputs(session: Session) -> dict[str, np.ndarray]:
    return session.run(fed(session), sorted(session.outputs))


def graphs(bundle: Bundle) -> list[Graph]:
    every: tuple[Graph, ...] = ("model", "encoder", "lens")
    return [graph for graph in every if f"{graph}.onnx" in bundle.card.files]


def entry(bundle: Bundle) -> Path:
    return entries.place(bundle.digest)


def files(bundle: Bundle, kind: str = "bin") -> list[Path]:
    return sorted(entry(bundle).glob(f"*.{kind}"))


def plain(bundle: Bundle, graph: Graph) -> Session:
    """The session as it is opened without packed weights."""
    return Session(bundle.folder / f"{graph}.onnx", CPU, halves=bundle._halves)


def check_equal(bundle: Bundle) -> None:
    """All that a bundle gives equals to the bit what it gives without packed weights."""
    for graph in graphs(bundle):
        bundle.session(graph)
        bundle.close()  # opened from the files that were written, not by who wrote them
        ours, theirs = outputs(bundle.session(graph)), outputs(plain(bundle, graph))
        assert entries.found(entry(bundle), graph, source(bundle, graph)) is not None
        assert ours.keys() == theirs.keys() and ours
        for name in ours:
            assert np.array_equal(ours[name], theirs[name], equal_nan=True), f"{graph}: {name}"


def source(bundle: Bundle, graph: Graph) -> str:
    return opening._digest(bundle.folder / f"{graph}.onnx")


@pytest.mark.parametrize("name", FAMILIES)
def test_packed_weights_change_no_bit(bundles: Bundles, name: str):
    check_equal(Bundle(bundles(name)))


def test_packed_halves_change_no_bit(bundles: Bundles):
    check_equal(Bundle(bundles("gpt2", "--precision", "fp16-weights")))


def test_weights_of_few_bits_are_not_kept(monkeypatch: pytest.MonkeyPatch):
    read = runtime.read_card
    monkeypatch.setattr(
        runtime, "read_card", lambda folder: replace(read(folder), precision="int8")
    )
    bundle = Bundle(SHIPPED / "tales-gpt")
    assert "logits" in outputs(bundle.session()) and not entries.root().exists()


@pytest.mark.parametrize("name", ["tales-gpt", "fr-en", "tales-bert"])
def test_packed_weights_of_models_that_come_along_change_no_bit(name: str):
    check_equal(Bundle(SHIPPED / name))


def test_what_traces_and_what_writes_take_their_weights_from_one_file():
    bundle = Bundle(SHIPPED / "tales-gpt")
    bundle.session("model")
    one = files(bundle)
    found = bundle.in_place()
    bundle.session("lens")
    assert found is not None and len(one) == 1 and files(bundle) == one
    graphs = {name: external.read((entry(bundle) / name).read_bytes())
              for name in entries.graphs(entry(bundle))}  # fmt: skip
    assert len(graphs) == 3
    for tensors in graphs.values():
        assert {tensor.file for tensor in tensors.values()} == {one[0].name}
        assert any(tensor.packed for tensor in tensors.values())


def test_writing_with_shared_weights_gives_the_same_logits_to_the_bit():
    prompt = np.array([[4, 5, 6], [7, 8, 9]])
    told = []
    for kept in (True, False):
        bundle = Bundle(SHIPPED / "tales-gpt")
        if not kept:
            bundle._packed = opening.Model(bundle.digest, 0)
        bundle.session("model")
        with Decoder(bundle) as decoder:
            told += [decoder.prefill(prompt), decoder.step([3, 4], [0, 1])]
            assert isinstance(decoder._keys, InPlace)
        bundle.close()
    assert files(bundle) and all(map(np.array_equal, told[:2], told[2:]))


def test_what_writes_with_packed_weights_waits_awake_as_it_does_with_its_own(
    monkeypatch: pytest.MonkeyPatch,
):
    given(monkeypatch, SPIN_US=20)
    bundle = Bundle(SHIPPED / "tales-gpt")
    found = bundle.in_place()
    assert found is not None and files(bundle)
    writes, traces = (one.ort.get_session_options() for one in (found[0], bundle.session("model")))
    for options, awake in ((writes, "1"), (traces, "0")):
        assert options.get_session_config_entry("session.intra_op.allow_spinning") == awake
    bundle.close()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_open_weights_are_the_file_s_own_memory():
    bundle = Bundle(SHIPPED / "tales-gpt")
    session = bundle.session("model")
    outputs(session)
    assert files(bundle)[0].name in Path("/proc/self/maps").read_text()


def test_a_graph_copies_only_what_no_other_graph_has():
    bundle = Bundle(SHIPPED / "fr-en")
    alone = {}
    for graph in ("model", "encoder"):
        bundle.session(graph)
        alone[graph] = sum(path.stat().st_size for path in files(bundle))
        bundle.close()
    both = Bundle(SHIPPED / "fr-en")
    tensors = [external.read(path.read_bytes()) for path in files(both, "onnx")]
    shared = {one.file for one in tensors[0].values()} | {one.file for one in tensors[1].values()}
    assert shared <= {path.name for path in files(both)} and len(files(both)) == 2
    needed = sum(block.length for one in tensors for t in one.values() for block in t.blocks)
    assert alone["encoder"] < needed  # the embeddings of both are one and the same


# --- What is not believed ------------------------------------------------------------------------


def made(name: str = "tales-gpt") -> tuple[Bundle, dict[str, np.ndarray]]:
    """A bundle with an entry, and what it gives."""
    bundle = Bundle(SHIPPED / name)
    found = outputs(bundle.session())
    bundle.close()
    return bundle, found


def check_made_anew(bundle: Bundle, found: dict[str, np.ndarray], old: list[Path]) -> None:
    again = outputs(bundle.session())
    assert all(np.array_equal(again[name], found[name]) for name in found)
    record = entries.found(entry(bundle), "model", source(bundle, "model"))
    assert record is not None and entry(bundle) / record.graph not in old


@pytest.mark.parametrize("kind", ["bin", "onnx"])
@pytest.mark.parametrize("how", ["cut", "touched", "gone"])
def test_a_file_that_was_changed_is_made_anew(kind: str, how: str):
    bundle, found = made()
    path = files(bundle, kind)[0]
    if how == "cut":
        path.write_bytes(path.read_bytes()[:-1])
    elif how == "touched":
        os.utime(path, ns=(1, 1))
    else:
        path.unlink()
    check_made_anew(bundle, found, [*files(bundle, "onnx"), path])


@pytest.mark.parametrize("told", ["", "[]", "{}", '{"key": 1}', '{"files": {"a": 3}}', "\0"])
def test_a_record_that_says_nothing_is_made_anew(told: str):
    bundle, found = made()
    (entry(bundle) / "model.json").write_text(told)
    check_made_anew(bundle, found, files(bundle, "onnx"))


@pytest.mark.parametrize("name", ["key", "source"])
def test_a_record_of_another_model_or_graph_is_made_anew(name: str):
    bundle, found = made()
    path = entry(bundle) / "model.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {name: "another"}))
    check_made_anew(bundle, found, files(bundle, "onnx"))


def test_a_graph_that_onnx_runtime_refuses_is_made_anew():
    bundle, found = made()
    path = files(bundle, "onnx")[0]
    path.write_bytes(b"no graph")
    record = json.loads((entry(bundle) / "model.json").read_text())
    record["files"][path.name] = entries.stamp(path)
    (entry(bundle) / "model.json").write_text(json.dumps(record))
    check_made_anew(bundle, found, [path])


def test_other_processors_and_versions_have_entries_of_their_own(monkeypatch: pytest.MonkeyPatch):
    here = entries.place("a")
    monkeypatch.setattr(entries, "processor", lambda: "another")
    assert len({here, entries.place("a"), entries.place("b")}) == 3
    monkeypatch.undo()
    assert "\n" in entries.processor()


@pytest.mark.parametrize("what", ["refuses", "cannot write", "is broken twice"])
def test_where_nothing_can_be_kept_a_model_opens_as_it_is(
    what: str, home: Path, monkeypatch: pytest.MonkeyPatch
):
    if what == "cannot write":
        home.mkdir()
        (home / "packed").write_text("a file")
    elif what == "refuses":

        def refused(*_: Any, **__: Any) -> None:
            raise GraphError("no")

        monkeypatch.setattr(device, "pack", refused)
    else:
        opened = device._open

        def only_plain(graph: Any, *given: Any) -> Any:
            if isinstance(graph, Packed):
                raise GraphError("no")
            return opened(graph, *given)

        monkeypatch.setattr(device, "_open", only_plain)
    bundle = Bundle(SHIPPED / "tales-gpt")
    assert "logits" in outputs(bundle.session())
    assert what == "is broken twice" or not files(bundle)


def test_several_that_make_an_entry_at_once_all_get_their_model(tmp_path: Path):
    folders = [copytree(SHIPPED / "tales-gpt", tmp_path / f"copy-{n}") for n in range(3)]
    every = [Bundle(folder) for folder in folders]
    assert len({bundle.digest for bundle in every}) == 1
    with ThreadPoolExecutor(3) as pool:
        found = list(pool.map(lambda bundle: outputs(bundle.session()), every))
    for other in found[1:]:
        assert all(np.array_equal(other[name], found[0][name]) for name in other)
    assert len(files(every[0])) == 1


# --- What it takes -------------------------------------------------------------------------------


def given(monkeypatch: pytest.MonkeyPatch, **variables: object) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(f"ATLAS_{name}", str(value))
    settings.cache_clear()


@pytest.mark.parametrize("most", [0, 1])
def test_what_does_not_fit_is_not_kept(most: int, monkeypatch: pytest.MonkeyPatch):
    given(monkeypatch, PACKED_MB=most)
    bundle = Bundle(SHIPPED / "tales-gpt")
    assert "logits" in outputs(bundle.session()) and not entries.root().exists()


def test_small_models_are_not_kept(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(opening, "LEAST", 64 * 10**6)
    outputs(Bundle(SHIPPED / "tales-gpt").session())
    assert not entries.root().exists()


def test_graphs_on_a_gpu_are_not_packed():
    model = opening.Model("a", 100)
    assert model.worth and opening.session(model, "model", Path("x"), Device("cuda", "")) is None


def test_the_entry_used_longest_ago_goes_first(monkeypatch: pytest.MonkeyPatch):
    every = {name: made(name)[0] for name in ("tales-gpt", "tales-bert", "fr-en")}
    sizes = {name: entries.size(entry(bundle)) for name, bundle in every.items()}
    assert all(sizes.values()) and entries.total() == sum(sizes.values())
    for at, name in enumerate(("tales-bert", "fr-en", "tales-gpt")):
        os.utime(entry(every[name]) / entries.USED, (at, at))
    every["tales-bert"].session()  # used again: no longer the oldest
    every["tales-bert"].close()
    monkeypatch.setattr(entries, "limit", lambda: sum(sizes.values()) - 1)
    entries.make_room(entry(every["tales-gpt"]))
    assert not entry(every["fr-en"]).exists() and entry(every["tales-bert"]).exists()
    monkeypatch.setattr(entries, "limit", lambda: 0)
    entries.make_room(entry(every["tales-gpt"]))
    assert [path.name for path in entries.root().iterdir()] == [entry(every["tales-gpt"]).name]


def test_what_a_process_left_half_made_goes_when_it_is_old():
    bundle, _ = made()
    old, young = entry(bundle) / "model-old.bin", entry(bundle) / "model-young.bin"
    for path in (old, young):
        path.write_bytes(b"half")
    os.utime(old, (1, 1))
    entries.make_room(entry(bundle))
    assert not old.exists() and young.exists()
    assert entries.found(entry(bundle), "model", source(bundle, "model")) is not None


def test_a_deleted_model_takes_its_packed_weights_with_it(home: Path):
    folder = copytree(SHIPPED / "tales-gpt", home / "models" / "mine")
    bundle = Bundle(folder)
    outputs(bundle.session())
    size = entries.size(entry(bundle))
    assert size > 0 and catalog.find("mine").packed == size
    bundle.close()
    catalog.delete("mine")
    assert not entry(bundle).exists() and entries.total() == 0


def test_a_model_whose_weights_are_shared_may_be_larger_and_write_in_place(
    monkeypatch: pytest.MonkeyPatch,
):
    given(monkeypatch, IN_PLACE_MB=1)
    for kept, kind in ((True, InPlace), (False, Joined)):
        bundle = Bundle(SHIPPED / "tales-gpt")
        if not kept:
            bundle._packed = opening.Model(bundle.digest, 0)
        with Decoder(bundle) as decoder:
            assert type(decoder._keys) is kind
        bundle.close()


def test_a_model_whose_weights_cannot_be_shared_after_all_keeps_the_bound(
    monkeypatch: pytest.MonkeyPatch,
):
    given(monkeypatch, IN_PLACE_MB=1)
    monkeypatch.setattr(opening, "session", lambda *_: None)
    bundle = Bundle(SHIPPED / "tales-gpt")
    with Decoder(bundle) as decoder:
        assert type(decoder._keys) is Joined


def test_an_export_for_the_app_packs_the_weights_and_one_for_elsewhere_does_not(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def made(_chosen: Any, _source: Any, target: Path, *_: Any) -> dict[str, Any]:
        copytree(SHIPPED / "fr-en", target)
        return {}

    monkeypatch.setattr(exporting, "_make", made)
    assert exporting.main(["some/model", "--out", str(tmp_path / "elsewhere")]) == 0
    assert not entries.root().exists()
    assert exporting.main(["some/model"]) == 0
    folder = home / "models" / "model"
    record = {graph: entries.found(entry(Bundle(folder)), graph, opening._digest(
        folder / f"{graph}.onnx")) for graph in ("model", "encoder")}  # fmt: skip
    assert all(record.values()) and not open_bundle(folder).is_open
    catalog.delete("model")


# --- The graph's bytes ---------------------------------------------------------------------------


def test_places_are_read_as_they_were_written():
    bundle, _ = made()
    graph = files(bundle, "onnx")[0].read_bytes()
    tensors = external.read(graph)
    assert external.moved(graph, {}) == graph
    assert external.read(external.moved(graph, tensors)) == tensors
    name = next(name for name, tensor in tensors.items() if tensor.packed)
    keys = tensors[name].packed
    elsewhere = External("other.bin", Block(64, tensors[name].own.length), keys)
    again = external.read(external.moved(graph, {name: elsewhere}))
    assert again == tensors | {name: elsewhere}


def test_a_file_that_an_inner_graph_speaks_of_is_seen():
    bundle, _ = made()
    graph, file = files(bundle, "onnx")[0].read_bytes(), files(bundle)[0].name
    assert not external.inner(graph, file)
    assert external.inner(graph + wire.tagged(6, file.encode()), file)  # a text of the model's
