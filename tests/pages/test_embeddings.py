"""The Embeddings page, run by AppTest."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from engine import catalog, mapping, projection, runtime
from engine.bundle import read_card, stamp
from engine.settings import settings
from pages.views import space
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


def told(app: object) -> str:
    """What the captions say, without the escapes of Markdown."""
    return " ".join(one.value for one in app.caption).replace("\\", "")  # type: ignore[attr-defined]


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty folder of exported models."""
    folder = tmp_path / "models"
    folder.mkdir()
    monkeypatch.setenv("ATLAS_MODELS", str(folder))
    settings.cache_clear()
    yield folder
    settings.cache_clear()


@pytest.mark.parametrize(("name", "method"), [("UMAP", "umap"), ("t-SNE", "tsne")])
def test_a_kept_umap_or_tsne_map_is_drawn_and_judged(
    open_page: Open, models: Path, name: str, method: mapping.Method
) -> None:
    folder = catalog.SHIPPED / "tales-gpt"
    card = read_card(folder)
    places = np.random.default_rng(0).normal(size=(card.vocabulary, 3)).astype(np.float32)
    mapping._write(mapping.kept(folder, stamp(folder, card), method, unit=True), places)
    app = open_page(PAGE, model="tales-gpt", layout=name, betrayed="true")
    assert not crash(app) and sentences(app) == []
    assert "trustworthiness 0.5" in told(app)  # places by chance keep nothing
    assert "Lit: the 30 of" in told(app)


@pytest.mark.parametrize("colour", space.COLOURS)
def test_points_are_coloured_by_kind_order_and_length(open_page: Open, colour: str) -> None:
    app = open_page(PAGE, model="tales-gpt", colour=colour)
    assert not crash(app) and sentences(app) == []
    assert app.selectbox(key="colour").value == colour


def test_an_area_of_a_link_is_told_and_isolated(open_page: Open) -> None:
    address = {"model": "tales-gpt", "area": "v300 v301 v302 t1", "area-alone": "true"}
    app = open_page(PAGE, text="The cat", **address)
    assert not crash(app) and sentences(app) == []
    assert any("4 points in the area" in one.value for one in app.markdown)
    assert app.toggle(key="area-alone").value is True
    app.button(key="area-drop").click().run()
    assert not crash(app)
    assert not any("in the area" in one.value for one in app.markdown)
    wrong = open_page(PAGE, model="tales-gpt", area="v300 v99999999")
    assert "does not exist here" in " ".join(sentences(wrong))


def test_the_map_names_the_points_it_betrays_most(open_page: Open) -> None:
    app = open_page(PAGE, model="tales-gpt", betrayed="true")
    assert not crash(app)
    assert "keep the fewest of their 10 true neighbours" in told(app)
    layers = open_page(PAGE, view="Through the layers", model="tales-gpt", betrayed="true")
    assert not crash(layers)
    assert "Lit: the 8 of" in told(layers)
    app.toggle(key="betrayed").set_value(False).run()
    assert "Lit:" not in told(app)


def test_a_basis_of_one_layer_explains_that_layer_better(open_page: Open) -> None:
    def in_sight(app: object) -> int:
        return int(told(app).split("differ most: ")[1].split(" %")[0])

    address = {"view": "Through the layers", "model": "tales-gpt", "after": "6"}
    every = open_page(PAGE, **address)
    own = open_page(PAGE, basis="This layer", colour="Position", **address)
    assert not crash(own) and sentences(own) == []
    assert in_sight(own) > in_sight(every)


def test_one_token_alone_has_a_map_and_no_neighbours(open_page: Open) -> None:
    app = open_page(
        PAGE, view="Through the layers", model="tales-gpt", text="a", token="t0", betrayed="true"
    )
    assert not crash(app) and sentences(app) == []
    assert "There is no other token" in told(app)


def rotary(models: Path, turns: list[float]) -> None:
    folder = shutil.copytree(catalog.SHIPPED / "tales-gpt", models / "turner")
    card = json.loads((folder / "card.json").read_text())
    card |= {"positions": "rotary", "rotary": turns, "vectors": {"token": card["vectors"]["token"]}}
    (folder / "card.json").write_text(json.dumps(card))


def test_rotary_positions_are_shown_as_angles(open_page: Open, models: Path) -> None:
    rotary(models, [10_000 ** -(k / 8) for k in range(8)])
    app = open_page(PAGE, view="Positions", model="turner", position="p2")
    assert not crash(app) and sentences(app) == []
    assert any("angles of position 3" in one.value for one in app.markdown)
    assert "turned 2 steps: the first makes a full turn every 6.3 positions" in told(app)


def test_rotary_positions_without_their_angles_are_a_sentence(
    open_page: Open, models: Path
) -> None:
    rotary(models, [])
    app = open_page(PAGE, view="Positions", model="turner")
    assert not crash(app)
    assert "export the model again" in sentences(app)[0]


def test_a_broken_model_whose_vectors_are_no_numbers_is_a_sentence(
    open_page: Open, models: Path
) -> None:
    folder = shutil.copytree(catalog.SHIPPED / "tales-gpt", models / "broken")
    card = json.loads((folder / "card.json").read_text())
    matrix = card["vectors"]["token"]
    with open(folder / "nan.bin", "wb") as file:
        file.write(np.full(matrix["shape"], np.nan, np.float32).tobytes())
    from engine.bundle import digest

    card["files"]["nan.bin"] = digest(folder / "nan.bin")
    plain = {"file": "nan.bin", "offset": 0, "dtype": "float32", "scales_offset": None}
    card["vectors"]["token"] = matrix | plain
    (folder / "card.json").write_text(json.dumps(card))
    app = open_page(PAGE, model="broken")
    assert not crash(app)
    assert "hold values that are not numbers" in " ".join(sentences(app))
