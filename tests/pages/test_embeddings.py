"""The Embeddings page, run by AppTest."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from engine.models import catalog, runtime
from engine.models.bundle import digest, identity, read_card
from engine.space import projection, retrieval, vocabulary_layout
from engine.space.passages import ready
from engine.trace import tracing
from engine.values import Reading
from pages.embeddings.map import picture as space
from pages.shell.cache import engine
from tests.pages.conftest import Open, components, crash, sentences, unfolded

PAGE = "2_Embeddings"
MODELS = ("tales-gpt", "tales-bert", "fr-en")
VIEWS = ("Vocabulary", "Through the layers", "Positions")


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("view", VIEWS)
def test_every_view_answers_for_every_model(open_page: Open, model: str, view: str) -> None:
    app = open_page(PAGE, model=model, view=view)
    assert not crash(app)
    assert sentences(app) == []


@pytest.mark.feature("Nearest neighbours in the original space, listed", "Cosine / Euclid choice")
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


def space_of(app: AppTest) -> dict[str, Any]:
    """What the map is given: axes, marks, the digest of its points."""
    return components(app, "atlas_space")[0]


def places_of(app: AppTest, name: str) -> dict[str, list[float]]:
    """Where the marks of a group stand."""
    group = next(one for one in space_of(app)["marks"] if one["name"] == name)
    return dict(zip(group["ids"], group["places"], strict=True))


def vectors_of(model: str) -> np.ndarray:
    return runtime.open_bundle(catalog.find(model).folder).vectors("token")  # type: ignore[arg-type]


@pytest.mark.feature("PCA", "Explained variance shown per axis")
def test_the_axes_are_the_main_directions_with_their_share_of_the_variance(
    open_page: Open,
) -> None:
    app = open_page(PAGE, model="tales-gpt", view="Vocabulary", directions="false")
    fitted = projection.pca(vectors_of("tales-gpt"))
    shares = [f"PC {k + 1} · {100 * share:.1f} %" for k, share in enumerate(fitted.explained)]
    assert space_of(app)["axes"] == shares
    cloud = components(app, "atlas_cloud")[0]
    sent = cloud["places"] * cloud["scale"]
    step = 2 * cloud["scale"]  # a place travels as a whole number of these
    np.testing.assert_allclose(sent, fitted.coordinates, atol=step + 2e-4)


@pytest.mark.feature("Fixed basis: a new point drops into the old map")
def test_another_text_and_another_layer_drop_into_the_same_map(open_page: Open) -> None:
    app = open_page(PAGE, view="Vocabulary", model="tales-gpt", text="The river bank.", after="0")
    before, stood = space_of(app)["cloud"], places_of(app, "tokens of the text")
    app.slider(key="after").set_value(6).run()
    assert space_of(app)["cloud"] == before  # no point of the vocabulary has moved
    assert places_of(app, "tokens of the text") != stood
    other = open_page(
        PAGE, view="Vocabulary", model="tales-gpt", text="The river ran dry.", after="0"
    )
    assert space_of(other)["cloud"] == before
    drawn = places_of(other, "tokens of the text")
    assert drawn["t1"] == stood["t1"] and drawn["t2"] != stood["t2"]  # river at the same place


@pytest.mark.feature("Trajectories through layers or steps")
def test_the_way_of_a_token_is_a_line_through_its_places(open_page: Open) -> None:
    address = {"view": "Through the layers", "model": "tales-gpt", "text": "The river bank."}
    app = unfolded(open_page(PAGE, after="4", token="t1", **address), "crowd-table")
    space, table = space_of(app), app.dataframe[0].value
    own = table[table["token"] == 2].sort_values("after layer")
    (line,) = space["paths"]
    assert line["places"] == own[["x", "y", "z"]].to_numpy()[:5].tolist()
    assert len(space["frames"]["t1"]) == 7  # for the play button: every layer's place
    app.toggle(key="trails").set_value(False).run()
    assert space_of(app)["paths"] == []


CAMERA = "0_-2_0.5_0_0_0_0_0_1"


@pytest.mark.feature("Bookmarks / saved views")
def test_the_camera_of_a_link_is_the_maps(open_page: Open) -> None:
    app = open_page(PAGE, model="tales-gpt", camera=CAMERA)
    assert not crash(app) and sentences(app) == []
    assert space_of(app)["camera"] == CAMERA
    assert "".join(app.query_params["camera"]) == CAMERA
    assert components(app, "atlas_copy")[0]["values"]["camera"] == CAMERA
    flat = open_page(PAGE, model="tales-gpt", camera="0.5_0.5_0.3", map="2-D")
    assert sentences(flat) == [] and space_of(flat)["camera"] == "0.5_0.5_0.3"
    wrong = open_page(PAGE, model="tales-gpt", camera="0_0_0_0_0_0_0_0_0")
    assert not crash(wrong) and space_of(wrong)["camera"] == ""
    assert "camera 0_0" in " ".join(sentences(wrong))


@pytest.mark.parametrize(
    ("view", "key", "first"),
    [("Vocabulary", "numbers", "t0"), ("Positions", "position-numbers", 1)],
)
def test_the_numbers_of_a_map_come_as_a_table_when_asked_for(
    open_page: Open, view: str, key: str, first: str | int
) -> None:
    app = open_page(PAGE, view=view, model="tales-gpt", text="The cat")
    assert len(app.dataframe) == 0
    app.session_state[key] = True
    app.run()
    assert not crash(app)
    table = app.dataframe[0].value
    assert table.iloc[0, 0] == first and list(table.columns)[-3:] == ["x", "y", "z"]


def test_points_that_are_all_equal_have_a_map(open_page: Open, models: Path) -> None:
    exchanged(models / "equal", 0.25)
    app = open_page(PAGE, model="equal", point="v3")
    assert not crash(app) and sentences(app) == []
    assert "explain 0 % of the variance" in told(app)
    assert "cosine 1.00, 0°" in told(app)


@pytest.mark.feature("Contextual (per-layer) vectors, not only static")
def test_a_token_of_the_text_is_followed_through_the_layers(open_page: Open) -> None:
    text = "The river bank was wet."
    app = open_page(PAGE, model="tales-gpt", text=text, point="t2", after="0")
    before = told(app)
    app.slider(key="after").set_value(3).run()
    assert not crash(app)
    assert "3 layers of context" in told(app)
    bundle = runtime.open_bundle(catalog.find("tales-gpt").folder)  # type: ignore[arg-type]
    state = tracing.hidden(bundle, Reading("tales-gpt", text), "decoder").states[3, 2]
    nearest = projection.neighbours(projection.prepared(bundle.vectors("token")), state, 1)
    shown = f"cosine {nearest.cosine[0]:.2f}, {nearest.degrees[0]:.0f}°"
    assert shown in told(app) and shown not in before, (shown, told(app))


@pytest.mark.feature("Search and highlight points")
def test_a_search_leaves_what_fits(open_page: Open) -> None:
    app = open_page(PAGE, model="tales-gpt", search="house")
    assert not crash(app)
    assert any("tokens match" in c.value for c in app.caption)
    names, only = components(app, "atlas_cloud")[0]["names"], space_of(app)["only"]
    assert only == [i for i, name in enumerate(names) if "house" in name.lower()]
    app.text_input(key="search").set_value("\u4eba\u4eba").run()
    assert not crash(app)
    assert any("No token of this vocabulary" in c.value for c in app.caption)


def test_homonyms_of_several_sentences_are_compared(open_page: Open) -> None:
    app = open_page(
        PAGE,
        view="Through the layers",
        text="He went to the bank.",
        others="The bank of the river.",
        model="tales-gpt",
    )
    app = unfolded(app, "crowd-table")
    assert not crash(app)
    table = app.dataframe[0].value
    assert set(table["sentence"]) == {1, 2}
    assert any("bank¹ and bank²" in c.value for c in app.caption)


def test_a_link_with_values_that_make_no_sense_is_put_right(open_page: Open) -> None:
    app = open_page(
        PAGE,
        view="Vocabulary",
        after="99",
        map="4-D",
        colour="red",
        measure="miles",
        point="v99999999",
    )
    assert not crash(app)
    told = " ".join(sentences(app))
    for name in ("layer 99", "Map=4-D", "Color by=red", "Distance=miles", "point v99999999"):
        assert name in told


def test_without_a_text_the_vocabulary_is_still_there(open_page: Open) -> None:
    app = open_page(PAGE, view="Vocabulary")
    app.text_area(key="text").set_value("").run()
    assert not crash(app)
    assert sentences(app) == []


@pytest.mark.feature("Projection-quality score (trustworthiness)")
def test_the_map_says_how_far_to_trust_it(open_page: Open) -> None:
    app = open_page(PAGE, view="Vocabulary")
    told = " ".join(caption.value for caption in app.caption).replace("\\", "")
    assert "trustworthiness 0." in told
    assert "Distances in 3-D are approximate" in told


@pytest.mark.feature("Custom semantic axis (A minus B)")
def test_an_axis_of_ones_own_is_named_on_the_map(open_page: Open) -> None:
    app = open_page(PAGE, layout="Own axis", minus="he", plus="she", model="tales-gpt")
    assert not crash(app)
    told = " ".join(caption.value for caption in app.caption)
    assert "The first axis goes from “he” to “she”" in told
    app.text_input(key="plus").set_value("no such word").run()
    assert not crash(app)
    assert any("is not a single token" in caption.value for caption in app.caption)


def test_an_analogy_says_where_the_words_of_the_question_stand(open_page: Open) -> None:
    app = open_page(PAGE, view="Analogies", model="tales-gpt")
    assert not crash(app)
    told = " ".join(one.value for one in app.markdown).replace("\\", "")
    assert "king − man + woman is nearest to" in told
    assert "“king” ranks " in told
    app.text_input(key="word_a").set_value("xyzzyx").run()
    assert not crash(app)
    assert "is not a single token of this vocabulary" in " ".join(sentences(app))


def test_a_map_that_is_not_made_yet_offers_to_make_it(open_page: Open) -> None:
    app = open_page(PAGE, layout="t-SNE", model="fr-en", directions="false")
    assert not crash(app)
    assert app.button(key="make-tsne").label == "Compute t-SNE"


def told(app: object) -> str:
    """What the captions say, without the escapes of Markdown."""
    return " ".join(one.value for one in app.caption).replace("\\", "")  # type: ignore[attr-defined]


@pytest.mark.feature("UMAP", "t-SNE (live or run)")
@pytest.mark.parametrize(("name", "method"), [("UMAP", "umap"), ("t-SNE", "tsne")])
def test_a_kept_umap_or_tsne_map_is_drawn_and_judged(
    open_page: Open, models: Path, name: str, method: vocabulary_layout.Method
) -> None:
    folder = catalog.SHIPPED / "tales-gpt"
    card = read_card(folder)
    places = np.random.default_rng(0).normal(size=(card.vocabulary, 3)).astype(np.float32)
    vocabulary_layout._write(
        vocabulary_layout.kept(folder, identity(card), method, unit=True), places
    )
    app = open_page(PAGE, model="tales-gpt", layout=name, betrayed="true")
    assert not crash(app) and sentences(app) == []
    assert "trustworthiness 0.5" in told(app)  # places by chance keep nothing
    assert "Highlighted: the 30 of" in told(app)


@pytest.mark.feature("Colour-by with legend")
@pytest.mark.parametrize("colour", space.COLOURS)
def test_points_are_coloured_by_kind_order_and_length(open_page: Open, colour: str) -> None:
    app = open_page(PAGE, view="Vocabulary", model="tales-gpt", colour=colour)
    assert not crash(app) and sentences(app) == []
    assert app.selectbox(key="colour").value == colour
    cloud = components(app, "atlas_cloud")[0]
    classes = cloud["classes"]
    assert len(classes) == len(cloud["names"]) and set(classes) <= set(range(len(cloud["legend"])))
    assert len({tuple(entry["colour"]) for entry in cloud["legend"]}) == len(cloud["legend"]) > 3


@pytest.mark.feature("Isolate / filter to selection")
def test_an_area_of_a_link_is_told_and_isolated(open_page: Open) -> None:
    address = {
        "view": "Vocabulary",
        "model": "tales-gpt",
        "area": "v300 v301 v302 t1",
        "area-alone": "true",
    }
    app = open_page(PAGE, text="The cat", **address)
    assert not crash(app) and sentences(app) == []
    assert any("4 points selected" in one.value for one in app.markdown)
    assert app.toggle(key="area-alone").value is True
    app.button(key="area-drop").click().run()
    assert not crash(app)
    assert not any("points selected" in one.value for one in app.markdown)
    wrong = open_page(PAGE, view="Vocabulary", model="tales-gpt", area="v300 v99999999")
    assert "does not exist here" in " ".join(sentences(wrong))


def test_the_map_names_the_points_it_betrays_most(open_page: Open) -> None:
    app = open_page(PAGE, view="Vocabulary", model="tales-gpt", betrayed="true")
    assert not crash(app)
    assert "keep the fewest of their 10 nearest neighbors" in told(app)
    layers = open_page(PAGE, view="Through the layers", model="tales-gpt", betrayed="true")
    assert not crash(layers)
    assert "Highlighted: the 8 of" in told(layers)
    app.toggle(key="betrayed").set_value(False).run()
    assert "Highlighted:" not in told(app)


def test_a_basis_of_one_layer_explains_that_layer_better(open_page: Open) -> None:
    def in_sight(app: object) -> int:
        return int(told(app).split("which explain ")[1].split(" %")[0])

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


@pytest.mark.parametrize(("model", "side"), [("tales-gpt", "decoder"), ("tales-bert", "encoder")])
def test_the_page_opens_where_the_two_banks_part_most(
    open_page: Open, model: str, side: Any
) -> None:
    app = open_page(PAGE, model=model)
    assert not crash(app) and sentences(app) == []
    reading = Reading(model, app.text_area(key="text").value)
    assert reading.text.count("bank") == 2
    bundle = runtime.open_bundle(catalog.find(model).folder)  # type: ignore[arg-type]
    hidden = tracing.hidden(bundle, reading, side)
    a, b = (i for i, piece in enumerate(hidden.tokens.pieces) if "bank" in piece)
    cosines = [float(projection.distances(s[[a]], s[b])[0][0]) for s in hidden.states]
    assert app.slider(key="after").value == 1 + int(np.argmin(cosines[1:]))
    names = [label["text"] for label in space_of(app)["labels"][:2]]
    assert [name.strip("·") for name in names] == ["bank¹", "bank²"]


@pytest.mark.parametrize("old", [{"layout": "Own axis"}, {"point": "v300"}])
def test_an_old_address_of_the_vocabulary_still_opens_it(open_page: Open, old: Any) -> None:
    app = open_page(PAGE, model="tales-gpt", measure="euclid", **old)
    assert not crash(app) and sentences(app) == []
    assert app.selectbox(key="layout").value == ("Custom axis" if "layout" in old else "PCA")


def exchanged(folder: Path, value: float) -> None:
    """A copy of a shipped model, every number of its token vectors exchanged for one."""
    shutil.copytree(catalog.SHIPPED / "tales-gpt", folder)
    (folder / vocabulary_layout.SPACE).unlink()
    card = json.loads((folder / "card.json").read_text())
    del card["files"][vocabulary_layout.SPACE]
    matrix = card["vectors"]["token"]
    (folder / "other.bin").write_bytes(np.full(matrix["shape"], value, np.float32).tobytes())
    card["files"]["other.bin"] = digest(folder / "other.bin")
    plain = {"file": "other.bin", "offset": 0, "dtype": "float32", "scales_offset": None}
    card["vectors"]["token"] = matrix | plain
    (folder / "card.json").write_text(json.dumps(card))


def rotary(models: Path, turns: list[float]) -> None:
    folder = shutil.copytree(catalog.SHIPPED / "tales-gpt", models / "turner")
    card = json.loads((folder / "card.json").read_text())
    card |= {"positions": "rotary", "rotary": turns, "vectors": {"token": card["vectors"]["token"]}}
    (folder / "card.json").write_text(json.dumps(card))


def test_rotary_positions_are_shown_as_angles(open_page: Open, models: Path) -> None:
    rotary(models, [10_000 ** -(k / 8) for k in range(8)])
    app = open_page(PAGE, view="Positions", model="turner", position="p2")
    assert not crash(app) and sentences(app) == []
    assert any("Angles of position 3" in one.value for one in app.markdown)
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
    exchanged(models / "broken", np.nan)
    app = open_page(PAGE, view="Vocabulary", model="broken")
    assert not crash(app)
    assert "hold values that are not numbers" in " ".join(sentences(app))


BANKS = "The river bank was wet, so she walked to the bank and asked for money."


def opened_on(open_page: Open, **address: str) -> int:
    """The layer that a page opens on by itself."""
    return open_page(PAGE, **address).slider(key="after").value


def test_a_layer_that_nobody_chose_follows_model_text_and_view(open_page: Open) -> None:
    app = open_page(PAGE, model="tales-gpt", text=BANKS)
    own = {name: opened_on(open_page, model=name, text=BANKS) for name in MODELS}
    assert len(set(own.values())) > 1  # or nothing is seen here
    for name in ("tales-bert", "fr-en", "tales-gpt"):
        app.selectbox(key="model").set_value(name).run()
        assert app.slider(key="after").value == own[name] and not sentences(app)
        assert "after" not in app.query_params
    app.text_area(key="text").set_value("No word comes back").run()
    assert app.slider(key="after").value == app.slider(key="after").max
    app.button_group(key="view").set_value("Vocabulary").run()
    assert app.slider(key="after").value == 0


def test_a_layer_that_somebody_chose_stays_where_the_model_has_it(open_page: Open) -> None:
    app = open_page(PAGE, model="tales-gpt", text=BANKS)
    chosen = 2 if app.slider(key="after").value != 2 else 1
    app.slider(key="after").set_value(chosen).run()
    for name in ("fr-en", "tales-gpt"):
        app.selectbox(key="model").set_value(name).run()
        assert app.slider(key="after").value == chosen and not sentences(app)


def test_a_chosen_layer_that_the_next_model_has_not_is_put_right_and_said(open_page: Open) -> None:
    app = open_page(PAGE, model="tales-gpt", text="No word comes back", after="5")
    app.selectbox(key="model").set_value("fr-en").run()
    assert app.slider(key="after").value == 3
    (told,) = sentences(app)
    assert "After layer 5" in told and "has 3 layers" in told


@pytest.mark.feature("Passages ranked by vectors and by words in common")
def test_passages_are_ranked_and_words_can_be_left_out(open_page: Open) -> None:
    app = open_page(PAGE, model="tales-bert", view="Search")
    assert not crash(app)
    one = ready()[0]
    found = engine().passages("tales-bert", one.query, one.passages, 4, "mean")
    words = retrieval.by_words(one.query, one.passages).ranking
    assert one.answers is not None
    # Its rank by words would be a tie of all that share none.
    assert words.scores[one.answers] == 0
    told = f"ranks {found.rank(one.answers)} of 10 by vectors and shares no word with it"
    assert any(told in block.value for block in app.markdown)
    (drawn,) = components(app, "atlas_picture")
    assert all(text.split()[0] in drawn["svg"] for text in one.passages)
    app = open_page(PAGE, model="tales-bert", view="Search", without="pharmacy")
    left = one.query.replace(" pharmacy", "")
    fewer = engine().passages("tales-bert", left, one.passages, 4, "mean")
    moved = sum(found.rank(k) != fewer.rank(k) for k in range(10))
    said = f"Leaving words out changed {moved} of 10 ranks by vectors"
    assert any(said in block.value for block in app.markdown)


def test_which_passage_answers_is_known_of_the_sets_own_query_alone(open_page: Open) -> None:
    whole = next(one for one in ready() if one.name == "In a tale")
    assert whole.answers is not None
    words = retrieval.by_words(whole.query, whole.passages).ranking
    assert words.scores[whole.answers] > 0
    app = open_page(PAGE, model="tales-bert", view="Search", passages=whole.name)
    said = f"and {words.rank(whole.answers)} by words in common"
    assert any(said in block.value for block in app.markdown)
    assert "It answers the query" in components(app, "atlas_picture")[0]["svg"]
    app = open_page(PAGE, model="tales-bert", view="Search", passages=whole.name, query="a wolf")
    assert not crash(app)
    assert not any("answers the query" in block.value for block in app.markdown)
    assert "It answers the query" not in components(app, "atlas_picture")[0]["svg"]


@pytest.mark.parametrize(
    "address, said",
    [
        ({"passages": "Your own"}, "Two passages or more are needed"),
        ({"passages": "Your own", "own": "One.\n\n  "}, "Two passages or more are needed"),
        ({"passages": "Your own", "own": "One.\nTwo."}, "There is no query"),
        ({"query": "fox", "without": "fox"}, "Every word of the query is left out"),
    ],
)
def test_what_cannot_be_ranked_is_said(open_page: Open, address: dict, said: str) -> None:
    app = open_page(PAGE, model="tales-bert", view="Search", **address)
    assert not crash(app) and any(said in one for one in sentences(app))


def test_the_saved_ranking_is_a_drawing(monkeypatch: pytest.MonkeyPatch, open_page: Open) -> None:
    from pages.embeddings.search import section

    given: dict[str, Any] = {}
    monkeypatch.setattr(section, "share_menu", lambda *_, **named: given.update(named))
    app = open_page(PAGE, model="tales-bert", view="Search")
    assert not crash(app) and given["svg"]().startswith("<svg") and given["shown"] is False


def test_hostile_passages_are_only_text(open_page: Open) -> None:
    lines = "<script>alert(1)</script>\n" + "x" * 900 + "\n" + "\u202eevil **b**"
    app = open_page(
        PAGE, model="tales-bert", view="Search", passages="Your own", own=lines, query="<b>&"
    )
    assert not crash(app)
    (drawn,) = components(app, "atlas_picture")
    assert "&lt;script&gt;" in drawn["svg"] and "<script>" not in drawn["svg"]
