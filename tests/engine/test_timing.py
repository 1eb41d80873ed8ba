"""Times: what is measured, how far, by whom; and the bytes of keys and values by formula."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from engine.api import Reading, local
from engine.decoding.batch import Decoder
from engine.errors import Busy, NotOffered, Stopped
from engine.jobs import registry
from engine.local import timings as here
from engine.models.runtime import open_bundle
from engine.predecessors.gru import Network
from engine.settings import settings
from engine.store import store
from engine.timing import measuring
from engine.timing.cache_size import CacheSize
from engine.timing.measuring import Timings, measure, powers, spread
from tests.engine.checkpoints import Bundles

ENGINE = local()
MODEL = "tales-gpt"


def ticking(each: float = 1.0) -> Callable[[], float]:
    """A clock that is `each` seconds later whenever it is looked at."""
    now = iter(np.arange(1, 10**6) * each)
    return lambda: float(next(now))


def network(vocabulary: int) -> Network:
    rng = np.random.default_rng(0)

    def random(*shape: int) -> np.ndarray:
        return rng.normal(size=shape).astype(np.float32)

    return Network(
        embedding=random(vocabulary, 4), from_token=random(15, 4), from_state=random(15, 5),
        token_bias=random(15), state_bias=random(15), project=random(4, 5), project_bias=random(4),
    )  # fmt: skip


@pytest.fixture
def set_up(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    def chosen(**variables: str) -> None:
        for name, value in variables.items():
            monkeypatch.setenv(f"ATLAS_{name}", value)
        settings.cache_clear()

    yield chosen
    settings.cache_clear()


# --- The bytes ---


def test_the_formula_gives_the_published_size() -> None:
    """Llama 2 of 7 B: 32 layers of 32 heads of 128 numbers, 2,048 tokens of 16 bits: 1.07 GB."""
    assert round(CacheSize(32, 32, 128, 2).nbytes(2048) / 1e9, 2) == 1.07


@pytest.mark.parametrize("family", ["gpt2", "llama"])
def test_the_arrays_take_what_the_formula_says(bundles: Bundles, family: str) -> None:
    bundle = open_bundle(bundles(family))
    stack = bundle.card.decoder
    assert stack is not None and (family != "llama" or stack.key_heads < stack.heads)
    shape = CacheSize(stack.layers, stack.key_heads, stack.dim, here._item(bundle))
    with Decoder(bundle) as decoder:
        assert decoder.nbytes == 0
        decoder.prefill(np.array([[1, 2, 3]]))
        assert decoder.nbytes == shape.nbytes(3)
        decoder.step([4], [0])
        assert decoder.nbytes == shape.nbytes(4)
        decoder.step([4, 5], [0, 0])  # two rows
        assert decoder.nbytes == 2 * shape.nbytes(5)


def test_the_shape_is_that_of_the_card() -> None:
    card = ENGINE.card(MODEL)
    assert card.decoder is not None
    assert ENGINE.cache_size(MODEL) == CacheSize(
        card.decoder.layers, card.decoder.key_heads, card.decoder.dim, 4
    )
    with pytest.raises(NotOffered, match="only a decoder"):
        ENGINE.cache_size("tales-bert")


# --- Measuring ---


def test_every_run_is_timed_and_nothing_else() -> None:
    bundle = open_bundle(ENGINE.find(MODEL).folder)  # type: ignore[arg-type]
    said: list[tuple[float, str]] = []
    found = measure(
        bundle, network(6144), 8, lambda *one: said.append(one), clock=ticking(0.001), turns=3
    )
    assert found.counts.tolist() == [1, 2, 4, 8] and found.wanted == 8
    assert found.ways == ("at once", "recurrent", "written")
    one = 0.001  # of the clock passes in each run, and in each step of the network
    np.testing.assert_allclose(found.read, np.full((3, 4), one))
    np.testing.assert_allclose(found.written, np.full((3, 8), one))
    np.testing.assert_allclose(found.total("written"), [one * found.counts] * 3)
    np.testing.assert_allclose(found.total("recurrent"), [one * (found.counts + 1)] * 3)
    assert found.held.tolist() == [ENGINE.cache_size(MODEL).nbytes(n) for n in (1, 2, 4, 8)]
    shares = [share for share, _ in said]
    assert all(0 <= share <= 1 for share in shares) and shares[-1] > 0.7
    assert {"Turn 1 of 3", "Turn 3 of 3"} <= {stage for _, stage in said}
    alone = measure(bundle, None, 2, lambda *_: None, clock=ticking(0.001), turns=1)
    assert alone.ways == ("at once", "written") and alone.recurred is None
    with pytest.raises(ValueError, match="no recurrent network"):
        alone.total("recurrent")


def test_it_reads_the_very_tokens_that_are_written() -> None:
    bundle = open_bundle(ENGINE.find(MODEL).folder)  # type: ignore[arg-type]
    ids, _, counts = measuring._first(
        bundle, None, powers(16), ticking(0.0), 9.0, lambda *_: None, 5
    )
    assert counts == [1, 2, 4, 8, 16] and len(ids) == 16
    for place in range(1, 16):
        assert ids[place] == ENGINE.following(MODEL, tuple(ids[:place].tolist())).argmax()


def test_what_takes_too_long_is_left_out_and_said() -> None:
    bundle = open_bundle(ENGINE.find(MODEL).folder)  # type: ignore[arg-type]
    slow = measure(bundle, None, 64, lambda *_: None, clock=ticking(1.0), turns=5, seconds=60.0)
    assert slow.counts.tolist() == [1, 2, 4, 8] and slow.wanted == 64
    assert slow.written.shape[1] == 8 and len(slow.held) == 4
    slowest = measure(bundle, None, 64, lambda *_: None, clock=ticking(50.0), turns=5)
    assert slowest.counts.tolist() == [1, 2]  # two are compared, however slow it is
    assert len(slowest.read) == measuring.LEAST  # and not in more turns than needed


def test_the_next_token_costs_a_step_or_a_run_over_all() -> None:
    found = Timings(
        counts=np.array([1, 16]),
        read=np.array([[1.0, 4.0], [2.0, 3.0]]),
        written=np.vstack([np.arange(16.0), np.arange(16.0) + 1]),
        recurred=None,
        held=np.array([8, 128]),
        wanted=16,
    )
    assert found.next_token(kept=False).tolist() == [[1, 4], [2, 3]]
    assert found.next_token(kept=True).tolist() == [[0, 14], [1, 15]]  # of the last two steps
    assert found.total("written").tolist() == [[0, 120], [1, 136]]
    assert [one.tolist() for one in spread(found.read)] == [[1, 3], [1.5, 3.5], [2, 4]]


# --- In the engine ---


def test_how_far_it_may_go_is_the_windows_and_the_hosts(set_up: Callable[..., None]) -> None:
    assert ENGINE.lengths_timed(MODEL) == (16, 32, 64, 128, 256, 512)
    set_up(MAX_TOKENS="100")
    assert ENGINE.lengths_timed(MODEL) == (16, 32, 64)
    set_up(MAX_TOKENS="5")
    assert ENGINE.lengths_timed(MODEL) == (4,)
    set_up(MODE="public", MAX_TOKENS="512")
    longest = ENGINE.lengths_timed(MODEL)[-1]
    # All turns, the first one too: runs over 1, 2, 4 ... tokens, and as many as there are tokens.
    once = longest + measuring.REPEATED * len(powers(longest))
    runs = (measuring.TURNS + 1) * once
    assert longest == 128 and runs < settings().viewer_runs
    for length in (100, 512):
        with pytest.raises(NotOffered, match="Choose 16, 32, 64, 128"):
            ENGINE.measure(MODEL, length, viewer="")
    with pytest.raises(NotOffered, match="only a decoder"):
        ENGINE.lengths_timed("fr-en")


def test_it_is_measured_once_and_again_when_asked() -> None:
    store().clear()
    assert ENGINE.timed(MODEL, 16) is None
    found = ENGINE.timings(MODEL, 16)
    assert (found.read > 0).all() and (found.written > 0).all()
    job = ENGINE.measuring(MODEL, 16)
    assert job is not None and job.done
    assert ENGINE.timings(MODEL, 16) is found and ENGINE.timed(MODEL, 16) is found
    assert ENGINE.measuring(MODEL, 16) is job  # nothing was measured for that
    again = ENGINE.measure(MODEL, 16, viewer="")
    assert again.wait(60) and ENGINE.timed(MODEL, 16) is again.result is not found


def test_one_measurement_at_a_time_shared_and_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    store().clear()
    going, gone = threading.Event(), threading.Event()

    def slow(bundle: object, net: object, longest: int, told: Callable[..., None]) -> Timings:
        going.set()
        while not gone.wait(0.01):
            told(0.5, "Turn 1 of 5")
        raise AssertionError("it went on")

    monkeypatch.setattr(measuring, "measure", slow)
    job = ENGINE.measure(MODEL, 32, viewer="a")
    assert going.wait(10) and ENGINE.measure(MODEL, 32, viewer="b") is job
    with pytest.raises(Busy, match=r"measurements are taken \(1\)"):
        ENGINE.measure(MODEL, 16, viewer="b")
    assert not job.cancel("a") and job.cancel("b")  # not while another looks on
    assert job.wait(10) and isinstance(job.error, Stopped)
    assert ENGINE.timed(MODEL, 32) is None
    gone.set()
    assert registry.room("time") is None


def test_a_measurement_that_somebody_waits_for_is_not_left(monkeypatch: pytest.MonkeyPatch) -> None:
    store().clear()
    plain = measuring.measure

    def slow(*given: Any) -> Timings:
        told = given[3]
        for _ in range(25):  # longer than the patience of a job that nobody looks at
            time.sleep(0.1)
            told(0.1, "Opening")
        return plain(*given)

    monkeypatch.setattr(measuring, "measure", slow)
    monkeypatch.setattr(here, "PATIENCE", 2.0)
    assert ENGINE.timings(MODEL, 16).wanted == 16


def test_who_waits_for_times_hears_why_there_are_none(monkeypatch: pytest.MonkeyPatch) -> None:
    store().clear()

    def refused(*_: object) -> Timings:
        raise Stopped("Stopped.")

    monkeypatch.setattr(measuring, "measure", refused)
    with pytest.raises(Stopped):
        ENGINE.timings(MODEL, 64)
    assert len(ENGINE.tokens(Reading(MODEL, "a"))) == 1  # and the engine goes on
