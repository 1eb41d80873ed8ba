"""Lines of Python that compute the numbers of the Embeddings page's pictures again.

In: a model, texts, what is picked. Out: programs for notebooks, made by `pages.pictures.recipe`;
each binds `table`, the columns of that picture's CSV file. Files of vectors have `vectors` too.
"""

from __future__ import annotations

from collections.abc import Sequence

from engine.space.projection import Measure
from engine.space.retrieval import Pooling
from engine.space.vocabulary_layout import Method
from engine.values import Reading
from pages.pictures.recipe import Code, call, recipe

XYZ = '{name: places[:, k] for k, name in enumerate("xyz")}'
NEAR = """
        table = {
            "cosine": found.cosine,
            "degrees": found.degrees,
            "distance": found.euclid,
        }
"""


def vocabulary_map(
    model: str,
    reading: Reading | None,
    after: int,
    *,
    unit: bool,
    axis: tuple[int, int] | None = None,
    method: Method | None = None,
) -> str:
    """Every token of a text after a layer, then every token of the vocabulary, on one map.

    `axis` are the ids that a custom axis goes to and from; `method` is UMAP or t-SNE.
    """
    fitted = call("engine.vocabulary_map", model, unit)
    if axis is not None:
        fitted = call("engine.axis_map", model, unit, *axis)
    states = Code("np.zeros((0, vectors.shape[1]), np.float32)")
    if reading is not None:
        states = Code(f"{call('engine.hidden', reading)}.states[{after}]")
    return recipe(
        """
        engine = local()
        vectors = engine.vectors($model, "token")  # [vocabulary, width]
        states = $states  # [token, width]
        """
        + (_LINEAR if method is None else _LAID_OUT)
        + f"""
        table = {XYZ}
        """,
        model=model,
        unit=unit,
        states=states,
        fitted=fitted,
        shaped=Code("projection.unit(states)" if unit else "states"),
        method=method,
    )


_LINEAR = """
        fitted = $fitted
        own = projection.place(fitted, $shaped)
        places = np.concatenate([own, fitted.coordinates])[:, :3]
"""
_LAID_OUT = """
        laid_out = engine.layout($model, $method, $unit)
        whole = engine.vocabulary_space($model)
        near = [projection.neighbours(whole, vector, 5) for vector in states]
        own = [vocabulary_layout.among(laid_out, one.indices, one.cosine) for one in near]
        own = np.array(own, dtype=np.float32).reshape(-1, 3)
        places = np.concatenate([own, laid_out])[:, :3]
"""


def variance(model: str, *, unit: bool, axis: tuple[int, int] | None = None) -> str:
    """How much of the variance each direction of a vocabulary's map explains."""
    asked = call("local().vocabulary_map", model, unit)
    if axis is not None:
        asked = call("local().axis_map", model, unit, *axis)
    return recipe(
        """
        percent = 100 * $asked.explained
        table = {"component": np.arange(1, len(percent) + 1), "percent": percent}
        """,
        asked=asked,
    )


def vocabulary_neighbors(
    model: str, point: str, reading: Reading | None, after: int, measure: Measure
) -> str:
    """What lies nearest to a token of the vocabulary (`v12`) or of the text (`t3`)."""
    number = int(point[1:])
    vector = Code(f"space.vectors[{number}]")
    if point[0] == "t" and reading is not None:
        vector = Code(f"{call('engine.hidden', reading)}.states[{after}][{number}]")
    return recipe(
        """
        engine = local()
        space = engine.vocabulary_space($model)
        vector = $vector
        found = projection.neighbours(space, vector, 12, measure=$measure, without=$without)
        """
        + NEAR.replace(
            "{", '{\n            "neighbor": [whole.texts[i] for i in found.indices],'
        ).replace("table = ", "whole = engine.vocabulary($model)\n        table = "),
        model=model,
        vector=vector,
        measure=measure,
        without=[number] if point[0] == "v" else [],
    )


def analogy(model: str, ids: tuple[int, int, int], *, without: Sequence[int]) -> str:
    """What lies nearest to a - b + c."""
    return recipe(
        """
        engine = local()
        space, whole = engine.vocabulary_space($model), engine.vocabulary($model)
        target = projection.analogy(space, *$ids)  # a - b + c
        found = projection.neighbours(space, target, 10, without=$without)
        """
        + NEAR.replace("{", '{\n            "neighbor": [whole.texts[i] for i in found.indices],'),
        model=model,
        ids=ids,
        without=list(without),
    )


def search(model: str, query: str, passages: Sequence[str], layer: int, pooling: Pooling) -> str:
    """Passages by the nearness of their vectors to a query's, and by the words they share."""
    return recipe(
        """
        query, passages = $query, $passages
        found = local().passages($model, query, passages, $layer, $pooling)
        by_words = retrieval.by_words(query, passages).ranking
        rows = found.order.tolist()
        table = {
            "rank_by_vectors": np.arange(1, len(rows) + 1),
            "passage": [passages[one] for one in rows],
            "cosine": found.scores[rows],
            "rank_by_words": [by_words.rank(one) for one in rows],
            "bm25": by_words.scores[rows],
        }
        """,
        query=query,
        passages=tuple(passages),
        model=model,
        layer=layer,
        pooling=pooling,
    )


def through_layers(readings: Sequence[Reading], *, unit: bool, basis: int | None) -> str:
    """Where every token of some sentences is after every layer."""
    return recipe(
        """
        engine, readings = local(), $readings
        counts = [len(engine.tokens(one)) for one in readings]
        places = engine.crowd_map(readings, $unit, $basis).coordinates
        layers = len(places) // sum(counts)
        table = {
            "after layer": np.repeat(np.arange(layers), sum(counts)),
            "sentence": np.tile(np.repeat(np.arange(1, len(counts) + 1), counts), layers),
            "token": np.tile(np.concatenate([np.arange(1, n + 1) for n in counts]), layers),
        }
        table |= """
        + XYZ,
        readings=tuple(readings),
        unit=unit,
        basis=basis,
    )


def crowd_neighbors(readings: Sequence[Reading], after: int, number: int, measure: Measure) -> str:
    """What lies nearest to one token of some sentences after a layer."""
    return recipe(
        """
        engine, number = local(), $number
        states = [engine.hidden(one).states[$after] for one in $readings]
        space = projection.prepared(np.concatenate(states))
        found = projection.neighbours(
            space, space.vectors[number], 12, measure=$measure, without=[number]
        )
        """
        + NEAR,
        readings=tuple(readings),
        after=after,
        number=number,
        measure=measure,
    )


def drift(readings: Sequence[Reading], pairs: Sequence[tuple[int, int]]) -> str:
    """Cosines after each layer: of pairs of tokens, or the mean of all to where they began."""
    return recipe(
        """
        engine, pairs = local(), $pairs  # tokens, counted through all sentences
        states = np.concatenate([engine.hidden(one).states for one in $readings], axis=1)

        def cosine(one, two):
            return projection.distances(one[None], two)[0][0]

        """
        + (_PAIRS if pairs else _BEGINNINGS)
        + """
        table = {"after layer": np.arange(len(states)), "cosines": cosines}
        """,
        readings=tuple(readings),
        pairs=list(pairs),
    )


_PAIRS = """
        cosines = np.array([[cosine(layer[a], layer[b]) for a, b in pairs] for layer in states])
"""
_BEGINNINGS = """
        first = states[0]
        cosines = np.array(
            [[np.mean([cosine(*both) for both in zip(layer, first)])] for layer in states]
        )
"""


def _positions(model: str, rotary: int | None) -> Code:
    """The positions as vectors: learned or computed ones, or circles of that many positions."""
    if rotary is None:
        return call("engine.vectors", model, "position")
    return Code(f"rotary.circles(engine.card({model!r}).rotary, {rotary})")


def position_map(model: str, rotary: int | None) -> str:
    """Where every position is on the map; `rotary` is how many positions are drawn, if they are."""
    fitted = call("engine.position_map", model)
    if rotary is not None:
        fitted = Code("projection.pca(vectors, axes=10)")
    return recipe(
        """
        engine = local()
        vectors = $vectors  # [position, number]
        places = $fitted.coordinates
        table = {"position": np.arange(1, len(places) + 1)} | """
        + XYZ,
        vectors=_positions(model, rotary),
        fitted=fitted,
    )


def position_neighbors(model: str, rotary: int | None, number: int) -> str:
    """What lies nearest to one position."""
    return recipe(
        """
        engine, number = local(), $number
        space = projection.prepared($vectors)
        found = projection.neighbours(space, space.vectors[number], 12, without=[number])
        """
        + NEAR,
        vectors=_positions(model, rotary),
        number=number,
    )


def position_cosines(model: str, rotary: int | None, number: int) -> str:
    """The cosine of one position with every other."""
    return recipe(
        """
        engine = local()
        vectors = $vectors  # [position, number]
        cosine, _ = projection.distances(vectors, vectors[$number])
        table = {"position": np.arange(1, len(cosine) + 1), "cosine": cosine}
        """,
        vectors=_positions(model, rotary),
        number=number,
    )


def angles(model: str, number: int) -> str:
    """By how much rotary positions turn each pair of numbers at one position."""
    return recipe(
        """
        turns = local().card($model).rotary
        table = {
            "pair": np.arange(1, len(turns) + 1),
            "radians": rotary.angles(turns, $number + 1)[$number],
            "positions per full turn": rotary.periods(turns),
        }
        """,
        model=model,
        number=number,
    )
