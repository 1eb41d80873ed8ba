"""Bundles as the first exporter wrote them: rows put in order inside `model.onnx`.

People have such bundles. They are made here from today's by graph surgery, so that what reads them
can be tested without an exporter of that age.
"""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import onnx
from onnx import TensorProto, helper

from engine.export.card import write_card
from engine.models.bundle import digest, read_card


def as_before(folder: Path, out: Path) -> Path:
    """A copy of a bundle, its decoder with the inputs `rows` and `sources`, without rows.onnx.

    Made once: whoever asks again gets the copy that there is.
    """
    if out.exists():
        return out
    shutil.copytree(folder, out)
    (out / "rows.onnx").unlink()
    path = out / "model.onnx"
    model = onnx.load(path, load_external_data=False)
    for name, prefixes in (("rows", ("past.",)), ("sources", ("source.", "source_mask"))):
        _order_inside(model.graph, name, prefixes)
    path.write_bytes(model.SerializeToString())
    card = read_card(out)
    files = {name: digest(out / name) for name in card.files if name != "rows.onnx"}
    write_card(replace(card, files=files, exporter="1 (transformers 5.23.0)"), out)
    return out


def _order_inside(graph: onnx.GraphProto, name: str, prefixes: tuple[str, ...]) -> None:
    """Gather the inputs that begin so by a new input of that name."""
    moved = [given for given in graph.input if given.name.startswith(prefixes)]
    if not moved:
        return
    graph.input.append(helper.make_tensor_value_info(name, TensorProto.INT64, ["batch"]))
    for node in graph.node:
        for place, given in enumerate(node.input):
            if given in {one.name for one in moved}:
                node.input[place] = f"{given}.{name}"
    for one in moved:
        # Its rows are those of the step before, no longer those of the batch.
        one.type.tensor_type.shape.dim[0].dim_param = f"{name}.before"
        node = helper.make_node("Gather", [one.name, name], [f"{one.name}.{name}"], axis=0)
        graph.node.insert(0, node)
