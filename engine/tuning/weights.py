"""The weights of a bundle's graph by name, and a graph with some of them replaced.

In: an ONNX file and its weights. Out: float32 arrays named as the checkpoint names them
("transformer.h.0.attn.c_attn.weight"), whatever form they are stored in; or the graph's bytes with
references to other numbers. Nothing but the bytes is read: the app works without the onnx package.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from engine.errors import BrokenBundle
from engine.models import slicing, wire
from engine.models.slicing import Whole

PREFIX = "model."  # what the exporter's wrapper puts before a checkpoint's names
INT8 = ".int8"  # what follows the name of a matrix that is stored so
KINDS = {1: np.dtype("<f4"), 3: np.dtype("i1"), 10: np.dtype("<f2")}  # of TensorProto.DataType
DIMS, TYPE, NAME, RAW, EXTERNAL, LOCATION = 1, 2, 8, 9, 13, 14  # of TensorProto


def opened(path: Path) -> Whole:
    """A graph taken apart; `BrokenBundle` where that cannot be done."""
    found = slicing.read(path.read_bytes())
    if found is None:
        raise BrokenBundle(f"{path.name} of {path.parent.name} has sparse weights.")
    return found


def read(path: Path) -> dict[str, np.ndarray]:
    """Every floating-point weight of a graph of more than one number."""
    whole = opened(path)
    plain = {name: _array(field, path.parent) for name, field in whole.initializers.items()}
    arrays = {name: array for name, array in plain.items() if array is not None}
    makers = {node.outputs[0]: node for node in whole.nodes if len(node.outputs) == 1}

    def value(name: str) -> np.ndarray | None:
        """A stored array, or what `Cast` and `Mul` by scales make of one."""
        if name in arrays:
            return arrays[name]
        node = makers.get(name)
        if node is None or not 0 < len(node.inputs) <= 2:
            return None
        stored = [array for one in node.inputs if (array := value(one)) is not None]
        if len(stored) < len(node.inputs):
            return None
        first = stored[0].astype(np.float32)
        return first if len(stored) == 1 else first * stored[1]

    names = {name for name in (*arrays, *makers) if name.startswith(PREFIX)}
    names = {name for name in names if name.endswith((".weight", ".bias"))}
    found = {name: value(name) for name in sorted(names)}
    return {
        name.removeprefix(PREFIX): array.astype(np.float32)
        for name, array in found.items()
        if array is not None
    }


def replaced(path: Path, places: Mapping[str, tuple[str, int, tuple[int, ...]]]) -> bytes:
    """The graph with weights from elsewhere: name -> (file, offset, shape), all float32.

    Names that the graph does not use are left out.
    """
    whole = opened(path)
    known = {PREFIX + name: place for name, place in places.items()} | dict(places)
    made = {name for node in whole.nodes for name in node.outputs}
    here = {
        name: place for name, place in known.items() if name in whole.initializers or name in made
    }
    fields = {name: _external(name, *place) for name, place in here.items()}
    changed = replace(
        whole,
        nodes=tuple(node for node in whole.nodes if not set(node.outputs) & fields.keys()),
        initializers=whole.initializers | fields,
    )
    return changed.part((), list(whole.outputs))


def nameless(path: Path) -> list[str]:
    """Matrices of a graph that are stored in int8 and have no name of the checkpoint's."""
    names = (name for name in opened(path).initializers if name.endswith(INT8))
    return [name.removesuffix(INT8) for name in names if not name.startswith(PREFIX)]


def _array(field: bytes, folder: Path) -> np.ndarray | None:
    """The numbers of an initializer; None for other types and for what lies elsewhere."""
    (_, _, tensor) = next(wire.fields(field))
    told: dict[int, list[bytes]] = {}
    for number, whole, payload in wire.fields(tensor):
        told.setdefault(number, []).append(whole if number in (DIMS, TYPE) else payload)
    dtype = KINDS.get(_number(told[TYPE][0]))
    if dtype is None:
        return None
    shape = [size for dim in told.get(DIMS, []) for size in _numbers(dim)]
    count = int(np.prod(shape, dtype=np.int64))
    if EXTERNAL in told:
        where = dict(_entry(one) for one in told[EXTERNAL])
        name, start = Path(where["location"]).name, int(where.get("offset", 0))
        return np.memmap(folder / name, dtype, "r", start, tuple(shape))
    if RAW in told:
        return np.frombuffer(told[RAW][0], dtype, count).reshape(shape)
    return None


def _external(name: str, file: str, offset: int, shape: tuple[int, ...]) -> bytes:
    """An initializer of float32 whose numbers lie in a file."""
    length = int(np.prod(shape)) * 4
    facts = {"location": file, "offset": str(offset), "length": str(length)}
    body = b"".join(wire.number(DIMS, size) for size in shape)
    body += wire.number(TYPE, 1) + wire.tagged(NAME, name.encode())
    for key, text in facts.items():
        entry = wire.tagged(1, key.encode()) + wire.tagged(2, text.encode())
        body += wire.tagged(EXTERNAL, entry)
    return wire.tagged(slicing.INITIALIZER, body + wire.number(LOCATION, 1))


def _entry(message: bytes) -> tuple[str, str]:
    texts = {number: payload.decode() for number, _, payload in wire.fields(message)}
    return texts[1], texts[2]


def _number(field: bytes) -> int:
    return _numbers(field)[0]


def _numbers(field: bytes) -> list[int]:
    """The whole numbers of a field, one by one or packed."""
    tag, at = wire.varint(field, 0)
    if tag & 7 == wire.SIZED:
        _, at = wire.varint(field, at)
    found = []
    while at < len(field):
        value, at = wire.varint(field, at)
        found.append(value)
    return found
