"""Which language a translating model reads, by its name, and which one a text may be in."""

import tomllib
from pathlib import Path

import pytest

from engine.models.language import likely_language, mistaken, reads

ROOT = Path(__file__).resolve().parents[2]
TEXTS = {
    "de": "Der Hund hat das Haus nicht gesehen, und ich war mit ihm in der Stadt.",
    "en": "My key is in the garden, and I have not seen it.",
    "es": "El niño no está en la casa, pero los perros de su madre sí.",
    "fr": "Je ne sais pas où est la gare, et il fait froid dans la rue.",
    "it": "Il gatto non è sul tavolo, ma la mia amica lo ha visto con gli altri.",
    "nl": "De hond is niet in het huis, en ik zie hem ook niet op de straat.",
    "pt": "O menino não está em casa, mas os cães da mãe dele estão com você.",
}


@pytest.mark.parametrize("language", TEXTS)
def test_a_sentence_is_told_by_its_commonest_words(language: str) -> None:
    assert likely_language(TEXTS[language]) == language
    assert likely_language(TEXTS[language].upper()) == language


@pytest.mark.parametrize(
    "text", ["", "   ", "Paris", "12 345", "猫は眠る", "Кот спит", "\x00", "zzz qqq xyz " * 50]
)
def test_what_says_too_little_is_no_language(text: str) -> None:
    assert likely_language(text) is None


@pytest.mark.parametrize(
    ("name", "language"),
    [
        ("fr-en", "fr"),
        ("opus-mt-fr-en", "fr"),
        ("Helsinki-NLP/opus-mt-de-fr", "de"),
        ("opus-mt-tc-big-en-pt", "en"),
        ("translate_nl-de.int8", "nl"),
        ("tales-gpt", None),
        ("t5-small", None),
        ("m2m100-418M", None),
        ("a-is-or-no", None),  # pairs of letters that are no languages here
        ("", None),
    ],
)
def test_a_models_name_says_what_it_reads(name: str, language: str | None) -> None:
    assert reads(name) == language


@pytest.mark.parametrize("told", TEXTS)
@pytest.mark.parametrize("known", ["fr", "de", "en"])
def test_a_text_in_another_language_than_the_models_is_noticed(known: str, told: str) -> None:
    name = f"opus-mt-{known}-{'it' if known == 'en' else 'en'}"
    assert mistaken(name, TEXTS[told]) == (None if told == known else (known, told))


def test_no_sample_for_the_shipped_translator_is_taken_for_another_language() -> None:
    data = tomllib.loads((ROOT / "assets" / "samples.toml").read_text(encoding="utf-8"))
    french = [one["text"] for one in data["sample"] if "Translation" in one["pages"]]
    assert len(french) > 2
    assert [mistaken("fr-en", text) for text in french] == [None] * len(french)
