"""Layers whose attention is not wanted cost no memory and change nothing else."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx_ir as ir
import onnxruntime as ort
import pytest

from engine.export.graphs.keeping import gate
from engine.models.feeds import empty_past, head_masks, text_feeds
from engine.models.runtime import open_bundle
from tests.engine.checkpoints import Bundles
from tests.engine.plain import look_up


@pytest.mark.parametrize("name", ["gpt2", "bert"])
def test_only_the_layers_kept_are_given(bundles: Bundles, name: str):
    bundle = open_bundle(bundles(name))
    session = bundle.session()
    ids = np.array([[5, 6, 7, 8]])
    names = sorted(n for n in session.outputs if n.startswith(("layer.", "hidden.", "logits")))

    def run(*keep: int) -> dict[str, np.ndarray]:
        feeds = text_feeds(session, ids, keep=keep) | empty_past(session, 1)
        kind = "decoder" if name == "gpt2" else "encoder"
        return bundle.run("model", feeds | head_masks(session, own=kind, off=()), names)

    every, one = run(0, 1), run(1)
    for output in names:
        if output.startswith("layer.0."):
            assert one[output].size == 0 and every[output].shape[1] == 2
        else:
            assert np.array_equal(one[output], every[output]), output


def test_a_graph_without_attention_stays_as_it_is(tmp_path: Path):
    program = ir.from_proto(look_up(np.zeros((3, 4), dtype=np.float32)))
    gate(program)
    assert [value.name for value in program.graph.inputs] == ["input_ids"]


def test_a_gated_graph_still_opens_elsewhere(bundles: Bundles):
    """Whoever reads the file with plain ONNX Runtime finds `keep` among its inputs."""
    session = ort.InferenceSession(
        str(bundles("gpt2") / "model.onnx"), providers=["CPUExecutionProvider"]
    )
    keep = next(node for node in session.get_inputs() if node.name == "keep")
    assert keep.shape == [2]
