"""A graph opened by ONNX Runtime: its inputs with their types, its outputs, a run.

In: a file, or a part of a graph (`slicing`), and a device. Out: a `Session`. It knows nothing of
turns, of other sessions and of when it is closed: `runtime` does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from engine.models import device as devices
from engine.models.device import Device
from engine.settings import cores, settings

DTYPES = {
    "tensor(float)": np.float32,
    "tensor(float16)": np.float16,
    "tensor(int64)": np.int64,
    "tensor(int32)": np.int32,
    "tensor(bool)": np.bool_,
}


class Session:
    """One graph, opened: its inputs with their types, and its outputs' names."""

    def __init__(
        self, graph: Path | devices.Part | devices.Packed, device: Device, *, halves: bool = False
    ) -> None:
        """Open `graph` on `device`; `self.device` is where it really runs.

        `halves`: see `engine.models.device.open_session`.
        """
        threads = settings().threads or cores()
        self.ort, self.device = devices.open_session(graph, device, threads, halves=halves)
        self.inputs: dict[str, Any] = {node.name: node for node in self.ort.get_inputs()}
        self.outputs = frozenset(node.name for node in self.ort.get_outputs())

    def dtype(self, name: str) -> type[np.generic]:
        """The numpy type of an input."""
        return DTYPES[self.inputs[name].type]

    def run(
        self, feeds: Mapping[str, np.ndarray], wanted: Sequence[str], *, large: bool = False
    ) -> dict[str, np.ndarray]:
        """Run once, in nobody's turn; `large` gives the memory that the run took back afterwards.

        ONNX Runtime else keeps it.
        """
        options = devices.shrinking(self.device) if large else None
        found = self.ort.run(list(wanted), dict(feeds), options)
        return {name: np.asarray(value) for name, value in zip(wanted, found, strict=True)}
