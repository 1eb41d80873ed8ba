"""Weights on disk: rounded first in the model, then written once, as external data of the graphs.

`round_weights` replaces a model's matrices by what their stored form stands for, so that PyTorch
and the bundle compute with the very same numbers. `Weights` writes one file that all graphs of a
bundle share: a matrix that two graphs use (or that a model uses twice, as a tied output matrix) is
found by its content and stored once. Rounded matrices come back as `Cast` and `Mul` by a scale a
row, which ONNX Runtime computes once, at opening: the arithmetic stays float32.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import onnx_ir as ir
import torch
from torch import nn

from engine.models.bundle import Matrix

Store = Literal["int8", "float16", "float32"]

FILE = "weights.bin"
ALIGNMENT = 64  # bytes; enough for every vector instruction
INLINE = 1024  # bytes; what is smaller stays in the graph


@dataclass(frozen=True, slots=True)
class Stored:
    """A matrix as stored: int8 with a float32 scale a row, float16, or as it is.

    `transposed` says that a graph needs its transpose, as the exporter folds some transpositions.
    """

    values: np.ndarray
    scales: np.ndarray | None = None
    transposed: bool = False


def round_weights(model: nn.Module, store: Store) -> dict[str, Stored]:
    """Round every matrix of the model in place; the stored forms by the digest of the result."""
    found: dict[str, Stored] = {}
    with torch.no_grad():
        for parameter in model.parameters():  # a tied matrix comes once
            if parameter.ndim != 2:
                continue
            # A matrix that was not learnt (sinusoids) is smooth: it gets the finer form.
            finer = store == "int8" and not parameter.requires_grad
            form = FORMS["float16" if finer else store]
            kept, values = form(parameter.detach().numpy())
            if store != "float32":
                parameter.copy_(torch.from_numpy(values))
            found[digest(values.T)] = replace(kept, transposed=True)
            found[digest(values)] = kept
    return found


def _float32(matrix: np.ndarray) -> tuple[Stored, np.ndarray]:
    return Stored(matrix), matrix


def int8_rows(matrix: np.ndarray) -> tuple[Stored, np.ndarray]:
    """A matrix as int8 with a float32 scale a row, and the float32 values that this stands for."""
    largest = np.abs(matrix).max(axis=1, keepdims=True).astype(np.float32)
    scales = np.where(largest > 0, largest / np.float32(127), np.float32(1))
    values = np.clip(np.rint(matrix / scales), -127, 127).astype(np.int8)
    return Stored(values, scales), values.astype(np.float32) * scales


def _float16(matrix: np.ndarray) -> tuple[Stored, np.ndarray]:
    values = matrix.astype(np.float16)
    return Stored(values), values.astype(np.float32)


FORMS = {"float32": _float32, "float16": _float16, "int8": int8_rows}


def digest(array: np.ndarray) -> str:
    """The name of an array's content: its type, shape and bytes."""
    name = hashlib.blake2b(f"{array.dtype} {array.shape}".encode(), digest_size=16)
    name.update(np.ascontiguousarray(array).data)
    return name.hexdigest()


class Weights:
    """The weights file of a bundle, filled while its graphs are written."""

    def __init__(self, folder: Path, rounded: dict[str, Stored]) -> None:
        """Start an empty file in the folder."""
        self.folder = folder
        self.rounded = rounded
        self.offsets: dict[str, int] = {}
        self.size = 0

    def move(self, model: ir.Model) -> None:
        """Move a graph's large initializers into the file and leave references behind."""
        large = {
            value: tensor.numpy()
            for value in model.graph.initializers.values()
            if (tensor := value.const_value) is not None and tensor.nbytes >= INLINE
        }
        names = {value: digest(array) for value, array in large.items()}
        here = {*names.values(), *self.offsets}
        for value, array in large.items():
            kept = self.rounded.get(names[value])
            if kept is None or self._as_it_is(kept, array, here):
                value.const_value = self._external(array, value.name or "")
            else:
                self._restore(model.graph, value, kept)

    def _as_it_is(self, kept: Stored, array: np.ndarray, here: set[str]) -> bool:
        # A transpose is worked out from its original only where that is stored anyway.
        same = kept.values.dtype == array.dtype
        return same and not (kept.transposed and digest(kept.values) in here)

    def hold(self, array: np.ndarray, cuts: list[slice]) -> None:
        """Write an array, unless the file has it, and know its rows by these cuts as well."""
        start = self._write(array)
        for cut in cuts:
            offset = start + cut.start * array.strides[0]
            self.offsets.setdefault(digest(array[cut]), offset)

    def matrix(self, parameter: torch.Tensor) -> Matrix:
        """Where a parameter lies; one that the graphs hold otherwise is added to the file.

        Small ones stay in the graph, and a graph may need a product of one instead.
        """
        array = parameter.detach().cpu().numpy()
        kept = self.rounded.get(digest(array))
        values = array if kept is None else kept.values
        offset = self._write(values)
        rows, columns = values.shape
        # Scales of a small matrix stayed in the graph: the card needs them in the file.
        scales = None if kept is None or kept.scales is None else self._write(kept.scales)
        return Matrix(FILE, offset, (rows, columns), str(values.dtype), scales)

    def _restore(self, graph: ir.Graph, value: ir.Value, kept: Stored) -> None:
        """Compute the float32 matrix from its stored form, in the place of an initializer."""
        name = value.name or ""
        result = self._initializer(graph, kept.values, name)
        steps: list[tuple[str, list[ir.Value], dict[str, Any]]] = []
        if result.dtype != value.dtype:
            steps.append(("Cast", [], {"to": value.dtype}))
        if kept.scales is not None:
            scales = self._initializer(graph, kept.scales, f"{name}.scales")
            steps.append(("Mul", [scales], {}))
        if kept.transposed:
            steps.append(("Transpose", [], {"perm": [1, 0]}))
        nodes = []
        for kind, more, attributes in steps:
            nodes.append(ir.node(kind, [result, *more], attributes))
            result = nodes[-1].outputs[0]
        result.shape, result.type = value.shape, value.type
        ir.convenience.replace_all_uses_with(value, result)
        first = next(iter(graph))
        graph.insert_before(first, nodes)
        del graph.initializers[name]
        result.name = name

    def _initializer(self, graph: ir.Graph, array: np.ndarray, name: str) -> ir.Value:
        stored = f"{name}.{array.dtype}"
        tensor = self._external(array, stored)
        value = ir.Value(name=stored, shape=tensor.shape, type=ir.TensorType(tensor.dtype))
        value.const_value = tensor
        graph.register_initializer(value)
        return value

    def _external(self, array: np.ndarray, name: str) -> ir.ExternalTensor:
        offset = self._write(array)
        tensor = ir.tensor(array)
        return ir.ExternalTensor(
            FILE,
            offset,
            array.nbytes,
            tensor.dtype,
            shape=ir.Shape(array.shape),
            name=name,
            base_dir=str(self.folder),
        )

    def _write(self, array: np.ndarray) -> int:
        """Append an array, unless the file has it, and return its offset."""
        key = digest(array)
        if key not in self.offsets:
            padding = -self.size % ALIGNMENT
            with open(self.folder / FILE, "ab") as file:
                file.write(b"\0" * padding)
                file.write(np.ascontiguousarray(array).data)
            self.offsets[key] = self.size + padding
            self.size += padding + array.nbytes
        return self.offsets[key]
