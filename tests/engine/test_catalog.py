"""The catalog: what is listed, what is refused, what can be deleted."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.errors import BrokenBundle, ModelNotExported, UnknownModel
from engine.models import catalog
from engine.models.catalog import SUGGESTIONS, bundle_name, delete, entries, find, slug
from engine.models.runtime import open_bundle
from engine.models.source import Source
from engine.settings import Settings
from tests.engine.plain import write_bundle


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for exported models and one, with one model, for shipped ones."""
    folder = tmp_path / "models"
    monkeypatch.setattr(catalog, "settings", lambda: Settings(models=folder))
    monkeypatch.setattr(catalog, "SHIPPED", tmp_path / "shipped")
    write_bundle(tmp_path / "shipped" / "tales", title="Tales")
    return folder


def test_shipped_models_come_first_then_exported_then_suggestions(models: Path):
    write_bundle(models / "mine")
    names = [entry.name for entry in entries()]
    assert names[:2] == ["tales", "mine"]
    assert names[2:] == [entry.name for entry in SUGGESTIONS]
    assert find("tales").shipped and find("tales").title == "Tales" and find("tales").size > 5000


def test_an_exported_suggestion_is_listed_once(models: Path):
    write_bundle(models / "gpt2", title="GPT-2")
    assert [entry.ready for entry in entries() if entry.name == "gpt2"] == [True]
    assert find("gpt2").folder == models / "gpt2"


def test_a_folder_that_does_not_exist_is_no_problem(models: Path):
    assert not models.exists() and entries()


def test_an_unknown_name_says_what_is_here(models: Path):
    with pytest.raises(UnknownModel, match="'nope' here. Models at hand: tales"):
        find("nope")


@pytest.mark.parametrize("name", ["../shipped/tales", "/", "", ".", "x" * 5000, "<script>", "\0"])
def test_strange_names_are_unknown(models: Path, name: str):
    with pytest.raises(UnknownModel) as caught:
        find(name)
    assert len(str(caught.value)) < 300


def test_a_suggestion_says_how_to_get_it(models: Path):
    with pytest.raises(ModelNotExported, match="python -m engine.export openai-community/gpt2"):
        find("gpt2")


@pytest.mark.parametrize("name", ["card.json", "model.onnx", "weights.bin"])
def test_a_damaged_bundle_is_listed_with_its_file_and_not_opened(models: Path, name: str):
    folder = write_bundle(models / "mine")
    (folder / name).unlink()
    entry = next(entry for entry in entries() if entry.name == "mine")
    assert not entry.ready and name in str(entry.problem)
    with pytest.raises(BrokenBundle, match=name):
        find("mine")


def test_unfinished_work_is_not_listed(models: Path):
    write_bundle(models / ".mine.partial")
    (models / "notes.txt").write_text("not a folder")
    assert [entry.name for entry in entries() if entry.folder] == ["tales"]


def test_a_shipped_model_is_not_replaced_by_a_folder_of_its_name(models: Path):
    write_bundle(models / "tales", title="Impostor")
    assert find("tales").title == "Tales"
    assert [entry.name for entry in entries()].count("tales") == 1


def test_a_model_exported_again_shows_its_new_card(models: Path):
    folder = write_bundle(models / "mine", title="Old")
    assert find("mine").title == "Old"
    card = folder / "card.json"
    card.write_text(card.read_text().replace('"Old"', '"New"'))
    assert find("mine").title == "New"


def test_an_exported_model_can_be_deleted_even_while_open(models: Path):
    folder = write_bundle(models / "mine")
    bundle = open_bundle(folder)
    bundle.session()
    delete("mine")
    assert not folder.exists() and not bundle.is_open and not list(models.iterdir())
    with pytest.raises(UnknownModel):
        find("mine")


def test_a_broken_model_can_be_deleted(models: Path):
    folder = write_bundle(models / "mine")
    (folder / "card.json").unlink()
    delete("mine")
    assert not folder.exists()


def test_shipped_models_and_suggestions_cannot_be_deleted(models: Path):
    with pytest.raises(ValueError, match="shipped"):
        delete("tales")
    with pytest.raises(UnknownModel):
        delete("gpt2")


def test_suggestions_have_their_facts():
    assert len({entry.name for entry in SUGGESTIONS}) == len(SUGGESTIONS)
    for entry in SUGGESTIONS:
        assert entry.licence and entry.size > 5 * 10**7 and entry.parameters > 10**7 and entry.about
        assert entry.name == slug(entry.source) and not entry.ready


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("openai-community/gpt2", "gpt2"),
        ("gpt2", "gpt2"),
        ("/home/me/My Model/", "My-Model"),
        ("C:\\models\\bert", "bert"),
        ("../..", "model"),
        ("", "model"),
    ],
)
def test_names_of_models_are_safe_names_of_folders(source: str, name: str):
    assert slug(source) == name


def test_bundles_of_other_numbers_stand_beside_the_exact_one(tmp_path: Path):
    assert bundle_name(Source(id="openai-community/gpt2")) == "gpt2"
    assert bundle_name(Source(id="openai-community/gpt2"), "int8") == "gpt2-int8"
    (tmp_path / "My Model").mkdir()
    folder = Source(folder=tmp_path / "My Model" / "..")
    assert bundle_name(folder, "fp16") == f"{slug(tmp_path.name)}-fp16"
