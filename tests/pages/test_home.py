"""Home says what is here and where to go, for each shape of model."""

import pytest

from engine.models import catalog
from engine.values import Reading
from pages.shell import paths
from pages.shell.cache import engine
from tests.pages.conftest import Open, crash, sentences

SHIPPED = [entry for entry in catalog.entries() if entry.shipped and entry.ready]


@pytest.mark.parametrize("entry", SHIPPED, ids=lambda entry: entry.name)
def test_home_draws_the_path_through_every_shipped_model(open_page: Open, entry: object) -> None:
    app = open_page("Home", model=entry.name, text="The river bank was wet.")  # type: ignore[attr-defined]
    assert not crash(app), crash(app)
    assert sentences(app) == []
    words = " ".join(block.value for block in app.markdown)
    assert "go in at the bottom" in words


def test_the_numbers_in_the_words_are_the_models_own(open_page: Open) -> None:
    text = "The river bank was wet."
    app = open_page("Home", model="tales-gpt", text=text)
    reading = Reading("tales-gpt", text)
    n = len(engine().tokens(reading))
    said = next(b.value for b in app.markdown if "at the bottom" in b.value).replace("\\", "")
    assert said.startswith(f"{n} tokens")
    best = float(paths._likely(engine().logits(reading, (n - 1,)).logits)[0].max())
    assert f"({best:.0%})" in said


def test_a_long_text_is_shown_from_its_beginning_and_that_is_said(open_page: Open) -> None:
    app = open_page("Home", model="tales-gpt", text="The cat sat on the mat. " * 40)
    assert not crash(app), crash(app)
    assert any("the first 10 tokens" in caption.value for caption in app.caption)


@pytest.mark.parametrize("model", [entry.name for entry in SHIPPED])
def test_an_empty_text_is_one_sentence_and_the_cards_are_still_there(
    open_page: Open, model: str
) -> None:
    app = open_page("Home", model=model, text="  ")
    assert not crash(app), crash(app)
    assert len(sentences(app)) == 1
    assert any("Explore" in title.value for title in app.subheader)


def test_home_lists_every_model_that_is_here_and_the_device(open_page: Open) -> None:
    app = open_page("Home")
    words = " ".join(block.value for block in app.markdown)
    for entry in SHIPPED:
        assert f"`{entry.name}`" in words
    assert any("Running on the" in caption.value for caption in app.caption)


@pytest.mark.parametrize(
    ("model", "text"),
    [
        ("tales-bert", "你好世界你好世界你好世界"),
        ("fr-en", "Меня зовут Анна и я живу в Москве, а ты где живёшь сейчас, мой друг?"),
        ("tales-bert", "🙂 " * 30),
        ("fr-en", "我" * 40 + " et 你 moi et toi, mais pas elle ni lui"),
        ("tales-gpt", "各" * 30),
    ],
)
def test_a_long_text_of_unknown_words_is_shown_from_its_beginning(
    open_page: Open, model: str, text: str
) -> None:
    app = open_page("Home", model=model, text=text)
    assert not crash(app), crash(app)
    found = paths.path(model, text)
    count, shown = len(found.towers[0].texts), found.towers[0].shown
    assert 3 <= shown <= paths.SHOWN and found.reading.text == text
    words = next(b.value for b in app.markdown if "at the bottom" in b.value).replace("\\", "")
    assert words.startswith(f"{count} tokens")
    told = any(
        f"the first {shown} tokens; the model read the whole text" in caption.value
        for caption in app.caption
    )
    assert told == found.cut
    # An unknown word is drawn as the text has it.
    assert "<unk>" not in found.towers[0].texts and "[UNK]" not in found.towers[0].texts
