"""The Embeddings page, run by AppTest."""

from __future__ import annotations

import pytest

from engine import catalog, projection, runtime
from tests.pages.conftest import Open, crash, sentences

PAGE = "2_Embeddings"
MODELS = ("tales-gpt", "tales-bert", "fr-en")
VIEWS = ("Vocabulary", "Through the layers", "Positions")


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("view", VIEWS)
def test_every_view_answers_for_every_model(open_page: Open, model: str, view: str) -> None:
    app = open_page(PAGE, model=model, view=view)
    assert not crash(app)
    assert sentences(app) == []


@pytest.mark.parametrize("measure", projection.MEASURES)
def test_a_picked_piece_lists_its_true_neighbours(open_page: Open, measure: str) -> None:
    app = open_page(PAGE, model="tales-gpt", point="v300", measure=measure)
    assert not crash(app)
    bundle = runtime.open_bundle(catalog.find("tales-gpt").folder)  # type: ignore[arg-type]
    vectors = bundle.vectors("token")
    found = projection.neighbours(
        projection.prepared(vectors),
        vectors[300],
        1,
        measure=measure,  # type: ignore[arg-type]
        without=[300],
    )
    told = " ".join(caption.value for caption in app.caption).replace("\\", "")
    assert f"cosine {found.cosine[0]:.2f}, {found.degrees[0]:.0f}°" in told


def test_a_token_of_the_text_is_followed_through_the_layers(open_page: Open) -> None:
    app = open_page(PAGE, model="tales-gpt", point="t2", after="0")
    before = [c.value for c in app.caption]
    app.slider(key="after").set_value(3).run()
    assert not crash(app)
    assert [c.value for c in app.caption] != before
    assert "3 layers of context" in " ".join(c.value for c in app.caption)


def test_a_search_leaves_what_fits(open_page: Open) -> None:
    app = open_page(PAGE, model="tales-gpt", search="house")
    assert not crash(app)
    assert any("pieces fit" in c.value for c in app.caption)
    app.text_input(key="search").set_value("\u4eba\u4eba").run()
    assert not crash(app)
    assert any("Nothing in this vocabulary" in c.value for c in app.caption)


def test_homonyms_of_several_sentences_are_compared(open_page: Open) -> None:
    app = open_page(
        PAGE,
        view="Through the layers",
        text="He went to the bank.",
        others="The bank of the river.",
        model="tales-gpt",
    )
    assert not crash(app)
    table = app.dataframe[0].value
    assert set(table["sentence"]) == {1, 2}
    assert any("bank (1:" in c.value.replace("\\", "") for c in app.caption)


def test_a_link_with_values_that_make_no_sense_is_put_right(open_page: Open) -> None:
    app = open_page(PAGE, after="99", map="4-D", colour="red", measure="miles", point="v99999999")
    assert not crash(app)
    told = " ".join(sentences(app))
    for name in ("after 99", "map=4-D", "colour=red", "measure=miles", "point v99999999"):
        assert name in told


def test_without_a_text_the_vocabulary_is_still_there(open_page: Open) -> None:
    app = open_page(PAGE)
    app.text_area(key="text").set_value("").run()
    assert not crash(app)
    assert sentences(app) == []


def test_the_map_says_how_far_to_trust_it(open_page: Open) -> None:
    app = open_page(PAGE)
    told = " ".join(caption.value for caption in app.caption).replace("\\", "")
    assert "trustworthiness 0." in told
    assert "Distances in 3-D are approximate" in told


def test_an_axis_of_ones_own_is_named_on_the_map(open_page: Open) -> None:
    app = open_page(PAGE, layout="Own axis", minus="he", plus="she", model="tales-gpt")
    assert not crash(app)
    told = " ".join(caption.value for caption in app.caption)
    assert "The first axis goes from “he” to “she”" in told
    app.text_input(key="plus").set_value("no such word").run()
    assert not crash(app)
    assert any("is not one piece" in caption.value for caption in app.caption)


def test_an_analogy_says_where_the_words_of_the_question_stand(open_page: Open) -> None:
    app = open_page(PAGE, view="Analogies", model="tales-gpt")
    assert not crash(app)
    told = " ".join(one.value for one in app.markdown).replace("\\", "")
    assert "king − man + woman ends nearest to" in told
    assert "“king” no. " in told
    app.text_input(key="word_a").set_value("xyzzyx").run()
    assert not crash(app)
    assert "is not one piece of this vocabulary" in " ".join(sentences(app))


def test_a_map_that_is_not_made_yet_offers_to_make_it(open_page: Open) -> None:
    app = open_page(PAGE, layout="t-SNE", model="fr-en", directions="false")
    assert not crash(app)
    assert app.button(key="make-tsne").label == "Make the t-SNE map"
