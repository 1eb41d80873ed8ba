"""Tuning: adapters, their merging, what is trained, who may, and what a bad text is told."""

from __future__ import annotations

import json
import math
import shutil
import struct
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from engine import policy
from engine.errors import BrokenBundle, ExportFailed, NotAllowed
from engine.models import bundle, catalog, runtime
from engine.policy import Visitor
from engine.settings import Settings
from engine.training.fit import watched
from engine.training.own import __main__ as own
from engine.training.own import making
from engine.training.tune import __main__ as tuning
from engine.training.tune import base as bases
from engine.training.tune import fitting, measuring
from engine.tuning import adapters, bits, datasets, folders, merging, plans, tensors, weights
from engine.tuning.adapters import Adapter, Card, Pair
from engine.tuning.plans import Own, Tuning
from engine.variables import Mode

PLACE = catalog.SHIPPED / "tales-gpt"
IDS = np.array([[0, 351, 1202, 77, 5, 900, 44, 3010]])


def card_of(plan: Tuning, sha256: str = "") -> Card:
    base = bundle.read_card(PLACE)
    low = plan.method == "low-rank"
    return Card(
        name="try",
        title="A try",
        base="tales-gpt",
        base_digest=bundle.identity(base),
        dataset=plan.dataset,
        method=plan.method,
        rank=plan.rank if low else 0,
        alpha=plan.alpha if low else 0.0,
        matrices=plans.MATRICES[plan.matrices] if low else (),
        trained=0,
        steps=1,
        seconds=1.0,
        sha256=sha256,
        curve=((0, 2.0, 2.0), (1, 1.0, 1.5)),
        learnt=Pair(2.0, 1.0),
        forgotten=Pair(1.0, 1.5),
        other_text="a text",
    )


def made(plan: Tuning, folder: Path, *, seed: int = 3) -> tuple[torch.nn.Module, Adapter]:
    """A model changed by chance as a training would, and its adapter as it is written."""
    plain = bases.model(PLACE)
    before = {name: value.detach().clone() for name, value in plain.state_dict().items()}
    model = fitting.prepared(plain, plan)
    chance = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for one in model.parameters():
            if one.requires_grad:
                one.add_(0.01 * torch.randn(one.shape, generator=chance))
    folder.mkdir(parents=True)
    kept = measuring.stored(model, plan, before)
    card = card_of(plan, measuring.save(kept, folder / adapters.FILE))
    adapters.write_card(card, folder)
    return model, adapters.read(folder)


def torch_logits(model: torch.nn.Module) -> np.ndarray:
    with torch.no_grad():
        return model(input_ids=torch.from_numpy(IDS)).logits[0].numpy()


def own_logits(place: Path) -> np.ndarray:
    opened = runtime.Bundle(place)
    found = bits.predicted(opened, IDS, range(IDS.shape[1]))[0]
    opened.close()
    return found


def test_the_bundle_as_a_torch_model_gives_the_bundles_logits() -> None:
    assert np.abs(torch_logits(bases.model(PLACE)) - own_logits(PLACE)).max() < 2e-5


@pytest.mark.parametrize("matrices", list(plans.MATRICES))
def test_an_adapter_equals_merged_torch_weights(matrices: str, tmp_path: Path) -> None:
    plan = Tuning("verse", rank=4, matrices=matrices)
    model, adapter = made(plan, tmp_path / "try")
    tuned = merging.tuned_weights(PLACE, adapter)
    stored = tensors.read(tmp_path / "try" / adapters.FILE)
    with torch.no_grad():  # what is stored in float16 is what both compute with
        for name, values in model.named_parameters():
            key = name.replace(".default", "")
            if key in stored:
                values.copy_(torch.from_numpy(stored[key].astype(np.float32)))
    merged = model.merge_and_unload()  # type: ignore[operator]
    theirs = {name: value.numpy() for name, value in merged.state_dict().items()}
    assert set(tuned) == {
        name for name in theirs if any(f"{m}.w" in name for m in adapter.card.matrices)
    }
    for name, array in tuned.items():
        assert np.abs(array - theirs[name]).max() < 1e-5
    out = merging.merge(PLACE, adapter, tmp_path / "merged")
    scale = max(1.0, np.abs(torch_logits(merged)).max())
    assert np.abs(own_logits(out) - torch_logits(merged)).max() / scale < 1e-5
    assert np.abs(own_logits(out) - own_logits(PLACE)).max() > 1e-2


def test_all_weights_tuned_are_the_bundles_too_and_its_lens(tmp_path: Path) -> None:
    model, adapter = made(Tuning("mood", method="all"), tmp_path / "try")
    out = merging.merge(PLACE, adapter, tmp_path / "merged")
    theirs = torch_logits(model)
    # The changes are kept in float16: of 0.01 they are right to about 5e-6.
    assert np.abs(own_logits(out) - theirs).max() / np.abs(theirs).max() < 1e-3
    opened = runtime.Bundle(out)
    assert not (out / merging.SPACE).exists()
    token = opened.vectors("token")
    assert np.array_equal(token, weights.read(out / "model.onnx")["lm_head.weight"])
    hidden = np.linspace(-1, 1, 256, dtype=np.float32)[None]
    lens = opened.run("lens", {"hidden": hidden}, ["logits"])["logits"]
    norm = weights.read(out / "model.onnx")
    plain = (hidden - hidden.mean()) / np.sqrt(hidden.var() + 1e-5)
    plain = plain * norm["transformer.ln_f.weight"] + norm["transformer.ln_f.bias"]
    assert np.abs(lens - plain @ token.T).max() < 1e-3


def test_low_rank_trains_r_times_d_plus_k_numbers_and_its_change_has_that_rank(
    tmp_path: Path,
) -> None:
    plan, card = Tuning("verse", rank=8), bundle.read_card(PLACE)
    model, adapter = made(plan, tmp_path / "try")
    counted = sum(one.numel() for one in model.parameters() if one.requires_grad)
    assert counted == plans.trained(card, plan) == 6 * 8 * (1024 + 512 + 1280 + 1280) == 196_608
    assert plans.trained(card, replace(plan, method="all")) == 6_443_008
    change = adapter.changes["transformer.h.1.mlp.c_fc.weight"]
    values = change.singular_values()
    assert (values[:8] > 0).all() and not values[8:].any() and len(values) == 256
    full = np.linalg.svd(change.delta().astype(np.float64), compute_uv=False)
    assert np.abs(full - values).max() < 1e-5 * values[0]


def test_an_adapter_of_another_model_or_a_changed_file_is_refused(tmp_path: Path) -> None:
    _, adapter = made(Tuning("verse", rank=2), tmp_path / "try")
    other = Adapter(replace(adapter.card, base_digest="0" * 64), adapter.folder, adapter.changes)
    with pytest.raises(BrokenBundle, match="another tales-gpt"):
        merging.merge(PLACE, other, tmp_path / "merged")
    assert not (tmp_path / "merged").exists()
    path = tmp_path / "try" / adapters.FILE
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(bytes(data))
    with pytest.raises(BrokenBundle, match="not the file that was made"):
        adapters.read(tmp_path / "try")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff" * 8,
        struct.pack("<Q", 2**40) + b"{}",
        struct.pack("<Q", 2) + b"[]",
        *(
            struct.pack("<Q", len(text)) + text + bytes(8)
            for text in (
                b'{"a":{"dtype":"I64","shape":[1],"data_offsets":[0,8]}}',
                b'{"a":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}}',
                b'{"a":{"dtype":"F32","shape":[-1,-2],"data_offsets":[0,8]}}',
                b'{"a":{"dtype":"F32","shape":[9],"data_offsets":[0,8]}}',
            )
        ),
    ],
)
def test_broken_tensors_are_one_sentence(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    path.write_bytes(data)
    with pytest.raises(BrokenBundle, match=r"a\.safetensors cannot be read"):
        tensors.read(path)


def test_tensors_are_what_the_package_writes_and_reads(tmp_path: Path) -> None:
    from safetensors.numpy import load_file, save_file

    given = {"a": np.arange(6, dtype=np.float32).reshape(2, 3), "b": np.ones(3, np.float16)}
    save_file(given, tmp_path / "theirs")
    tensors.write(tmp_path / "ours", given)
    for found in (tensors.read(tmp_path / "theirs"), load_file(tmp_path / "ours")):
        assert all(np.array_equal(found[name], array) for name, array in given.items())


def test_held_out_texts_hold_what_was_never_trained_on() -> None:
    for name in datasets.DATASETS:
        seen = set(islice(datasets.texts(name, 0), 2000))
        held = list(islice(datasets.texts(name, 1, held_out=True), 200))
        assert not seen & set(held)
        assert held == list(islice(datasets.texts(name, 1, held_out=True), 200))
    rhymes = {phrase: k for k, group in enumerate(datasets.RHYMES) for phrase in group}
    for text in islice(datasets.texts("verse", 0), 100):
        ends = [
            next(p for p in rhymes if line.rstrip(",.").endswith(p))
            for line in text.split("\n")
            if line
        ]
        assert rhymes[ends[0]] == rhymes[ends[1]] and ends[0] != ends[1]
    answers = [answer for _, answer in datasets.questions("mood", 200)]
    assert 70 < answers.count("glad") < 130 and set(answers) == set(datasets.ANSWERS)


def test_a_training_keeps_its_best_and_a_diverging_one_says_so() -> None:
    torch.manual_seed(0)

    class Counting(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.logits = torch.nn.Parameter(torch.zeros(5))

        def forward(self, input_ids: torch.Tensor, use_cache: bool = False):
            shape = (*input_ids.shape, 5)
            return type("Out", (), {"logits": self.logits.expand(shape)})()

    model, threes = Counting(), torch.full((2, 4), 3)
    stream = iter(lambda: threes, None)
    found = watched.fit(model, stream, threes, watched.Course(40, 0.5), lambda moment: True)
    assert found.moments[0].held_out == pytest.approx(math.log(5)) and found.kept == 40
    seen: list[int] = []

    def enough(moment: watched.Moment) -> bool:
        seen.append(moment.step)
        return len(seen) < 3

    assert watched.fit(Counting(), stream, threes, watched.Course(40, 0.5), enough).kept == 4
    # What is held out gets worse from the first step on: the weights it began with come back.
    model = Counting()
    found = watched.fit(model, stream, threes - 1, watched.Course(40, 0.5), lambda moment: True)
    assert found.kept == 0 and not model.logits.detach().any()
    turns = iter([*[threes] * 30, *[threes - 1] * 30])
    with pytest.raises(ExportFailed, match=r"diverged at step \d+: a loss of \d"):
        watched.fit(Counting(), turns, threes, watched.Course(60, 5.0), lambda moment: True)


def test_texts_to_train_on_are_checked_with_their_numbers() -> None:
    for text, told in (
        ("  \n", "is empty"),
        ("a b c " * 40, "239 characters; at least 500"),
        ("abcdefghijkl " * 20_000, "at most 200,000 are read"),
        ("aaaa aaaa\n" * 100, "2 different characters|3 different characters"),
        ("\x00\x01\x02abcdefghijk" * 200, "binary"),
    ):
        with pytest.raises(NotAllowed, match=told):
            plans.checked_text(text)
    assert plans.checked_text(" The fox, the hen and a king.\r\n" * 30).startswith("The fox")
    wrong: dict[str, Any]
    for wrong in ({"layers": 9}, {"width": 63}, {"steps": 10**6}):
        with pytest.raises(NotAllowed, match="are trained"):
            Own(**wrong)
    rest: tuple[dict[str, Any], ...] = ({"rank": 0}, {"rank": 65}, {"steps": 1}, {"matrices": "x"})
    for wrong in ({"dataset": "../x"}, *({"dataset": "verse", **one} for one in rest)):
        with pytest.raises(NotAllowed):
            Tuning(**wrong)


def test_an_own_models_parameters_are_counted_and_its_windows_fit() -> None:
    text = "".join(islice(datasets.texts("verse", 0), 40))
    plan = Own(layers=2, width=48, steps=50)
    found = making.made(text, plan, plans.vocabulary_of(text))
    assert sum(one.numel() for one in found.model.parameters()) == plan.parameters(
        len(found.tokenizer)
    )
    assert len(found.tokenizer) <= plans.vocabulary_of(text)
    rows = next(found.batches)
    assert rows.shape[1] == found.held_out.shape[1] <= plans.POSITIONS + 1
    assert making.written(found, 12) == making.written(found, 12)


def test_what_does_not_fit_on_the_disk_is_refused_before_anything_is_loaded(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    free = shutil.disk_usage(tmp_path)._replace(free=10**6)
    monkeypatch.setattr("engine.export.sources.place.shutil.disk_usage", lambda _: free)
    stages: list[dict[str, object]] = []
    chosen = tuning.parser().parse_args(["verse", "--out", str(tmp_path / "a")])
    with pytest.raises(ExportFailed, match=r"0\.1 GB on the disk .* 0\.0 GB are free"):
        tuning.tune(chosen, lambda **event: stages.append(event))
    job = own.Job("The fox and the hen. " * 60, Own(), "a", "a", tmp_path / "a")
    with pytest.raises(ExportFailed, match="on the disk"):
        own.train(job, None, lambda **event: stages.append(event))
    assert not stages and not list(tmp_path.iterdir())


def test_nobody_trains_in_public_and_only_who_may_add_all_elsewhere(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    here, elsewhere = Visitor("a", here=True), Visitor("b")
    admin = Visitor("c", key="0123456789abcdef")
    modes: tuple[tuple[Mode, tuple[bool, ...]], ...] = (
        ("home", (True, False, True)),
        ("public", (False, False, False)),
    )
    for mode, may in modes:
        chosen = Settings(mode=mode, admin_key="0123456789abcdef")
        monkeypatch.setattr(policy, "settings", lambda chosen=chosen: chosen)
        assert tuple(map(policy.may_train, (here, elsewhere, admin))) == may
    with pytest.raises(NotAllowed, match="host's own computer"):
        policy.check_training(here)


def test_those_that_come_along_are_small_and_say_what_they_are() -> None:
    cards = folders.cards()
    shipped = [one for one in cards if folders.is_shipped(one.name)]
    for one in shipped:
        place = folders.folder(one.name)
        assert sum(path.stat().st_size for path in place.iterdir()) < 10**6
        assert len(adapters.read(place).changes) == len(one.matrices) * 6
        assert one.learnt.after < one.learnt.before and one.forgotten.after > one.forgotten.before
        assert one.trained == plans.trained(
            bundle.read_card(PLACE), Tuning(one.dataset, rank=one.rank)
        )
    told = json.loads((folders.SHIPPED / "verse" / "card.json").read_text()) if shipped else {}
    assert not shipped or told["dataset"] == "verse"
