"""Sessions: turns in order, shared by threads, closed when too many, and where they run."""

from __future__ import annotations

import gc
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from engine.decoding.batch import Decoder, encode
from engine.errors import BrokenBundle, DeviceUnavailable, NotOffered, TextTooLong
from engine.models import device, runtime
from engine.models.device import Device, GraphError
from engine.models.runtime import open_bundle
from engine.models.slots import Slots
from engine.settings import Settings
from engine.trace import tracing
from engine.values import Reading
from tests.engine.checkpoints import ROOT, Bundles
from tests.engine.plain import write_bundle

FEEDS = {"input_ids": np.array([[1]])}


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Two models may be open."""
    monkeypatch.setattr(runtime, "settings", lambda: Settings(open_models=2))
    for bundle in runtime.opened():
        bundle.close()
    yield


def test_turns_come_in_the_order_of_asking():
    places = Slots(1)
    order: list[int] = []
    threads = []
    with places():
        for number in range(12):
            threads.append(threading.Thread(target=_take_turn, args=(places, order, number)))
            threads[-1].start()
            _until(lambda n=number: places.waiting == n + 1)
    for thread in threads:
        thread.join(5)
    assert order == list(range(12))


def _take_turn(places: Slots, order: list[int], number: int) -> None:
    with places():
        order.append(number)


def test_one_who_comes_back_at_once_does_not_pass_those_who_wait():
    """A generation takes a place for each step: a click that waits gets the very next one."""
    places = Slots(1)
    steps, clicked_after = [0], []
    stop = threading.Event()

    def generate() -> None:
        while not stop.is_set():
            with places():
                steps[0] += 1
                time.sleep(0.002)

    writer = threading.Thread(target=generate)
    writer.start()
    for _ in range(20):
        asked = steps[0]
        with places():
            clicked_after.append(steps[0] - asked)
    stop.set()
    writer.join(5)
    assert max(clicked_after) <= 2


def test_no_more_than_the_places_are_held_at_once():
    places, held, most = Slots(3), [0], [0]
    lock = threading.Lock()

    def work(_: int) -> None:
        with places():
            with lock:
                held[0] += 1
                most[0] = max(most[0], held[0])
            time.sleep(0.002)
            with lock:
                held[0] -= 1

    with ThreadPoolExecutor(12) as pool:
        list(pool.map(work, range(60)))
    assert most[0] == 3 and held[0] == 0 and places.waiting == 0


def test_an_error_gives_the_place_back():
    places = Slots(1)
    with pytest.raises(KeyError), places():
        raise KeyError
    with places():
        pass


def test_six_threads_get_the_answers_of_one(bundles: Bundles):
    bundle = open_bundle(bundles("gpt2"))
    readings = [Reading("gpt2", f"the cat number {n} sat on the mat") for n in range(30)]
    bundle.close()
    alone = [tracing.logits(bundle, reading, (0, 2)).logits for reading in readings]
    bundle.close()
    with ThreadPoolExecutor(6) as pool:
        together = list(pool.map(lambda r: tracing.logits(bundle, r, (0, 2)).logits, readings))
    for one, other in zip(alone, together, strict=True):
        assert np.abs(one - other).max() < 1e-5


def test_threads_that_open_one_folder_share_one_bundle(tmp_path: Path):
    folder = write_bundle(tmp_path / "plain")
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: open_bundle(folder), range(16)))
        sessions = list(pool.map(lambda b: b.session(), found))
    assert len(set(map(id, found))) == 1 and len(set(map(id, sessions))) == 1


def test_the_model_unused_longest_is_closed_first(tmp_path: Path, few: None):
    a, b, c = (open_bundle(write_bundle(tmp_path / name)) for name in "abc")
    a.run("model", FEEDS, ["hidden.0"])
    b.run("model", FEEDS, ["hidden.0"])
    open_bundle(a.folder)
    c.run("model", FEEDS, ["hidden.0"])
    assert (a.is_open, b.is_open, c.is_open) == (True, False, True)


def test_a_closed_handle_opens_again_when_used(tmp_path: Path):
    bundle = open_bundle(write_bundle(tmp_path / "plain"))
    first = bundle.run("model", FEEDS, ["hidden.0"])["hidden.0"]
    bundle.close()
    assert not bundle.is_open
    assert np.array_equal(bundle.run("model", FEEDS, ["hidden.0"])["hidden.0"], first)


def test_a_model_in_use_is_not_closed_before_its_run_ends(tmp_path: Path, few: None):
    a, b, c = (open_bundle(write_bundle(tmp_path / name)) for name in "abc")
    with a.used():
        a.session()
        b.session()
        c.session()
        assert a.is_open and not b.is_open
        a.close()
        assert a.is_open
    assert not a.is_open


def test_a_changed_folder_is_opened_anew(tmp_path: Path):
    folder = write_bundle(tmp_path / "plain")
    old = open_bundle(folder)
    old.session()
    (folder / "card.json").write_text((folder / "card.json").read_text() + "\n")
    new = open_bundle(folder)
    assert new is not old and not old.is_open


def test_a_forgotten_folder_can_be_deleted_and_is_gone(tmp_path: Path):
    folder = write_bundle(tmp_path / "plain")
    bundle = open_bundle(folder)
    bundle.session()
    runtime.forget(folder)
    assert not bundle.is_open
    for path in folder.iterdir():
        path.unlink()
    with pytest.raises(BrokenBundle, match=r"card\.json"):
        open_bundle(folder)


def test_a_graph_or_matrix_that_is_not_there_is_a_sentence(tmp_path: Path):
    bundle = open_bundle(write_bundle(tmp_path / "plain"))
    with pytest.raises(NotOffered, match="no encoder graph"):
        bundle.session("encoder")
    with pytest.raises(NotOffered, match="position vectors"):
        bundle.vectors("position")


# Decoding


def test_steps_equal_one_long_run(bundles: Bundles):
    bundle = open_bundle(bundles("gpt2"))
    reading = Reading("gpt2", "the cat sat on the mat because")
    cut = tracing.tokens(bundle, reading)
    whole = tracing.logits(bundle, reading, tuple(range(len(cut)))).logits
    with Decoder(bundle) as decoder:
        found = [decoder.prefill(cut.ids[None, :2])]
        found += [decoder.step([token], [0]) for token in cut.ids[2:]]
        assert decoder.length == len(cut) and decoder.room == 64 - len(cut)
    assert np.abs(np.concatenate(found) - whole[1:]).max() < 1e-4


def test_rows_fork_drop_and_change_places(bundles: Bundles):
    """Histories a-b-d, a-c-e and a-b-e, made by gathering, against their own long runs."""
    bundle = open_bundle(bundles("gpt2"))
    a, b, c, d, e = 9, 20, 31, 42, 53
    with Decoder(bundle) as decoder:
        decoder.prefill(np.array([[a]]))
        decoder.step([b, c, d], [0, 0, 0])
        decoder.step([d, e, e], [0, 1, 0])
        found = decoder.step([5, 5], [2, 1])
    for row, history in enumerate(([a, b, e, 5], [a, c, e, 5])):
        assert np.abs(found[row] - _alone(bundle, history)).max() < 1e-4


def test_shorter_rows_filled_at_their_left_change_nothing(bundles: Bundles):
    bundle = open_bundle(bundles("gpt2"))
    ids = np.array([[0, 0, 7, 8], [5, 6, 7, 8]])
    mask = np.array([[0, 0, 1, 1], [1, 1, 1, 1]], dtype=bool)
    with Decoder(bundle) as decoder:
        decoder.prefill(ids, mask=mask)
        found = decoder.step([3, 3], [0, 1])
    assert np.abs(found[0] - _alone(bundle, [7, 8, 3])).max() < 1e-4
    assert np.abs(found[1] - _alone(bundle, [5, 6, 7, 8, 3])).max() < 1e-4


def test_a_copy_goes_its_own_way(bundles: Bundles):
    bundle = open_bundle(bundles("gpt2"))
    with Decoder(bundle) as decoder:
        decoder.prefill(np.array([[5, 6]]))
        with decoder.copy() as twin:
            other = twin.step([9], [0])
        found = decoder.step([7], [0])
    assert np.abs(found[0] - _alone(bundle, [5, 6, 7])).max() < 1e-4
    assert np.abs(other[0] - _alone(bundle, [5, 6, 9])).max() < 1e-4
    assert not bundle.busy


def test_each_row_reads_its_own_source(bundles: Bundles):
    bundle = open_bundle(bundles("marian"))
    ids, mask = np.array([[5, 6, 7, 1], [8, 9, 1, 0]]), np.array([[1, 1, 1, 1], [1, 1, 1, 0]])
    with Decoder(bundle, source=encode(bundle, ids, mask=mask.astype(bool))) as decoder:
        decoder.prefill(np.array([[0], [0]]))
        found = decoder.step([4, 4, 5], [1, 0, 1])
    for row, (source, token) in enumerate((([8, 9, 1], 4), ([5, 6, 7, 1], 4), ([8, 9, 1], 5))):
        with Decoder(bundle, source=encode(bundle, np.array([source]))) as decoder:
            decoder.prefill(np.array([[0]]))
            assert np.abs(decoder.step([token], [0])[0] - found[row]).max() < 1e-4


def test_decoders_in_six_threads_do_not_disturb_each_other(bundles: Bundles):
    bundle = open_bundle(bundles("gpt2"))
    histories = [[n, n + 1, n + 2, n + 3] for n in range(5, 29)]
    with ThreadPoolExecutor(6) as pool:
        together = list(pool.map(lambda ids: _alone(bundle, ids), histories))
    for ids, found in zip(histories, together, strict=True):
        assert np.abs(found - _alone(bundle, ids)).max() < 1e-5


def test_writing_past_the_positions_is_a_sentence(bundles: Bundles):
    bundle = open_bundle(bundles("gpt2"))
    with Decoder(bundle) as decoder:
        decoder.prefill(np.ones((1, 64), dtype=np.int64))
        assert decoder.room == 0
        with pytest.raises(TextTooLong, match="65 tokens .* 64 positions"):
            decoder.step([1], [0])


def test_a_decoder_left_behind_lets_its_model_go(bundles: Bundles):
    bundle = open_bundle(bundles("gpt2"))
    decoder = Decoder(bundle)
    assert bundle.busy
    del decoder
    gc.collect()
    assert not bundle.busy


def test_a_decoder_says_what_it_needs(bundles: Bundles):
    with pytest.raises(NotOffered, match="no decoder"):
        Decoder(open_bundle(bundles("bert")))
    with pytest.raises(ValueError, match="source"):
        Decoder(open_bundle(bundles("marian")))
    with Decoder(open_bundle(bundles("gpt2"))) as decoder:
        with pytest.raises(ValueError, match="before prefill"):
            decoder.step([1], [0])
        decoder.prefill(np.array([[1]]))
        with pytest.raises(ValueError, match="2 rows of ids, 1 rows"):
            decoder.step([1, 2], [0])


# Device


@pytest.fixture
def fresh() -> Iterator[None]:
    """No device looked for yet, and none remembered afterwards."""
    device._found.clear()
    yield
    device._found.clear()


def test_without_a_gpu_the_cpu_says_why(fresh: None, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(device, "_missing", lambda: "no NVIDIA driver was found")
    monkeypatch.setattr(device, "settings", lambda: Settings(device="auto"))
    assert device.default() == Device("cpu", "Running on the CPU: no NVIDIA driver was found.")


def test_a_gpu_that_is_demanded_and_missing_is_a_sentence(
    fresh: None, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(device, "_missing", lambda: "no GPU answered")
    monkeypatch.setattr(device, "settings", lambda: Settings(device="cuda"))
    with pytest.raises(DeviceUnavailable, match="no GPU answered. Set it to auto or cpu"):
        device.default()


def test_a_gpu_that_cannot_open_the_model_leaves_it_to_the_cpu(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def refuse(path: Path, providers: list, threads: int):
        if len(providers) > 1:
            raise GraphError("CUDA out of memory")
        return "session"

    monkeypatch.setattr(device, "_open", refuse)
    monkeypatch.setattr(device, "settings", lambda: Settings(device="auto"))
    session, where = device.open_session(tmp_path / "model.onnx", Device("cuda", "GPU"), 1)
    assert session == "session" and where.provider == "cpu" and "out of memory" in where.reason


def test_a_gpu_lost_in_a_run_is_a_sentence_and_the_cpu_goes_on(fresh: None):
    failure = device.ort_errors.Fail("CUDA failure 999: unknown error\nmore")
    with pytest.raises(DeviceUnavailable, match="CUDA failure 999.*try again"):
        with device.watched(Device("cuda", "GPU")):
            raise failure
    assert device.default().provider == "cpu"


def test_a_model_whose_gpu_failed_is_closed(tmp_path: Path, fresh: None):
    bundle = open_bundle(write_bundle(tmp_path / "plain"))
    session = bundle.session()
    session.device = Device("cuda", "GPU")
    with pytest.raises(DeviceUnavailable), bundle.used(), bundle.turn(session):
        raise device.ort_errors.Fail("CUDA failure 999")
    assert not bundle.is_open
    assert bundle.session().device.provider == "cpu"


def test_an_error_on_the_cpu_is_a_bug_and_stays_one():
    with pytest.raises(device.ort_errors.Fail):
        with device.watched(Device("cpu", "CPU")):
            raise device.ort_errors.Fail("bug")


def test_the_engine_starts_without_torch_and_its_friends():
    modules = ("models.catalog", "models.runtime", "tokenizers.tokens", "trace.tracing")
    modules += ("decoding.writing", "jobs.registry")
    heavy = "{'torch', 'transformers', 'onnx', 'sklearn', 'umap', 'streamlit', 'plotly', 'pandas'}"
    imports = ", ".join(f"engine.{module}" for module in modules)
    text = f"import sys, {imports}; print({heavy} & {{*sys.modules}})"
    done = subprocess.run(
        [sys.executable, "-c", text], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "set()"


def _alone(bundle: runtime.Bundle, history: list[int]) -> np.ndarray:
    """Logits after a history that is read in one run."""
    with Decoder(bundle) as decoder:
        return decoder.prefill(np.array([history]))[0]


def _until(condition, seconds: float = 10.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.001)
