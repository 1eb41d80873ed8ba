"""ONNX files as bytes: protocol buffers' wire format, read and written without the onnx package.

Only what graphs are cut and edited with: the fields of a message, and messages for a node, a small
tensor, an input. Numbers of fields are those of onnx.proto. Knows nothing of models.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence

VARINT, EIGHT, SIZED, FOUR = 0, 1, 2, 5  # wire types

NODE = 1  # of GraphProto
NODE_INPUT, NODE_OUTPUT, NODE_OPERATION, NODE_ATTRIBUTE, NODE_DOMAIN = 1, 2, 4, 5, 7
ATTRIBUTE_NAME, ATTRIBUTE_FLOAT, ATTRIBUTE_INT, ATTRIBUTE_INTS, ATTRIBUTE_TYPE = 1, 2, 3, 8, 20
A_FLOAT, AN_INT, INTS = 1, 2, 7  # AttributeProto.AttributeType
TENSOR_DIMS, TENSOR_TYPE, TENSOR_FLOATS, TENSOR_NAME, TENSOR_RAW = 1, 2, 4, 8, 9
FLOAT32, INT32, INT64, FLOAT16 = 1, 6, 7, 10  # TensorProto.DataType
OPSET, OPSET_DOMAIN, OPSET_VERSION = 8, 1, 2  # of ModelProto, of OperatorSetIdProto

Attribute = int | float | Sequence[int]


def fields(data: bytes) -> Iterator[tuple[int, bytes, bytes]]:
    """Number, whole bytes and payload of each field of a message."""
    at = 0
    while at < len(data):
        start = at
        tag, at = varint(data, at)
        number, wire = tag >> 3, tag & 7
        if wire == VARINT:
            _, end = varint(data, at)
        elif wire in (EIGHT, FOUR):
            end = at + (8 if wire == EIGHT else 4)
        elif wire == SIZED:
            size, at = varint(data, at)
            end = at + size
        else:
            raise ValueError(f"wire type {wire} at byte {start} is not of this format")
        yield number, data[start:end], data[at:end]
        at = end


def varint(data: bytes, at: int = 0) -> tuple[int, int]:
    """A number in groups of seven bits, and the place after it."""
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at
        shift += 7


def payload(field: bytes) -> bytes:
    """What a field holds, without its tag."""
    return next(fields(field))[2]


def tagged(number: int, data: bytes) -> bytes:
    """A field of bytes, a text or a message."""
    return packed(number << 3 | SIZED) + packed(len(data)) + data


def node(
    operation: str,
    inputs: Sequence[str],
    outputs: Sequence[str],
    *,
    domain: str = "",
    **attributes: Attribute,
) -> bytes:
    """A NodeProto as a field of its graph."""
    parts = [tagged(NODE_INPUT, name.encode()) for name in inputs]
    parts += [tagged(NODE_OUTPUT, name.encode()) for name in outputs]
    parts += [tagged(NODE_OPERATION, operation.encode()), tagged(NODE_DOMAIN, domain.encode())]
    parts += [tagged(NODE_ATTRIBUTE, _attribute(*pair)) for pair in attributes.items()]
    return tagged(NODE, b"".join(parts))


def integers(field: bytes) -> dict[str, int]:
    """The attributes of a node that are one integer, by name."""
    found = {}
    for number, _, attribute in fields(payload(field)):
        if number == NODE_ATTRIBUTE:
            parts = {number: data for number, _, data in fields(attribute)}
            if ATTRIBUTE_INT in parts:
                found[parts[ATTRIBUTE_NAME].decode()] = varint(parts[ATTRIBUTE_INT])[0]
    return found


def tensor(name: str, values: Sequence[int]) -> bytes:
    """A TensorProto [value] of int64."""
    data = struct.pack(f"<{len(values)}q", *values)
    return (
        number(TENSOR_DIMS, len(values))
        + number(TENSOR_TYPE, INT64)
        + tagged(TENSOR_NAME, name.encode())
        + tagged(TENSOR_RAW, data)
    )


def single(data: bytes) -> float | None:
    """The number of a TensorProto that holds one float32; None for any other."""
    kind, raw = 0, b""
    for number, _, held in fields(data):
        if number == TENSOR_TYPE:
            kind = varint(held)[0]
        elif number in (TENSOR_RAW, TENSOR_FLOATS):
            raw = held
    return struct.unpack("<f", raw)[0] if kind == FLOAT32 and len(raw) == 4 else None


def value(name: str, kind: int | None, *, axes: int | None = None) -> bytes:
    """A ValueInfoProto: an input or output of a graph, its `axes` free, all of them if None.

    Without a kind of numbers it is for ONNX Runtime to find out.
    """
    if kind is None:
        return tagged(1, name.encode())
    shape = b"" if axes is None else tagged(2, tagged(1, b"") * axes)
    return tagged(1, name.encode()) + tagged(2, tagged(1, number(1, kind) + shape))


def axes(data: bytes) -> tuple[int | None, ...]:
    """The shape that a ValueInfoProto gives; None for an axis that is free."""
    message = data
    for number in (2, 1, 2):  # type, tensor_type, shape
        message = next((held for n, _, held in fields(message) if n == number), b"")
    sizes = [{n: held for n, _, held in fields(axis)} for n, _, axis in fields(message) if n == 1]
    return tuple(varint(size[1])[0] if 1 in size else None for size in sizes)


def opset(domain: str, version: int) -> bytes:
    """An OperatorSetIdProto as a field of its model."""
    return tagged(OPSET, tagged(OPSET_DOMAIN, domain.encode()) + number(OPSET_VERSION, version))


def _attribute(name: str, given: Attribute) -> bytes:
    if isinstance(given, float):
        held = packed(ATTRIBUTE_FLOAT << 3 | FOUR) + struct.pack("<f", given)
        kind = A_FLOAT
    elif isinstance(given, int):
        held, kind = number(ATTRIBUTE_INT, given), AN_INT
    else:
        held, kind = b"".join(number(ATTRIBUTE_INTS, one) for one in given), INTS
    return tagged(ATTRIBUTE_NAME, name.encode()) + held + number(ATTRIBUTE_TYPE, kind)


def number(field: int, given: int) -> bytes:
    """A field of one whole number."""
    return packed(field << 3 | VARINT) + packed(given)


def packed(given: int) -> bytes:
    """A number of at least 0 in groups of seven bits."""
    groups = []
    while given > 127:
        groups.append(given & 127 | 128)
        given >>= 7
    return bytes([*groups, given])
