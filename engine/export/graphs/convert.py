"""A graph's module translated to ONNX by transformers' exporter."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import onnx_ir
from transformers.exporters.configs import OnnxConfig
from transformers.exporters.exporter_onnx import OnnxExporter

from engine.export.graphs.graph import Graph


def convert(graph: Graph) -> onnx_ir.Model:
    """Trace a graph's module and translate it to ONNX."""
    inputs, dims = graph.example()
    config = OnnxConfig(
        dynamic=True, dynamic_shapes=dims, prefer_deferred_runtime_asserts_over_guards=True
    )
    with quiet():
        program = OnnxExporter().export(graph.eval(), inputs, config).program  # type: ignore[arg-type]
    strip(program)
    return program


@contextmanager
def quiet() -> Iterator[None]:
    """Silence the exporter's remarks about versions and packages that do not matter here."""
    loggers = [logging.getLogger(name) for name in ("transformers.exporters", "torch.onnx")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def strip(program: onnx_ir.Model) -> None:
    """Drop the notes about where each node came from: most of a small graph's bytes."""
    program.metadata_props.clear()
    program.graph.metadata_props.clear()
    for node in program.graph.all_nodes():
        node.metadata_props.clear()
        node.doc_string = None
        for value in node.outputs:
            value.metadata_props.clear()
    for value in [*program.graph.inputs, *program.graph.initializers.values()]:
        value.metadata_props.clear()
