"""A text in a language that a translating model does not read: said on every page that runs it."""

import pytest

from engine.models.language import likely_language
from tests.pages.conftest import Open

READERS = ("2_Embeddings", "3_Attention", "4_Translation", "5_Decoding")


@pytest.mark.parametrize("name", READERS)
@pytest.mark.parametrize(
    ("text", "language"),
    [("My key is in the garden.", "English"), ("Der Hund ist nicht in der Stadt.", "German")],
)
def test_a_text_in_another_language_than_the_models_is_said_and_a_sample_is_a_click_away(
    open_page: Open, name: str, text: str, language: str
) -> None:
    app = open_page(name, model="fr-en", text=text)
    (told,) = [box.value for box in app.info if "reads French" in box.value]
    assert f"may be {language}" in told
    app.button(key="fitting-sample").click().run()
    assert not app.exception and likely_language(app.session_state["text"]) == "fr"
    assert not [box for box in app.info if "reads French" in box.value]


@pytest.mark.parametrize("name", READERS)
def test_nothing_is_said_of_a_text_that_the_model_reads_or_of_other_models(
    open_page: Open, name: str
) -> None:
    chosen = [
        {"model": "fr-en", "text": "Il a mangé une pomme."},
        {"model": "fr-en", "text": "Zut"},
    ]
    if name != "4_Translation":
        chosen.append({"model": "tales-gpt", "text": "Il a mangé une pomme."})
    for address in chosen:
        app = open_page(name, **address)
        assert not app.exception and not [one for one in app.button if one.key == "fitting-sample"]
