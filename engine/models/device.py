"""The device that model runs take place on, found out by opening a session on it.

ONNX Runtime lists CUDA on machines that have none, so the list is not asked: a session is
opened, and where it landed is looked up. Falling back to the CPU is a decision that is shown:
`Device.reason` says in words why.
"""

from __future__ import annotations

import ctypes
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal

import onnxruntime
import onnxruntime.capi.onnxruntime_pybind11_state as ort_errors

from engine.errors import DeviceUnavailable
from engine.settings import cores, settings

FOLDED = 65_536  # bytes of what is worked out at opening where weights stay halves
INSIDE = 1024  # bytes of a tensor from which on it lies in a file beside its optimized graph


RUN_ERRORS = (
    RuntimeError,  # what a run with bound buffers raises
    ort_errors.Fail,
    ort_errors.InvalidArgument,
    ort_errors.NotImplemented,
    ort_errors.RuntimeException,
)
"""What a run raises that ONNX Runtime cannot do; they share no base of their own."""


class GraphError(Exception):
    """ONNX Runtime refused a graph; the message is its first line."""


@dataclass(frozen=True, slots=True)
class Device:
    """Where runs take place, and why there."""

    provider: Literal["cpu", "cuda"]
    reason: str

    @property
    def title(self) -> str:
        """The device's name for people."""
        return "CPU" if self.provider == "cpu" else "GPU (CUDA)"


_guard = threading.Lock()
_found: list[Device] = []


def default() -> Device:
    """The device that new sessions are opened on; looked for once."""
    with _guard:
        if not _found:
            _found.append(_look())
        return _found[0]


def fall_back(reason: str) -> Device:
    """Open new sessions on the CPU from now on, because of `reason`."""
    with _guard:
        _found[:] = [Device("cpu", reason)]
        return _found[0]


@dataclass(frozen=True, slots=True)
class Part:
    """A graph that is in no file: its bytes, the folder that its weights lie in, its inputs.

    One that is not `lasting` runs a few times: packed weights would be made, and held, for nothing.
    """

    data: bytes
    folder: Path
    inputs: frozenset[str] = frozenset()
    lasting: bool = False


@dataclass(frozen=True, slots=True)
class Packed:
    """A graph that `pack` wrote: optimized, its weights packed in a file beside it."""

    path: Path
    lasting: bool = False


def open_session(
    graph: Path | Part | Packed, device: Device, threads: int, *, halves: bool = False
) -> tuple[onnxruntime.InferenceSession, Device]:
    """Open a graph on `device`, or on the CPU when the GPU refuses it; say which it was.

    With `halves` its float16 weights are to stay so in memory: nothing large is worked out of them
    at opening.
    """
    # What writes in place is made of many short operations, whose threads wait microseconds.
    spin = settings().spin_us if isinstance(graph, (Part, Packed)) and graph.lasting else 0
    options = partial(_options, threads, halves, spin)
    if device.provider == "cuda":
        try:
            session = _open(graph, [_cuda(), "CPUExecutionProvider"], options())
            if session.get_providers()[0] == "CUDAExecutionProvider":
                return session, device
            reason = "ONNX Runtime did not open the model on the GPU"
        except GraphError as error:
            reason = f"the GPU could not open the model ({error})"
        if settings().device == "cuda":
            raise DeviceUnavailable(f"ATLAS_DEVICE is cuda, but {reason}. Set it to auto or cpu.")
        device = Device("cpu", f"Running on the CPU: {reason}.")
    return _open(graph, ["CPUExecutionProvider"], options()), device


def pack(
    graph: Path | Part, optimized: Path, weights: str, *, packed: bool = True, halves: bool = False
) -> None:
    """Write a graph as the CPU runs it, and its weights, also `packed`, to a file beside it."""
    if isinstance(graph, Part):
        graph = replace(graph, lasting=packed)
    options = _options(settings().threads or cores(), halves, spin=0)
    options.optimized_model_filepath = str(optimized)
    for name, value in (
        ("optimized_model_external_initializers_file_name", weights),
        ("optimized_model_external_initializers_min_size_in_bytes", str(INSIDE)),
        ("save_external_prepacked_constant_initializers", str(int(packed))),
    ):
        options.add_session_config_entry(f"session.{name}", value)
    if not packed and not isinstance(graph, Part):
        options.add_session_config_entry("session.disable_prepacking", "1")
    _open(graph, ["CPUExecutionProvider"], options)


def shrinking(device: Device) -> onnxruntime.RunOptions:
    """Options of a run after which the memory that it took is given back."""
    options = onnxruntime.RunOptions()
    where = "cpu:0" if device.provider == "cpu" else "cpu:0;gpu:0"
    options.add_run_config_entry("memory.enable_memory_arena_shrinkage", where)
    return options


@contextmanager
def watched(device: Device) -> Iterator[None]:
    """Turn a GPU that fails in the middle of a run into a sentence and the CPU for what follows."""
    try:
        yield
    except (ort_errors.Fail, ort_errors.RuntimeException, ort_errors.EPFail) as error:
        if device.provider != "cuda":
            raise
        fall_back(f"Running on the CPU: the GPU failed ({first_line(error)}).")
        raise DeviceUnavailable(
            f"The GPU stopped answering ({first_line(error)}). Models opened from now on run "
            "on the CPU: try again."
        ) from error


def first_line(error: Exception) -> str:
    """The first line of an error's message, at most 160 characters."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0][:160]


def demanded(provider: Literal["cpu", "cuda"], said: str) -> Device:
    """The device that somebody asked for (`said` is how), or `DeviceUnavailable`."""
    if provider == "cpu":
        return Device("cpu", f"Running on the CPU: {said}.")
    problem = _missing()
    if problem is not None:
        raise DeviceUnavailable(f"{said}, but {problem}. Choose the CPU, or leave the choice open.")
    return Device("cuda", "Running on the GPU.")


def _look() -> Device:
    wish = settings().device
    if wish == "cpu":
        return Device("cpu", "Running on the CPU, as ATLAS_DEVICE says.")
    problem = _missing()
    if problem is None:
        return Device("cuda", "Running on the GPU.")
    if wish == "cuda":
        raise DeviceUnavailable(f"ATLAS_DEVICE is cuda, but {problem}. Set it to auto or cpu.")
    return Device("cpu", f"Running on the CPU: {problem}.")


def _missing() -> str | None:
    """Why CUDA cannot be tried here, in words; None when a session may be opened on it."""
    if "CUDAExecutionProvider" not in onnxruntime.get_available_providers():
        return "this ONNX Runtime is built without CUDA"
    try:
        driver = ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")
    except OSError:
        return "no NVIDIA driver was found"
    count = ctypes.c_int(0)
    if driver.cuInit(0) or driver.cuDeviceGetCount(ctypes.byref(count)) or not count.value:
        return "no GPU answered"
    # Finds the CUDA libraries that PyTorch's wheels bring; silent where there are none.
    onnxruntime.preload_dlls()
    return None


def _cuda() -> tuple[str, dict[str, Any]]:
    # TF32 keeps 10 bits of each factor: too few for float32 models to equal PyTorch's within 1e-4.
    options: dict[str, Any] = {"arena_extend_strategy": "kSameAsRequested", "use_tf32": "0"}
    if settings().gpu_memory_mb:
        options["gpu_mem_limit"] = settings().gpu_memory_mb * 10**6
    return "CUDAExecutionProvider", options


def _options(threads: int, halves: bool, spin: int) -> onnxruntime.SessionOptions:
    """`spin` are microseconds that a thread waits for more work before it sleeps."""
    options = onnxruntime.SessionOptions()
    if halves:
        options.add_session_config_entry(
            "optimization.constant_folding_max_output_size_in_bytes", str(FOLDED)
        )
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 4
    # Each node as soon as it can run: what `keep` leaves out is dropped at once (see `keeping`).
    options.execution_order = onnxruntime.ExecutionOrder.PRIORITY_BASED
    # Threads that spin while they wait take the cores from the server and from other runs: with
    # all cores busy a step took 14 ms instead of 5, with idle ones it gained a tenth.
    options.add_session_config_entry("session.intra_op.allow_spinning", str(int(spin > 0)))
    if spin:
        options.add_session_config_entry("session.intra_op.spin_duration_us", str(spin))
    return options


def _open(
    graph: Path | Part | Packed, providers: list[Any], options: onnxruntime.SessionOptions
) -> onnxruntime.InferenceSession:
    source: Path | bytes
    if isinstance(graph, Part):
        source, where = graph.data, "session.model_external_initializers_file_folder_path"
        options.add_session_config_entry(where, str(graph.folder))
        options.add_session_config_entry("session.disable_prepacking", str(int(not graph.lasting)))
    elif isinstance(graph, Packed):
        source = graph.path
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    else:
        source = graph
    try:
        return onnxruntime.InferenceSession(source, options, providers=providers, enable_fallback=0)
    except Exception as error:
        # ONNX Runtime's errors share no base class below Exception.
        raise GraphError(first_line(error)) from error
