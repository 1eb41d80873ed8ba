"""The same numbers from a GPU, and keys and values that never leave it (`make test-gpu`)."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from engine.decoding.batch import Decoder, encode
from engine.models import device
from engine.models.runtime import Bundle, open_bundle
from engine.trace import tracing
from engine.values import Reading
from tests.engine.checkpoints import Bundles

pytestmark = pytest.mark.gpu
TEXT = "The cat sat on the mat because it was warm."
TOLERANCE = 1e-4  # float32 on both sides, TF32 off


@pytest.fixture
def cuda() -> Iterator[None]:
    """A GPU on which a session opens; skipped where there is none, with the reason."""
    device._found.clear()
    found = device.default()
    if found.provider != "cuda":
        pytest.skip(found.reason)
    yield
    device._found.clear()


def on_both(bundle: Bundle, work) -> tuple:
    """What `work(bundle)` gives on the GPU and on the CPU."""
    bundle.close()
    assert bundle.session().device.provider == "cuda"
    gpu = work(bundle)
    bundle.close()
    device.fall_back("asked by a test")
    assert bundle.session().device.provider == "cpu"
    return gpu, work(bundle)


@pytest.mark.parametrize("name", ["gpt2", "bert"])
def test_a_trace_on_the_gpu_equals_the_cpus(bundles: Bundles, cuda: None, name: str):
    side = "encoder" if name == "bert" else "decoder"
    reading = Reading(name, TEXT)
    gpu, cpu = on_both(
        open_bundle(bundles(name)), lambda bundle: tracing.layers(bundle, reading, side)
    )
    for one, other in zip(gpu, cpu, strict=True):
        assert np.abs(one.attention.weights - other.attention.weights).max() < TOLERANCE
        assert np.abs(one.hidden - other.hidden).max() < TOLERANCE


def test_steps_on_the_gpu_equal_the_cpus(bundles: Bundles, cuda: None):
    def write(bundle: Bundle) -> np.ndarray:
        with Decoder(bundle) as decoder:
            decoder.prefill(np.array([[5, 6, 7]]))
            decoder.step([8, 9], [0, 0])
            logits = decoder.step([1, 2, 3], [1, 0, 1])
            if bundle.device.provider == "cuda":
                assert {value.device_name() for value in decoder._past.values()} == {"cuda"}
        return logits

    gpu, cpu = on_both(open_bundle(bundles("gpt2")), write)
    assert np.abs(gpu - cpu).max() < TOLERANCE


def test_a_source_stays_on_the_gpu(bundles: Bundles, cuda: None):
    def read(bundle: Bundle) -> np.ndarray:
        source = encode(bundle, np.array([[5, 6, 7, 1]]))
        if bundle.device.provider == "cuda":
            assert {value.device_name() for value in source.values.values()} == {"cuda"}
        with Decoder(bundle, source=source) as decoder:
            return decoder.prefill(np.array([[0, 4]]))

    gpu, cpu = on_both(open_bundle(bundles("marian")), read)
    assert np.abs(gpu - cpu).max() < TOLERANCE
