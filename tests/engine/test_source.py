"""What a person typed, understood: ids, addresses as they are copied, folders where allowed."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.errors import NotAllowed, UnknownModel
from engine.models.source import Source, parse

GPT2 = "openai-community/gpt2"


@pytest.mark.parametrize("rule", ["all", "hub"])
@pytest.mark.parametrize(
    "text",
    [
        GPT2,
        f"https://huggingface.co/{GPT2}",
        f"https://huggingface.co/{GPT2}/",
        f"http://huggingface.co/{GPT2}",
        f"huggingface.co/{GPT2}",
        f"www.huggingface.co/{GPT2}",
        f"hf.co/{GPT2}",
        f"HTTPS://HuggingFace.co/{GPT2}",
        f"https://huggingface.co/{GPT2}/tree/main",
        f"hf.co/{GPT2}/tree/main/",
        f"https://huggingface.co/{GPT2}/blob/main/config.json",
        f"https://huggingface.co/{GPT2}/discussions/12",
        f"https://huggingface.co/{GPT2}?library=transformers#files",
        f"https://huggingface.co/api/models/{GPT2}",
        f"https://huggingface.co/{GPT2}.git",
        f"git clone https://huggingface.co/{GPT2}",
        f"hf://{GPT2}",
        f"{GPT2}@main",
        f"{GPT2}/",
        f' "{GPT2}"\u200b\n',
    ],
)
def test_an_id_is_understood_however_it_was_copied(text: str, rule) -> None:
    assert parse(text, rule) == Source(id=GPT2)


@pytest.mark.parametrize(
    ("text", "revision"),
    [
        (f"{GPT2}@v1.0", "v1.0"),
        (f"https://huggingface.co/{GPT2}@607a30d", "607a30d"),
        (f"https://huggingface.co/{GPT2}/tree/607a30d", "607a30d"),
        (f"huggingface.co/{GPT2}/blob/refs%2Fpr%2F3/config.json", "refs/pr/3"),
        (f"hf://{GPT2}@refs%2Fpr%2F1/config.json", "refs/pr/1"),
    ],
)
def test_a_revision_comes_with_the_id(text: str, revision: str) -> None:
    found = parse(text, "hub")
    assert found == Source(id=GPT2, revision=revision)
    assert parse(str(found), "hub") == found


def test_a_model_without_a_maker_is_one_too() -> None:
    assert parse("gpt2", "hub") == parse("https://hf.co/gpt2/tree/main", "hub") == Source(id="gpt2")


def test_a_mirror_that_is_set_up_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UnknownModel):
        parse(f"https://mirror.example/{GPT2}", "hub")
    monkeypatch.setenv("HF_ENDPOINT", "https://mirror.example")
    assert parse(f"https://mirror.example/{GPT2}/tree/main", "hub") == Source(id=GPT2)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "no model called"),
        ("<img src=x onerror=alert(1)>", "no model called"),
        ("--help", "no model called"),
        ("a/..", "no model called"),
        ("a\0b", "no model called"),
        ("x" * 5000, "no model called"),
        ("~nobody-of-that-name", "here|no folder"),
        ("https://evil.example/a/b", "no address of the Hugging Face Hub"),
        ("file:///etc/passwd", "no address"),
        ("https://[::1", "no address"),
        ("https://huggingface.co/datasets/squad", "its datasets"),
        ("https://huggingface.co/spaces/a/b", "its spaces"),
    ],
)
def test_what_names_no_model_is_a_sentence(text: str, told: str) -> None:
    for rule in ("all", "hub"):
        with pytest.raises((UnknownModel, NotAllowed), match=told) as caught:
            parse(text, rule)  # type: ignore[arg-type]
        assert len(str(caught.value)) < 300


@pytest.mark.parametrize("text", ["/etc", "../../tmp/x", "~", ".", "./gpt2", "a/b/c", "C:\\m"])
def test_where_only_ids_may_be_given_a_path_is_refused_there_or_not(text: str) -> None:
    with pytest.raises(NotAllowed, match="Folders of this machine"):
        parse(text, "hub")


def test_a_folder_that_is_there_is_one_only_where_folders_may_be_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "maker" / "model").mkdir(parents=True)
    assert parse("maker/model", "all") == Source(folder=Path("maker/model"))
    assert parse("maker/model", "hub") == Source(id="maker/model")
    assert parse(str(tmp_path), "all").last == tmp_path.name


def test_nothing_is_understood_where_nothing_may_be_added() -> None:
    with pytest.raises(NotAllowed):
        parse(GPT2, "no")
