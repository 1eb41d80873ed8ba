"""Lines of Python that compute the numbers of the Attention page's pictures again.

In: what a picture is about (a scene, positions, heads). Out: programs for notebooks, made by
`pages.pictures.recipe`; each binds `table`, the columns of that picture's CSV file.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from engine.attention.maps import Scene
from engine.patching.contrast import Experiment
from engine.values import Kind, Reading, Side
from pages.pictures.recipe import recipe


def head_map(scene: Scene) -> str:
    """One head with its options applied: every open link."""
    return recipe(
        """
        shown = local().attention_map($scene)
        i, j = np.nonzero(np.isfinite(shown.weights))  # masked cells are NaN
        table = {
            "row": i + 1,
            "query": [shown.rows[at] for at in i],
            "column": j + 1,
            "key": [shown.columns[at] for at in j],
            "weight": shown.weights[i, j],
        }
        """,
        scene=_numbers_of(scene),
    )


def difference(one: Scene, two: Scene) -> str:
    """The second map minus the first, where both have the same words."""
    return recipe(
        """
        engine = local()
        first, second = engine.attention_map($one), engine.attention_map($two)
        first, second = shared(first, second)
        difference = second.weights - first.weights
        i, j = np.nonzero(np.isfinite(difference))
        table = {
            "query": [second.rows[at] for at in i],
            "key": [second.columns[at] for at in j],
            "first": first.weights[i, j],
            "second": second.weights[i, j],
            "difference": difference[i, j],
        }
        """,
        one=_numbers_of(one),
        two=_numbers_of(two),
    )


def all_heads(reading: Reading, kind: Kind, layers: int, names: Mapping[str, str]) -> str:
    """What each head does: every measure that this text gives something to count."""
    return recipe(
        """
        engine, reading = local(), $reading
        found = [engine.measures(reading, $kind, layer) for layer in range($layers)]
        heads = found[0].values.shape[1]
        table = {
            "layer": np.repeat(np.arange(1, len(found) + 1), heads),
            "head": np.tile(np.arange(1, heads + 1), len(found)),
        }
        named = $names  # measures that the file calls otherwise
        for name in found[0].names:
            values = np.concatenate([one.of(name) for one in found])
            if not np.isnan(values).all():
                table[named.get(name, name)] = values
        """,
        reading=reading,
        kind=kind,
        layers=layers,
        names=names,
    )


def word_links(
    reading: Reading, kind: Kind, layers: int, queries: Sequence[int], keys: Sequence[int]
) -> str:
    """From a word to a word: every head, ranked by how far it exceeds its baseline."""
    return recipe(
        """
        engine, reading = local(), $reading
        found = [engine.links(reading, $kind, k, $queries, $keys) for k in range($layers)]
        weight, others, excess = (
            np.stack([getattr(one, name) for one in found]).astype(float)
            for name in ("weight", "others", "excess")
        )
        others = np.where(np.isfinite(others), others, found[0].uniform)
        order = np.argsort(-excess, axis=None, kind="stable")
        layer, head = np.unravel_index(order, excess.shape)
        table = {
            "head": [f"{a + 1}.{b + 1}" for a, b in zip(layer, head)],
            "weight": weight[layer, head],
            "mean of others": others[layer, head],
            "excess": excess[layer, head],
        }
        """,
        reading=reading,
        kind=kind,
        layers=layers,
        queries=tuple(queries),
        keys=tuple(keys),
    )


def inside(scene: Scene, query: int, key: int) -> str:
    """One query and one key of a head, from the vectors to the output."""
    return recipe(
        """
        attention = local().attention($reading, $kind, $layer)
        found = transforms.inside(attention, head=$head, query=$query, key=$key)
        table = {
            "dimension": np.arange(1, len(found.query) + 1),
            "query": found.query,
            "key": found.key,
            "product": found.products,
            "value": found.value,
            "output": found.output,
        }
        """,
        reading=scene.reading,
        kind=scene.kind,
        layer=scene.layer,
        head=scene.head,
        query=query,
        key=key,
    )


def ablation(
    reading: Reading, kind: Kind, off: Sequence[tuple[int, int]], position: int, side: Side
) -> str:
    """What is predicted at a position with and without some heads."""
    return recipe(
        """
        engine = local()

        def probabilities(reading):
            logits = engine.logits(reading, ($position,)).logits[0].astype(np.float64)
            shares = np.exp(logits - logits.max())
            return shares / shares.sum()

        before, after = probabilities($intact), probabilities($without)
        best = np.argsort(-np.maximum(before, after), kind="stable")[:10]
        table = {
            "token": engine.texts($model, best.tolist(), $side),
            "before": before[best],
            "after": after[best],
        }
        """,
        intact=reading,
        without=replace(reading, off=tuple((kind, *place) for place in off)),
        position=position,
        model=reading.model,
        side=side,
    )


def patching(experiment: Experiment, tokens: Sequence[str]) -> str:
    """Activation patching: what comes back with each (layer, token) of the clean run restored."""
    return recipe(
        """
        found = local().patched($experiment)
        rows, count = found.differences.shape
        clean, corrupted = found.contrast.differences
        restored = (found.differences - corrupted) / (clean - corrupted)  # [row, token]
        table = {
            "layer": np.repeat(np.array(found.layers), count),
            "token": np.tile(np.arange(1, count + 1), rows),
            "text": $tokens * rows,
            "restored": restored.ravel(),
            "logit_difference": found.differences.ravel(),
            "clean": np.full(rows * count, clean),
            "corrupted": np.full(rows * count, corrupted),
        }
        """,
        experiment=experiment,
        tokens=list(tokens),
    )


def lens(reading: Reading, side: Side, positions: Sequence[int]) -> str:
    """The logit lens at several positions: the five likeliest tokens after each layer."""
    return recipe(
        """
        engine, reading, positions = local(), $reading, $positions
        found = [logit_lens.read(engine.logit_lens(reading, $side, at)) for at in positions]
        ids = np.stack([one.best for one in found], axis=1)  # [layer + 1, position, best]
        probability = np.stack([one.probabilities for one in found], axis=1)
        layer, column, _ = np.indices(ids.shape)
        table = {
            "after layer": layer.ravel(),
            "position": np.array(positions)[column.ravel()] + 1,
            "predicted": engine.texts(reading.model, ids.ravel().tolist(), $side),
            "probability": probability.ravel(),
        }
        """,
        reading=reading,
        side=side,
        positions=list(positions),
    )


def top_tokens(reading: Reading, side: Side, position: int) -> str:
    """The logit lens at one position: `best` and `probabilities` are [layer + 1, 5]."""
    return recipe(
        """
        engine, reading = local(), $reading
        found = logit_lens.read(engine.logit_lens(reading, $side, $position))
        best, probabilities = found.best, found.probabilities
        words = [engine.texts(reading.model, row.tolist(), $side) for row in best]
        table = {"after_layer": np.arange(len(best)), "rank_of_final_token": found.ranks}
        """,
        reading=reading,
        side=side,
        position=position,
    )


def token_ranks(reading: Reading, side: Side, position: int, ids: Sequence[int]) -> str:
    """Rank and probability of chosen tokens after each layer."""
    return recipe(
        """
        logits = local().logit_lens($reading, $side, $position)
        ranks, shares = logit_lens.followed(logits, $ids)  # [layer + 1, token]
        table = {
            "after_layer": np.repeat(np.arange(len(ranks)), ranks.shape[1]),
            "rank": ranks.ravel(),
            "probability": shares.ravel(),
        }
        """,
        reading=reading,
        side=side,
        position=position,
        ids=list(ids),
    )


def norms(reading: Reading, side: Side, position: int) -> str:
    """The norm of the residual stream after each layer, and of each block's update."""
    return recipe(
        """
        states = local().hidden($reading, $side).states[:, $position]  # [layer + 1, width]
        updates = np.linalg.norm(np.diff(states, axis=0), axis=-1)
        table = {
            "layer": np.arange(len(states)),
            "norm": np.linalg.norm(states, axis=-1),
            "norm of the update": np.concatenate([[np.nan], updates]),
        }
        """,
        reading=reading,
        side=side,
        position=position,
    )


def experts(reading: Reading, side: Side) -> str:
    """The experts of a mixture that each token is sent to, in every layer that has any."""
    return recipe(
        """
        found = local().routing($reading, $side)
        row, place, rank = np.nonzero(found.experts >= 0)  # -1: sent to fewer
        table = {
            "layer": found.layers[row] + 1,
            "position": place + 1,
            "rank": rank + 1,
            "expert": found.experts[row, place, rank] + 1,
            "weight": found.weights[row, place, rank],
        }
        """,
        reading=reading,
        side=side,
    )


def towers(
    scene: Scene, readings: Sequence[tuple[Reading, Side]], layers: Sequence[int], shown: int
) -> str:
    """What each token shown attends to most: the mean over heads, in one layer one head alone."""
    place = 0 if scene.kind == "encoder" else len(readings) - 1
    one_head = "" if scene.kind == "cross" else _ONE_HEAD
    return recipe(
        """
        engine, shown = local(), $shown

        def attended(reading, kind, layers):  # [layer, query, key]
            found = [engine.attention(reading, kind, layer).weights for layer in range(layers)]
            return np.stack([weights.mean(axis=0)[:shown] for weights in found])

        readings, layers = $readings, $layers
        towers = [attended(*read, count) for read, count in zip(readings, layers)]
        """
        + one_head
        + """
        table = {
            "layer": np.concatenate(
                [np.repeat(np.arange(1, len(one) + 1), one.shape[1]) for one in towers]
            ),
            "weight": np.concatenate([one.max(axis=-1).ravel() for one in towers]),
        }
        """,
        readings=list(readings),
        layers=list(layers),
        shown=shown,
        place=place,
        layer=scene.layer,
        head=scene.head,
        kind=scene.kind,
    )


_ONE_HEAD = """
        own = engine.attention(readings[$place][0], $kind, $layer).weights[$head]
        towers[$place][$layer] = own[:shown]
"""


def _numbers_of(scene: Scene) -> Scene:
    """The scene without its colours."""
    return replace(scene, scale="linear", per="map")
