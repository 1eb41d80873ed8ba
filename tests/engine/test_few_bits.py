"""Products with weights of few bits in a small graph, against numpy: 4-bit blocks and halves."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx_ir as ir
import onnxruntime as ort
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.export.weights import halves
from engine.export.weights.halves import halve
from engine.export.weights.int4 import BLOCK, four, four_or_eight, packed
from engine.export.weights.int8 import eight, quantize
from engine.export.weights.storage import Stored, Weights, digest
from engine.models import slicing
from engine.models.device import Device, Part, open_session

VOCABULARY, WIDTH, INNER = 96, 48, 80
ROOT = Path(__file__).resolve().parents[2]
CPU = Device("cpu", "")


def weights() -> dict[str, np.ndarray]:
    """Matrices whose every number is a half."""
    rng = np.random.default_rng(3)
    shapes = {"table": (VOCABULARY, WIDTH), "up": (WIDTH, INNER), "down": (WIDTH, INNER)}
    found = {name: rng.normal(0, 0.3, shape) for name, shape in shapes.items()}
    found["bias"] = rng.normal(0, 0.3, WIDTH)
    return {name: array.astype(np.float16).astype(np.float32) for name, array in found.items()}


def expected(ids: np.ndarray) -> dict[str, np.ndarray]:
    w = weights()
    vectors = w["table"][ids]
    inner = vectors @ w["up"]
    down = inner.reshape(-1, INNER) @ w["down"].T + w["bias"]
    return {"vectors": vectors, "inner": inner, "down": down, "logits": down @ w["table"].T}


def program() -> ir.Model:
    """ids -> vectors -> MatMul -> Gemm -> logits by the transposed table, as a model has them."""
    w = weights()
    values = {name: ir.Value(name=name, const_value=ir.tensor(a)) for name, a in w.items()}
    for name, value in values.items():
        value.shape, value.type = ir.Shape(w[name].shape), ir.TensorType(ir.DataType.FLOAT)
    ids = ir.Value(
        name="ids", type=ir.TensorType(ir.DataType.INT64), shape=ir.Shape(["batch", "token"])
    )
    shape = ir.Value(name="flat", const_value=ir.tensor(np.array([-1, INNER])))
    shape.shape, shape.type = ir.Shape([2]), ir.TensorType(ir.DataType.INT64)

    def out(name: str, *axes: int | str) -> list[ir.Value]:
        kind = ir.TensorType(ir.DataType.FLOAT)
        return [ir.Value(name=name, type=kind, shape=ir.Shape(axes))]

    nodes = [
        ir.node("Gather", [values["table"], ids], outputs=out("vectors", "batch", "token", WIDTH)),
    ]
    vectors = nodes[0].outputs[0]
    nodes.append(
        ir.node("MatMul", [vectors, values["up"]], outputs=out("inner", "batch", "token", INNER))
    )
    nodes.append(ir.node("Reshape", [nodes[1].outputs[0], shape], outputs=out("rows", "n", INNER)))
    nodes.append(
        ir.node(
            "Gemm",
            [nodes[2].outputs[0], values["down"], values["bias"]],
            {"transB": 1},
            outputs=out("down", "n", WIDTH),
        )
    )
    nodes[-1].outputs[0].name = "down"
    values["down"].name = "down.weight"
    nodes.append(ir.node("Transpose", [values["table"]], {"perm": [1, 0]}))
    nodes.append(
        ir.node(
            "MatMul",
            [nodes[3].outputs[0], nodes[4].outputs[0]],
            outputs=out("logits", "n", VOCABULARY),
        )
    )
    outputs = [nodes[k].outputs[0] for k in (0, 1, 3, 5)]
    graph = ir.Graph(
        [ids],
        outputs,
        nodes=nodes,
        initializers=[*values.values(), shape],
        opset_imports={"": 20},
        name="small",
    )
    return ir.Model(graph, ir_version=10)


def saved(model: ir.Model, folder: Path, stock: Weights | None = None) -> Path:
    (stock or Weights(folder, {})).move(model)
    ir.save(model, folder / "model.onnx")
    return folder / "model.onnx"


def run(path: Path, ids: np.ndarray) -> dict[str, np.ndarray]:
    session = ort.InferenceSession(path, providers=["CPUExecutionProvider"])
    names = [one.name for one in session.get_outputs()]
    return dict(zip(names, session.run(names, {"ids": ids}), strict=True))  # type: ignore[arg-type]


IDS = np.array([[5, 6, 7, 95], [0, 3, 41, 7], [9, 9, 9, 9]])


@pytest.mark.parametrize(("most", "products"), [(halves.PART, 3), (32 * INNER, 3 + 2 + 3)])
def test_halves_compute_exactly_in_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, most: int, products: int
) -> None:
    """Whole, and with each matrix in parts of 32 rows; on the disk each is there once."""
    monkeypatch.setattr(halves, "PART", most)
    model, stock = program(), Weights(tmp_path, {})
    halve(model, stock)
    path = saved(model, tmp_path, stock)
    for name, array in expected(IDS).items():
        assert run(path, IDS)[name] == pytest.approx(array, rel=1e-5, abs=1e-5)
    numbers = VOCABULARY * WIDTH + 2 * WIDTH * INNER
    assert 2 * numbers <= stock.size <= 2 * numbers + 4 * 64
    kinds = [node.op_type for node in ir.load(path).graph]
    assert kinds.count("If") == products
    assert not {"Gemm", "MatMul", "Transpose"} & set(kinds)


HELD = """
import sys
from pathlib import Path
import numpy as np
from engine.models.device import Device, open_session

def held():
    lines = Path("/proc/self/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Anonymous")) / 1000

before = held()
session = open_session(Path(sys.argv[1]), Device("cpu", ""), 1, halves=sys.argv[2] == "yes")[0]
opened = held()
session.run(None, {"x": np.ones((1, 2048), dtype=np.float32)})
print(opened - before, held() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")
def test_halves_stay_halves_in_memory(tmp_path: Path) -> None:
    """Four matrices of 8 MB: mapped, each float32 (16 MB) only while it is needed."""
    kind = ir.TensorType(ir.DataType.FLOAT)
    x = ir.Value(name="x", type=kind, shape=ir.Shape(["n", 2048]))
    rng, nodes, stored, last = np.random.default_rng(0), [], [], x
    for k in range(4):
        matrix = (rng.normal(size=(2048, 2048)) / 50).astype(np.float16).astype(np.float32)
        w = ir.Value(name=f"w{k}", const_value=ir.tensor(matrix), type=kind)
        w.shape = ir.Shape(matrix.shape)
        out = ir.Value(name=f"y{k}", type=kind, shape=ir.Shape(["n", 2048]))
        nodes.append(ir.node("MatMul", [last, w], outputs=[out]))
        stored, last = [*stored, w], out
    graph = ir.Graph(
        [x], [last], nodes=nodes, initializers=stored, opset_imports={"": 20}, name="large"
    )
    model, stock = ir.Model(graph, ir_version=10), Weights(tmp_path, {})
    halve(model, stock)
    path = saved(model, tmp_path, stock)
    found = {}
    for halved in ("yes", "no"):
        command = [sys.executable, "-c", HELD, str(path), halved]
        said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
        found[halved] = [float(number) for number in said.split()]
    opened, after = found["yes"]
    assert opened < 8 and after < 16 + 8
    assert found["no"][0] > 4 * 16 - 8


def test_what_is_no_half_stays_as_it_is(tmp_path: Path) -> None:
    model = program()
    up = model.graph.initializers["up"]
    up.const_value = ir.tensor(weights()["up"] + np.float32(1e-5))
    halve(model, Weights(tmp_path, {}))
    assert [node.op_type for node in model.graph].count("MatMul") == 1


def test_a_part_of_a_graph_takes_what_its_branches_need(tmp_path: Path) -> None:
    """Cut at the vectors, the rest computes the same from them."""
    model, stock = program(), Weights(tmp_path, {})
    halve(model, stock)
    path = saved(model, tmp_path, stock)
    whole = slicing.read(path.read_bytes())
    assert whole is not None
    data, inputs = whole.cut(["vectors"], ["logits"])
    session = open_session(Part(data, tmp_path, inputs), CPU, 1, halves=True)[0]
    want = expected(IDS)
    feeds = {"vectors": want["vectors"], "ids": IDS}
    assert inputs == {"vectors", "ids"}
    got = session.run(["logits"], feeds)[0]
    assert got == pytest.approx(want["logits"], rel=1e-4, abs=1e-4)


def test_four_bits_are_near_and_the_output_matrix_has_eight(tmp_path: Path) -> None:
    model = program()
    table = weights()["table"]
    scales = np.abs(table).max(axis=1, keepdims=True) / np.float32(127)
    kept = Stored(np.rint(table / scales).astype(np.int8), scales.astype(np.float32))
    quantize(model, {digest(table): kept}, four_or_eight(VOCABULARY))
    path = saved(model, tmp_path)
    bits = [
        n.attributes["bits"].as_int() for n in ir.load(path).graph if n.op_type == "MatMulNBits"
    ]
    assert bits == [4, 4, 8]
    got, want = run(path, IDS), expected(IDS)
    for name, share in {"vectors": 0.01, "inner": 0.15, "down": 0.2}.items():
        assert 0 < np.abs(got[name] - want[name]).max() < share * np.abs(want[name]).max()


def test_a_row_is_the_same_in_any_company(tmp_path: Path) -> None:
    """Six texts at once and each alone: the block of another row has no say in its scale."""
    model = program()
    quantize(model, {}, four_or_eight(VOCABULARY))
    path = saved(model, tmp_path)
    ids = np.random.default_rng(0).integers(0, VOCABULARY, (6, 4))
    together = run(path, ids)["logits"].reshape(6, 4, VOCABULARY)
    for row in range(6):
        alone = run(path, ids[row : row + 1])["logits"]
        assert np.abs(alone - together[row]).max() < 1e-5


def back(matrix: np.ndarray) -> np.ndarray:
    """What the 4-bit blocks of a matrix stand for, by hand."""
    found = four(matrix)
    rows, columns = matrix.shape
    assert found.zeros is not None
    count = found.scales.shape[1]
    low, high = found.values & 15, found.values >> 4
    numbers = np.stack([low, high], axis=-1).reshape(rows, count, BLOCK).astype(np.float32)
    zeros = np.stack([found.zeros & 15, found.zeros >> 4], axis=-1).reshape(rows, -1)[:, :count]
    values = (numbers - zeros[..., None].astype(np.float32)) * found.scales[..., None]
    filled = values.reshape(rows, -1)
    assert not filled[:, columns:].any()
    return filled[:, :columns]


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 5), st.integers(1, 100), st.floats(1e-6, 1e6))
def test_no_number_moves_further_than_its_block_allows(
    seed: int, rows: int, columns: int, wide: float
) -> None:
    matrix = np.random.default_rng(seed).normal(0, wide, (rows, columns)).astype(np.float32)
    found = back(matrix)
    for start in range(0, columns, BLOCK):
        part, got = matrix[:, start : start + BLOCK], found[:, start : start + BLOCK]
        range_ = np.maximum(part.max(axis=1), 0) - np.minimum(part.min(axis=1), 0)
        # Rounding costs half a step of a range up to a fifth narrower, clipping that fifth.
        assert (np.abs(got - part).max(axis=1) <= 0.3 * range_ + 1e-12).all()
        plain = range_ / 15
        assert (((got - part) ** 2).mean(axis=1) <= plain**2 / 3).all()


@pytest.mark.parametrize("axes", [2, 3])
def test_what_came_from_four_bits_is_exact_again(axes: int, tmp_path: Path) -> None:
    """Steps from a least number that is no multiple of them, as GGUF's Q4_1 has them."""
    rng = np.random.default_rng(5)
    numbers = rng.integers(0, 16, (48, 3, BLOCK)).astype(np.float32)
    numbers[..., 0], numbers[..., 1] = 0, 15
    steps = rng.uniform(0.01, 0.2, (48, 3, 1)).astype(np.float32)
    matrix = (numbers * steps - steps * rng.uniform(3, 12, (48, 3, 1))).astype(np.float32)
    matrix = matrix.reshape(48, 96)
    found = four(matrix)
    assert found.shifts is not None
    assert four(rng.normal(size=(48, 96)).astype(np.float32)).shifts is None
    kind, shape = ir.TensorType(ir.DataType.FLOAT), ["batch", "token", 96][-axes:]
    x = ir.Value(name="x", type=kind, shape=ir.Shape(shape))
    w = ir.Value(name="w", const_value=ir.tensor(np.ascontiguousarray(matrix.T)), type=kind)
    w.shape = ir.Shape([96, 48])
    out = ir.Value(name="y", type=kind, shape=ir.Shape([*shape[:-1], 48]))
    node = ir.node("MatMul", [x, w], outputs=[out])
    graph = ir.Graph([x], [out], nodes=[node], initializers=[w], opset_imports={"": 20}, name="one")
    model = ir.Model(graph, ir_version=10)
    quantize(model, {}, four)
    session = ort.InferenceSession(saved(model, tmp_path), providers=["CPUExecutionProvider"])
    fed = rng.normal(size=(2, 5, 96)).astype(np.float32)
    fed = fed if axes == 3 else fed[0]
    got, want = session.run(None, {"x": fed})[0], fed @ matrix.T
    # What it is multiplied with is rounded to 8 bits, nothing else.
    assert np.abs(got - want).max() < 0.01 * np.abs(want).max()


def test_zeros_and_constants_are_kept_exactly() -> None:
    matrix = np.zeros((3, 40), dtype=np.float32)
    matrix[1] = 0.75
    matrix[2, 3] = -2.0
    assert np.allclose(back(matrix), matrix, atol=1e-6)
    assert packed(np.array([1, 2, 3], dtype=np.uint8)).tolist() == [33, 3]


def test_fewer_bits_lose_more() -> None:
    matrix = np.random.default_rng(1).normal(size=(64, 128)).astype(np.float32)
    values, scales = eight(matrix).values, eight(matrix).scales
    exact = (values.astype(np.float32) - 128) * scales[..., None]
    eighth = np.abs(exact.reshape(64, 128) - matrix).mean()
    fourth = np.abs(back(matrix) - matrix).mean()
    assert eighth < fourth / 8 < eighth * 3
