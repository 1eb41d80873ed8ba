"""The bundle on disk: cards, digests, matrices, and every way of breaking one."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from engine.errors import BrokenBundle
from engine.models import verified
from engine.models.bundle import Matrix, identity, read_card, read_matrix, stamp, verify
from engine.models.runtime import open_bundle
from engine.models.verified import remember, verified_before
from tests.engine.plain import write_bundle

FILES = ("card.json", "tokenizer.json", "model.onnx", "weights.bin")


def test_a_whole_bundle_opens(tmp_path: Path):
    bundle = open_bundle(write_bundle(tmp_path / "plain"))
    found = bundle.run("model", {"input_ids": np.array([[2, 1]])}, ["hidden.0"])
    assert found["hidden.0"].tolist() == [[[8, 9, 10, 11], [4, 5, 6, 7]]]


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_named(tmp_path: Path, name: str):
    folder = write_bundle(tmp_path / "plain")
    (folder / name).unlink()
    with pytest.raises(BrokenBundle, match=name):
        open_bundle(folder)


@pytest.mark.parametrize("name", FILES)
def test_a_truncated_file_is_named(tmp_path: Path, name: str):
    folder = write_bundle(tmp_path / "plain")
    os.truncate(folder / name, (folder / name).stat().st_size // 2)
    with pytest.raises(BrokenBundle, match=name):
        open_bundle(folder)


@pytest.mark.parametrize("name", FILES[1:])
def test_one_changed_byte_is_noticed_and_named(tmp_path: Path, name: str):
    folder = write_bundle(tmp_path / "plain")
    _change_a_byte(folder / name)
    with pytest.raises(BrokenBundle, match=name):
        open_bundle(folder)


@pytest.mark.parametrize("name", FILES[1:])
def test_a_file_changed_after_opening_is_noticed_at_the_next_opening(tmp_path: Path, name: str):
    folder = write_bundle(tmp_path / "plain")
    open_bundle(folder)
    _change_a_byte(folder / name)
    os.utime(folder / name, ns=(1, 1))
    with pytest.raises(BrokenBundle, match=name):
        open_bundle(folder)


def test_a_file_changed_between_opening_and_first_run_is_not_run(tmp_path: Path):
    folder = write_bundle(tmp_path / "plain")
    bundle = open_bundle(folder)
    _change_a_byte(folder / "weights.bin")
    os.utime(folder / "weights.bin", ns=(1, 1))
    with pytest.raises(BrokenBundle, match="changed"):
        bundle.session()


def test_a_graph_that_cannot_be_opened_is_named(tmp_path: Path):
    folder = write_bundle(tmp_path / "plain")
    (folder / "model.onnx").write_bytes(b"no graph")
    _list_again(folder)
    with pytest.raises(BrokenBundle, match="model.onnx"):
        open_bundle(folder).session()


def test_a_tokenizer_that_cannot_be_read_is_named(tmp_path: Path):
    folder = write_bundle(tmp_path / "plain")
    (folder / "tokenizer.json").write_text('{"model": {}}')
    _list_again(folder)
    with pytest.raises(BrokenBundle, match="tokenizer.json"):
        _ = open_bundle(folder).tokenizer


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "[]",
        "{",
        '{"format": 2}',
        '{"format": 1}',
        '{"format": 1, "family": "x"}',
        "\ufffd",
    ],
)
def test_a_card_without_sense_is_a_sentence(tmp_path: Path, text: str):
    (tmp_path / "card.json").write_text(text)
    with pytest.raises(BrokenBundle, match="card.json"):
        read_card(tmp_path)


@pytest.mark.parametrize("name", ["../secret", "/etc/passwd", "a/b", "..", "a\\b"])
def test_a_card_cannot_lead_out_of_its_folder(tmp_path: Path, name: str):
    folder = write_bundle(tmp_path / "plain")
    card = json.loads((folder / "card.json").read_text())
    card["files"][name] = "0"
    (folder / "card.json").write_text(json.dumps(card))
    with pytest.raises(BrokenBundle, match="not a file name"):
        open_bundle(folder)


def test_a_matrix_outside_the_listed_files_is_refused(tmp_path: Path):
    matrix = {"file": "../x", "offset": 0, "shape": [1, 1], "dtype": "float32"}
    folder = write_bundle(tmp_path / "plain", vectors={"token": matrix})
    with pytest.raises(BrokenBundle, match=r"\.\./x"):
        open_bundle(folder)


def test_a_card_must_list_its_graph_and_its_tokenizer(tmp_path: Path):
    folder = write_bundle(tmp_path / "plain", files={})
    with pytest.raises(BrokenBundle, match="does not list model.onnx"):
        verify(folder, read_card(folder))


@pytest.mark.parametrize("worth", [1, 10**9])
def test_only_large_bundles_are_remembered_as_right(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, worth: int
):
    monkeypatch.setattr(verified, "WORTH_BYTES", worth)
    folder, record = write_bundle(tmp_path / "plain"), tmp_path / "models" / "record.json"
    files = stamp(folder, read_card(folder))
    assert not verified_before(record, folder, files)
    remember(record, folder, files)
    assert verified_before(record, folder, files) is (worth == 1)
    os.utime(folder / "model.onnx", ns=(1, 1))
    assert not verified_before(record, folder, stamp(folder, read_card(folder)))


@pytest.mark.parametrize("text", ["", "[]", "{", "null"])
def test_a_damaged_record_is_as_good_as_none(tmp_path: Path, text: str):
    (tmp_path / "record.json").write_text(text)
    assert not verified_before(tmp_path / "record.json", tmp_path, ())


def test_a_disk_that_cannot_be_written_is_no_problem(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(verified, "WORTH_BYTES", 0)
    (tmp_path / "file").write_text("not a folder")
    remember(tmp_path / "file" / "record.json", tmp_path, ())


def test_stamps_differ_when_a_file_does(tmp_path: Path):
    folder = write_bundle(tmp_path / "plain")
    before = stamp(folder, read_card(folder))
    assert stamp(folder, read_card(folder)) == before
    os.utime(folder / "model.onnx", ns=(1, 1))
    assert stamp(folder, read_card(folder)) != before


def test_a_model_is_known_by_what_its_files_hold_wherever_and_whenever(tmp_path: Path):
    """Keys and maps on disk had the time of a file's change in them: a copy found nothing."""
    here, there = (write_bundle(tmp_path / name, name="plain") for name in ("here", "there"))
    known = open_bundle(here).digest
    os.utime(here / "model.onnx", ns=(1, 1))
    assert open_bundle(here).digest == known == open_bundle(there).digest
    card = read_card(here)
    assert identity(replace(card, errors={"logits": 1e-5})) == known
    for change in (
        {"files": card.files | {"weights.bin": "0" * 64}},
        {"generation": replace(card.generation, ends=(1,))},
        {"template": "{{ messages }}"},
        {"decoder": replace(card.tower, scale=1.0)},
    ):
        assert identity(replace(card, **change)) != known


def test_int8_rows_are_multiplied_by_their_scales(tmp_path: Path):
    stored = np.array([[127, -64], [2, 4]], dtype=np.int8)
    scales = np.array([0.5, 2.0], dtype=np.float32)
    (tmp_path / "w.bin").write_bytes(b"head" + stored.tobytes() + scales.tobytes())
    matrix = Matrix(file="w.bin", offset=4, shape=(2, 2), dtype="int8", scales_offset=8)
    assert read_matrix(tmp_path, matrix).tolist() == [[63.5, -32.0], [4.0, 8.0]]


def test_float16_becomes_float32_and_nothing_can_be_written(tmp_path: Path):
    np.array([[0.5, 1.5]], dtype=np.float16).tofile(tmp_path / "w.bin")
    found = read_matrix(tmp_path, Matrix("w.bin", 0, (1, 2), "float16"))
    assert found.dtype == np.float32 and found.tolist() == [[0.5, 1.5]]
    with pytest.raises(ValueError, match="read-only"):
        found[0, 0] = 1


def test_a_matrix_longer_than_its_file_names_the_file(tmp_path: Path):
    (tmp_path / "w.bin").write_bytes(b"12")
    with pytest.raises(BrokenBundle, match="w.bin"):
        read_matrix(tmp_path, Matrix("w.bin", 0, (5, 5), "float32"))


def _change_a_byte(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def _list_again(folder: Path) -> None:
    """Make the card agree with the files, as an attacker would."""
    from engine.models.bundle import digest

    card = json.loads((folder / "card.json").read_text())
    card["files"] = {name: digest(folder / name) for name in card["files"]}
    (folder / "card.json").write_text(json.dumps(card))
