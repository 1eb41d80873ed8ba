"""Writing with keys and values in one buffer: which models may, and that it changes no logit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from engine.decoding.batch import Decoder, encode
from engine.decoding.continuation import Line
from engine.decoding.generation import generate
from engine.decoding.rows import in_place as proofs
from engine.decoding.rows.keys import InPlace, Joined
from engine.models import in_place
from engine.models.catalog import SHIPPED
from engine.models.runtime import Bundle, open_bundle
from engine.models.slicing import read
from engine.settings import settings
from tests.engine.checkpoints import Bundles

FORMS = {
    **dict.fromkeys(["gpt2", "marian", "bart", "opt", "gpt-neox", "phi"], True),
    **dict.fromkeys(["llama", "qwen2", "qwen3", "gemma", "olmo2", "mixtral", "smollm3"], True),
    "t5": False,  # a learned bias
    "bloom": False,  # ALiBi
    "mistral": False,  # a window
    "gemma2": False,  # a soft cap
    "gpt-oss": False,  # a sink
    "cohere": False,  # heads 4 wide: the operation takes multiples of 8
}


@pytest.fixture(autouse=True)
def forget(monkeypatch: pytest.MonkeyPatch) -> None:
    """No proof of another test."""
    monkeypatch.setattr(proofs, "_proofs", type(proofs._proofs)())


@pytest.mark.feature("keys and values in their place")
@pytest.mark.parametrize(("name", "form"), FORMS.items())
def test_who_writes_in_place_is_read_off_the_graph_and_proved(
    bundles: Bundles, name: str, form: bool
):
    bundle = open_bundle(bundles(name))
    found = bundle.in_place()
    assert (found is not None) == form
    if found is not None:
        assert proofs.difference(bundle, *found) <= 2e-5
        assert proofs.proved(bundle) == found


@pytest.mark.parametrize("name", ["tales-gpt", "fr-en"])
def test_models_that_come_along_write_in_place(name: str):
    bundle = open_bundle(SHIPPED / name)
    found = proofs.proved(bundle)
    assert found is not None and proofs.difference(bundle, *found) <= 1e-5


def test_a_graph_that_gives_other_logits_is_not_written_with(
    bundles: Bundles, monkeypatch: pytest.MonkeyPatch
):
    bundle = open_bundle(bundles("gpt2"))
    bundle.close()
    read = in_place._scaled
    monkeypatch.setattr(in_place, "_scaled", lambda *given: _larger(read(*given)))
    try:
        found = bundle.in_place()
        assert found is not None and proofs.difference(bundle, *found) > 1e-3
        assert proofs.proved(bundle) is None
        with Decoder(bundle) as decoder:
            decoder.prefill(np.array([[4, 5]]))
            assert isinstance(decoder._keys, Joined)
    finally:
        bundle.close()  # the next test edits the graph again


def test_a_graph_that_onnx_runtime_cannot_run_is_not_written_with(
    bundles: Bundles, monkeypatch: pytest.MonkeyPatch
):
    """Heads 4 wide, given to an operation that takes multiples of 8."""
    bundle = open_bundle(bundles("cohere"))
    bundle.close()
    monkeypatch.setattr(in_place, "WIDTHS", 1)
    try:
        assert bundle.in_place() is not None and proofs.proved(bundle) is None
        with Decoder(bundle) as decoder:
            assert isinstance(decoder._keys, Joined)
            assert np.isfinite(decoder.prefill(np.array([[4, 5]]))).all()
    finally:
        bundle.close()


def test_a_graph_that_onnx_runtime_cannot_open_is_not_written_with(
    bundles: Bundles, monkeypatch: pytest.MonkeyPatch
):
    bundle = open_bundle(bundles("gpt2"))
    bundle.close()
    made = in_place._node
    monkeypatch.setattr(in_place, "_node", lambda kind, *given, **more: made(
        kind.replace("GroupQueryAttention", "NoSuchOperation"), *given, **more))  # fmt: skip
    try:
        assert bundle.in_place() is None and bundle.in_place() is None
        with Decoder(bundle) as decoder:
            assert isinstance(decoder._keys, Joined)
    finally:
        bundle.close()


def _larger(scale: float | None) -> float | None:
    return None if scale is None else 1.5 * scale


Play = Callable[[Decoder], list[np.ndarray]]


def both(bundle: Bundle, play: Play, monkeypatch: pytest.MonkeyPatch, **more: Any) -> None:
    """Play the same steps with both kinds of keys and values, and compare all logits."""
    with Decoder(bundle, **more) as decoder:
        ours = play(decoder)
    with monkeypatch.context() as patch:
        patch.setattr(proofs, "proved", lambda bundle: None)
        with Decoder(bundle, **more) as decoder:
            theirs = play(decoder)
            assert isinstance(decoder._keys, Joined)
    assert len(ours) == len(theirs)
    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(one, other, atol=2e-5 * max(1.0, np.abs(other).max()))


@pytest.mark.parametrize("name", ["gpt2", "llama", "marian"])
def test_rows_fork_cross_and_leave_as_they_do_in_the_joined_past(
    bundles: Bundles, monkeypatch: pytest.MonkeyPatch, name: str
):
    bundle = open_bundle(bundles(name))
    source = encode(bundle, np.array([[5, 6, 7, 1]])) if name == "marian" else None

    def play(decoder: Decoder) -> list[np.ndarray]:
        rng = np.random.default_rng(3)
        kept = [decoder.prefill(rng.integers(4, 30, (1, 4))).copy()]
        for rows in ([0] * 6, [1, 0, 2, 5, 4, 3], [0, 1, 4, 5], [2, 2], [0, 1], [1, 0, 1, 1, 0]):
            kept.append(decoder.step(rng.integers(4, 30, len(rows)), rows).copy())
        return kept

    both(bundle, play, monkeypatch, source=source)


def test_prompts_of_unequal_length_are_written_on_together(
    bundles: Bundles, monkeypatch: pytest.MonkeyPatch
):
    mask = np.array([[0, 0, 0, 1, 1], [1, 1, 1, 1, 1], [0, 1, 1, 1, 1]], dtype=bool)

    def play(decoder: Decoder) -> list[np.ndarray]:
        rng = np.random.default_rng(4)
        kept = [decoder.prefill(rng.integers(4, 30, mask.shape), mask=mask).copy()]
        for rows in ([0, 1, 2], [2, 0], [0, 1, 1]):
            kept.append(decoder.step(rng.integers(4, 30, len(rows)), rows).copy())
        return kept

    both(open_bundle(bundles("gpt2")), play, monkeypatch)


def test_several_tokens_at_once_go_on_in_one_row_and_are_handed_over_in_many(
    bundles: Bundles, monkeypatch: pytest.MonkeyPatch
):
    kinds: list[type] = []

    def play(decoder: Decoder) -> list[np.ndarray]:
        kept = [decoder.prefill(np.array([[4, 5, 6]])).copy()]
        kept.append(decoder.step(np.array([[7, 8]]), [0]).copy())
        kinds.append(type(decoder._keys))
        kept.append(decoder.step(np.array([[7, 8, 9], [10, 11, 12]]), [0, 0]).copy())
        kinds.append(type(decoder._keys))
        kept.append(decoder.step([4, 5], [1, 0]).copy())
        return kept

    both(open_bundle(bundles("llama")), play, monkeypatch)
    assert kinds[:2] == [InPlace, Joined]


def test_a_copy_goes_its_own_way(bundles: Bundles, monkeypatch: pytest.MonkeyPatch):
    def play(decoder: Decoder) -> list[np.ndarray]:
        decoder.prefill(np.array([[4, 5, 6]]))
        with decoder.copy() as twin:
            kept = [decoder.step([7], [0]).copy(), twin.step([8], [0]).copy()]
            return [*kept, decoder.step([9], [0]).copy(), twin.step([9], [0]).copy()]

    both(open_bundle(bundles("gpt2")), play, monkeypatch)


def test_logits_stay_when_the_next_step_is_taken():
    with Decoder(open_bundle(SHIPPED / "tales-gpt")) as decoder:
        kept = [decoder.prefill(np.array([[4, 5, 6]]))]
        kept += [decoder.step([7, 8], rows) for rows in ([0, 0], [0, 1])]
        copies = [one.copy() for one in kept]
        decoder.step([9, 9], [0, 1])
        assert all((one == copy).all() for one, copy in zip(kept, copies, strict=True))


def test_a_text_outgrows_its_first_buffer(monkeypatch: pytest.MonkeyPatch):
    def play(decoder: Decoder) -> list[np.ndarray]:
        rng = np.random.default_rng(5)
        kept = [decoder.prefill(rng.integers(4, 900, (2, 3))).copy()]
        return [*kept, *(decoder.step(ids, [0, 1]).copy() for ids in rng.integers(4, 900, (90, 2)))]

    both(open_bundle(SHIPPED / "tales-gpt"), play, monkeypatch)


def test_a_row_is_the_same_to_the_bit_in_any_company():
    bundle = open_bundle(SHIPPED / "tales-gpt")
    ids = list(range(40, 52))
    alone = _written(bundle, ids, ["greedy"])
    among = _written(bundle, ids, ["greedy", "pure sampling", "top-k 5", "beam 3"])
    assert alone == among


@pytest.mark.feature("keys and values in their place")
@pytest.mark.parametrize("name", ["gpt2", "llama"])
def test_with_8_bit_weights_it_is_written_in_place_each_row_as_if_it_were_alone(
    bundles: Bundles, name: str
):
    bundle = open_bundle(bundles(name, "--precision", "int8"))
    found = proofs.proved(bundle)
    assert found is not None and proofs.difference(bundle, *found) <= 1e-5
    operations = [node.operation for node in read(found[1].data).nodes]
    assert "MatMulNBits" in operations and "GroupQueryAttention" in operations
    rng = np.random.default_rng(7)
    prompt, ids = rng.integers(4, 30, (1, 5)), rng.integers(4, 30, (4, 7))
    with Decoder(bundle) as many:
        many.prefill(prompt)
        rows = [0] * 7  # all continue the one that was read, then each its own
        together = []
        for step in ids:
            together.append(many.step(step, rows))
            rows = list(range(7))
    for row in range(7):
        with Decoder(bundle) as alone:
            assert isinstance(alone._keys, InPlace)
            alone.prefill(prompt)
            for step, all_rows in zip(ids, together, strict=True):
                assert (alone.step([step[row]], [0])[0] == all_rows[row]).all()


def _written(bundle: Bundle, ids: list[int], settings: list[str]) -> list[tuple[int, float]]:
    lines = [Line.parse(text) for text in settings]
    steps = generate(bundle, ids, lines, seed=2, limit=12)
    return [
        (token.id, token.probability) for step in steps for token in step.written if not token.line
    ]


def test_heads_that_are_switched_off_take_the_graph_that_knows_them(bundles: Bundles):
    bundle = open_bundle(bundles("gpt2"))
    with Decoder(bundle, off=[("decoder", 0, 1)]) as off, Decoder(bundle) as on:
        assert isinstance(off._keys, Joined) and isinstance(on._keys, InPlace)
        ids = np.array([[4, 5, 6]])
        assert np.abs(off.prefill(ids) - on.prefill(ids)).max() > 1e-3


def test_closing_a_model_frees_what_writes_with_it(bundles: Bundles):
    bundle = open_bundle(bundles("gpt2"))
    with Decoder(bundle) as decoder:
        decoder.prefill(np.array([[4, 5]]))
        bundle.close()
        decoder.step([6], [0])  # closed only after the last one who needs it
        assert bundle.is_open
    assert not bundle.is_open and not bundle.is_loaded


def test_a_graph_without_layers_is_left_alone(bundles: Bundles):
    whole = open_bundle(bundles("gpt2")).whole("model")
    assert whole is not None
    assert in_place.edited(whole, layers=0, heads=2, key_heads=2) is None
    assert in_place.edited(replace(whole, nodes=()), layers=2, heads=2, key_heads=2) is None


@pytest.mark.parametrize(("spin", "spinning"), [("0", "0"), ("20", "1")])
def test_only_threads_that_write_in_place_wait_awake_and_for_as_long_as_is_set(
    monkeypatch: pytest.MonkeyPatch, spin: str, spinning: str
):
    monkeypatch.setenv("ATLAS_SPIN_US", spin)
    settings.cache_clear()
    try:
        bundle = Bundle(SHIPPED / "tales-gpt")
        found = bundle.in_place()
        assert found is not None
        own, traces = (one.ort.get_session_options() for one in (found[0], bundle.session()))
        entry = "session.intra_op.allow_spinning"
        assert own.get_session_config_entry(entry) == spinning
        assert traces.get_session_config_entry(entry) == "0"
        if spinning == "1":
            assert own.get_session_config_entry("session.intra_op.spin_duration_us") == spin
    finally:
        settings.cache_clear()


def test_a_model_larger_than_the_settings_allow_writes_with_the_graph_that_traces(
    monkeypatch: pytest.MonkeyPatch,
):
    bundle = open_bundle(SHIPPED / "tales-gpt")
    try:
        for most, kind in (("26", InPlace), ("25", Joined)):  # 6.44 million parameters of 4 bytes
            monkeypatch.setenv("ATLAS_IN_PLACE_MB", most)
            settings.cache_clear()
            with Decoder(bundle) as decoder:
                assert type(decoder._keys) is kind
    finally:
        settings.cache_clear()
