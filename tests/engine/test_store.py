"""The one store: made once, shared without harm, and bounded by what is really held."""

from __future__ import annotations

import gc
import threading
import tracemalloc
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from engine.attention import notable
from engine.decoding import translation
from engine.decoding.beams import Search
from engine.decoding.scoring import score
from engine.errors import EmptyText, EngineError
from engine.models import runtime
from engine.models.runtime import open_bundle
from engine.store import PLACE, Store, size
from engine.tokenizers import tokens as cutting
from engine.tokenizers.tokenization_steps import Cutter
from engine.tokenizers.vocabulary import vocabulary
from engine.trace import blockwise, tracing
from engine.values import Frozen, Reading, frozen
from tests.engine.checkpoints import ROOT

SHIPPED = ROOT / "assets" / "models"
TEXT = "The little boat sailed across the dark sea, and the boy said that it would come back. "
LONG = "".join(f"{TEXT}{number} times. " for number in range(1900))[:200_000]
FRENCH = Reading("fr-en", "Le petit chien dort sur la table de la cuisine.")


def _translated() -> translation.Translation:
    return translation.translate(open_bundle(SHIPPED / "fr-en"), FRENCH, Search(width=4))


def _of(name: str, kind: Callable[..., Any], *more: Any) -> Callable[[], Any]:
    return lambda: kind(open_bundle(SHIPPED / name), Reading(name, TEXT), *more)


def _measured() -> Any:
    bundle, reading = open_bundle(SHIPPED / "tales-gpt"), Reading("tales-gpt", TEXT)
    cut = tracing.tokens(bundle, reading)
    looked = tracing.layer(bundle, reading, "decoder", 0).attention
    return notable.measured(looked, kind="decoder", queries=cut, keys=cut)


MADE: dict[str, Callable[[], Any]] = {
    "tokens of a long text": lambda: cutting.tokenize(open_bundle(SHIPPED / "tales-gpt"), LONG),
    "tokens": _of("tales-gpt", tracing.tokens),
    "layers": _of("tales-gpt", tracing.layers, "decoder"),
    "residual stream": _of("tales-gpt", tracing.hidden, "decoder"),
    "embeddings": _of("tales-gpt", tracing.embedded, "decoder"),
    "logits": _of("tales-gpt", tracing.logits, (1, 2, 3)),
    "overview": _of("tales-gpt", blockwise.overview, "decoder"),
    "measures": _measured,
    "vocabulary": lambda: vocabulary(open_bundle(SHIPPED / "tales-gpt").reader("encoder"), 6144),
    "rules of a tokenizer": lambda: Cutter(open_bundle(SHIPPED / "tales-gpt").tokenizer),
    "translation": _translated,
    "trace of a translation": lambda: translation.traced(
        open_bundle(SHIPPED / "fr-en"), _translated(), 0
    ),
    "a drawing": lambda: {k: "".join(f"<i>{n}</i>" for n in range(99 + k)) for k in range(9)},
    "a new reading": lambda: Reading("m" * 9, TEXT * 3, target=tuple(range(1000, 1040))),
}  # fmt: skip


def _close() -> None:
    for bundle in list(runtime._bundles.values()):
        bundle.close()


def _counted_and_held(what: str) -> tuple[int, int]:
    """Bytes that the store counts for a value, and those that are free once it is gone."""
    tracemalloc.start(1)
    try:
        value: list[Any] = [MADE[what]()]
        counted = size(value[0])
        _close()  # its reader shares pieces with all texts: now they are this value's
        gc.collect()
        before = tracemalloc.get_traced_memory()[0]
        value.clear()
        gc.collect()
        return counted, before - tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("what", MADE)
def test_what_is_counted_is_what_is_held(what: str):
    """A text of 200,000 characters counted 1.6 MB of the 7.7 that it held."""
    MADE[what]()  # what the functions keep for themselves
    _close()
    # Other threads of the process take and free some bytes too: not at the same moment thrice.
    tries = []
    for _ in range(3):
        counted, held = _counted_and_held(what)
        if 0.9 * held - 500 <= counted <= 1.1 * held + 500:
            return
        tries.append((counted, held))
    raise AssertionError(f"counted, held: {tries}")


def test_a_part_counts_once_and_a_view_counts_what_it_keeps_alive():
    whole = np.zeros((1000, 100), dtype=np.float32)
    assert size((whole, whole)) < size(whole) + 100
    assert size(whole[:1]) > 400_000
    loop: list[object] = []
    loop.append(loop)
    assert size(loop) < 200


def test_keys_and_places_count():
    store = Store(10**6)
    tracemalloc.start(1)
    try:
        before = tracemalloc.get_traced_memory()[0]
        for number in range(300):
            store.get((number, f"{number} {'x' * 500}"), lambda: None)
        held = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert 0.9 * held <= store.nbytes <= 1.1 * held


def test_a_store_of_long_keys_stays_within_its_bound():
    store = Store(10**6)
    for number in range(200):
        store.get(f"{number}{'x' * 50_000}", lambda: 1)
    assert store.nbytes <= 10**6 and len(store.values()) < 20


def test_the_value_unused_longest_goes_first_and_a_large_one_is_not_kept():
    store = Store(3000 + 4 * PLACE)
    for name in "abc":
        store.get(name, lambda: np.zeros(800, dtype=np.uint8))
    assert store.peek("a") is not None
    store.get("d", lambda: np.zeros(800, dtype=np.uint8))
    assert store.peek("b") is None and store.peek("a") is not None
    assert len(store.get("large", lambda: np.zeros(9000, dtype=np.uint8))) == 9000
    assert store.peek("large") is None and store.peek("d") is not None


# Sharing one computation


class _Slow:
    """A value whose making waits until several ask for it."""

    def __init__(self, store: Store, first: Callable[[], Any], then: Callable[[], Any]) -> None:
        self.store, self.begun, self.go = store, threading.Event(), threading.Event()
        self.turns, self.first, self.then = 0, first, then
        self.lock = threading.Lock()

    def make(self) -> Any:
        with self.lock:
            self.turns += 1
            turn = self.turns
        if turn > 1:
            return self.then()
        self.begun.set()
        assert self.go.wait(10)
        return self.first()

    def asked_by(self, count: int) -> list[Any]:
        """What each of them got: a value or an error."""

        def ask(_: int) -> Any:
            try:
                return self.store.get("key", self.make)
            except BaseException as error:
                return error

        with ThreadPoolExecutor(count) as pool:
            found = pool.map(ask, range(count))
            assert self.begun.wait(10)
            threading.Timer(0.2, self.go.set).start()
            return list(found)


def _raise(error: BaseException) -> Callable[[], Any]:
    def make() -> Any:
        raise error

    return make


def test_those_who_ask_at_once_share_one_computation():
    slow = _Slow(Store(10**6), lambda: "value", _raise(AssertionError("made twice")))
    assert slow.asked_by(6) == ["value"] * 6 and slow.turns == 1


def test_a_refusal_is_everybodys_but_each_error_is_ones_own():
    """One error raised in six threads would be written to by six threads, its frames kept."""
    slow = _Slow(Store(10**6), _raise(EmptyText("Nothing there.")), lambda: "value")
    found = slow.asked_by(6)
    assert [type(one) for one in found] == [EmptyText] * 6 and slow.turns == 1
    assert {str(one) for one in found} == {"Nothing there."}
    assert len({id(one) for one in found}) == 6


@pytest.mark.parametrize(
    "error", [KeyboardInterrupt(), SystemExit(), MemoryError(), ValueError("bug")]
)
def test_what_befalls_one_page_is_not_another_pages(error: BaseException):
    """Streamlit leaves a page that is run again by an exception out of the middle of it."""
    slow = _Slow(Store(10**6), _raise(error), lambda: "value")
    found = slow.asked_by(5)
    assert found.count("value") == 4 and sum(one is error for one in found) == 1


def test_an_error_is_not_kept():
    store = Store(10**6)
    with pytest.raises(EngineError):
        store.get("key", _raise(EmptyText("not yet")))
    assert store.get("key", lambda: 7) == 7 and store._making == {}


# Nothing that is shared can be changed


def test_nothing_that_is_kept_can_be_changed():
    store = Store(10**6)
    found = store.get("key", lambda: ({"a": np.zeros(3), "b": [1, {2}]}, [np.ones(2)]))
    table, many = found
    for change in (
        lambda: table.__setitem__("c", 1),
        lambda: table.pop("a"),
        lambda: table["a"].__setitem__(0, 1.0),
        lambda: table["b"].append(2),
        lambda: many[0].__setitem__(0, 5.0),
    ):
        with pytest.raises((TypeError, ValueError, AttributeError)):
            change()
    assert found == store.get("key", dict) or found is store.get("key", dict)


@dataclass(frozen=True, eq=False, slots=True)
class _Found(Frozen):
    """A value with what can be written to."""

    numbers: dict[str, np.ndarray]
    names: Sequence[str]


def test_a_frozen_value_locks_its_dictionaries_with_their_arrays_and_its_lists():
    found = _Found({"first": np.zeros(2)}, ["a", "b"])
    with pytest.raises(TypeError, match="shared"):
        found.numbers["other"] = np.zeros(2)
    with pytest.raises(ValueError, match="read-only"):
        found.numbers["first"][0] = 1
    assert found.names == ("a", "b")


def test_a_frozen_value_keeps_no_more_of_another_array_than_it_shows():
    whole = np.arange(200_000).reshape(1000, 200)
    found = _Found({"best": whole[:, :10]}, ["a"])
    assert np.array_equal(found.numbers["best"], whole[:, :10])
    assert size(found) < 100_000 < whole.nbytes
    assert np.shares_memory(frozen(whole[:900]), whole)  # nearly all of it is not copied
    assert whole.flags.writeable


def test_what_a_text_is_scored_by_counts_its_own_bytes_alone():
    bundle = open_bundle(SHIPPED / "tales-gpt")
    logits = np.random.default_rng(0).normal(size=(12, bundle.card.vocabulary))
    scored = score(logits.astype(np.float32), np.arange(12))
    assert size(scored) < 2 * scored.nbytes + 2000 < logits.nbytes / 4


def test_a_card_cannot_be_changed_by_who_reads_it():
    card = open_bundle(SHIPPED / "fr-en").card
    for table in (card.files, card.errors, card.vectors, card.generation.languages):
        with pytest.raises(TypeError, match="shared"):
            table.clear()
