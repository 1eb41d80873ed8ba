"""Lines of Python that compute the numbers of the Decoding page's pictures again.

In: a plan, lines, a place that is looked at. Out: programs for notebooks, made by
`pages.pictures.recipe`; each binds `table`, the columns of that picture's CSV file, but for times.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from engine.decoding.continuation import Line, Task
from engine.decoding.sampling import Sampling
from engine.values import Reading, Side
from pages.decoding.at_once.words import KEPT, NAMES
from pages.decoding.plan import Plan, Spot
from pages.pictures.columns.recipe import TOKENS
from pages.pictures.recipe import Code, call, recipe


def columns(task: Task, lines: Sequence[Line]) -> str:
    """Every token of every column."""
    return recipe(
        """
        task = $task
        lines = [
            $lines
        ]
        texts = local().write(task, lines, patience=600)
        """
        + TOKENS,
        task=task,
        lines=_each(lines),
    )


def runs(task: Task, line: Line, count: int) -> str:
    """One setting many times: each text, and how often it came."""
    return recipe(
        """
        lines = [$line for number in range($count)]
        texts = local().write($task, lines, patience=600)
        whole = ["".join(one.texts) for one in texts]
        table = {
            "run": np.arange(1, len(texts) + 1),
            "text": whole,
            "count": [Counter(whole)[text] for text in whole],
            "tokens": [len(one.ids) for one in texts],
            "ids": [" ".join(map(str, one.ids)) for one in texts],
        }
        """,
        task=task,
        line=call("Line", **_fields(line), run=Code("number")),
        count=count,
    )


def first_tokens(task: Task, line: Line, count: int) -> str:
    """The first token of many runs: how often each came, and how likely it was."""
    return recipe(
        """
        engine, task = local(), $task
        lines = [$line for number in range($count)]
        texts = engine.write(task, lines, patience=600)
        first = [one.ids[0] for one in texts if one.ids]
        logits = engine.following(task.model, task.ids, task.source)
        found = opened(
            logits, $setting, task.ids, start=len(task.ids), also=list(dict.fromkeys(first)),
            ban=banned(engine.card(task.model)),
        )
        table = {
            "id": found.ids,
            "text": engine.texts(task.model, found.ids.tolist(), "decoder"),
            "after_filters": found.after,
            "frequency": [first.count(i) / len(first) for i in found.ids],
        }
        """,
        task=task,
        line=call("Line", **_fields(line), run=Code("number")),
        count=count,
        setting=line.sampling,
    )


def next_token(plan: Plan, spot: Spot, setting: Sampling, also: Sequence[int]) -> str:
    """The candidates for one place, before and after the filters of a setting."""
    task = plan.task
    if spot.gap:
        logits = call("engine.logits", plan.reading, (spot.start,)) + ".logits[0]"
    else:
        logits = call("engine.following", task.model, spot.ids, source=task.source)
    return recipe(
        """
        engine = local()
        ids = $ids  # the tokens before
        logits = $logits
        found = opened(
            logits, $setting, ids, start=$start, also=$also, ban=banned(engine.card($model))
        )
        table = {
            "id": found.ids,
            "rank": found.rank,
            "logit": found.logits,
            "adjusted_logit": found.adjusted,
            "probability": found.own,
            "after_filters": found.after,
        }
        """,
        ids=spot.ids,
        logits=Code(logits),
        setting=setting,
        start=spot.start,
        also=list(also),
        model=task.model,
    )


def lens(reading: Reading, side: Side, position: int) -> str:
    """The prediction after each layer at one place."""
    return recipe(
        """
        engine, reading = local(), $reading
        found = logit_lens.read(engine.logit_lens(reading, $side, $position))
        layer, rank = np.indices(found.best.shape)
        table = {
            "after_layer": layer.ravel(),
            "rank": rank.ravel() + 1,
            "word": engine.texts(reading.model, found.best.ravel().tolist(), $side),
            "probability": found.probabilities.ravel(),
            "rank_of_final_word": found.ranks[layer.ravel()],
        }
        """,
        reading=reading,
        side=side,
        position=position,
    )


def branches(task: Task, lines: Sequence[Line]) -> str:
    """Each branch: its text, how likely it is, its perplexity."""
    return recipe(
        """
        lines = [
            $lines
        ]
        texts = local().write($task, lines, patience=600)
        table = {
            "branch": np.arange(1, len(texts) + 1),
            "text": [one.text for one in texts],
            "tokens": [len(one.tokens) for one in texts],
            "sum_log_probability": [one.log_probability for one in texts],
            "perplexity": [statistics(one).perplexity for one in texts],
        }
        """,
        task=task,
        lines=_each(lines),
    )


def predecessors_next(model: str, text: str, place: int, called: Mapping[str, str]) -> str:
    """The best next tokens of n-grams, a recurrent network and a transformer after one token."""
    return recipe(
        """
        engine, called, place = local(), $called, $place
        found = engine.continuations($model, $text)
        predictor, rank = np.indices(found.best[:, place].shape)
        ids = found.best[:, place].ravel().tolist()
        table = {
            "predictor": [called[found.predictors[one]] for one in predictor.ravel()],
            "rank": rank.ravel() + 1,
            "id": ids,
            "token": engine.texts($model, ids, "decoder"),
            "probability": found.shares[:, place].ravel(),
        }
        """,
        model=model,
        text=text,
        place=place,
        called=called,
    )


def predecessors_influence(model: str, text: str, seed: int, called: Mapping[str, str]) -> str:
    """How much replacing the token some places back changes what comes next, in bits."""
    return recipe(
        """
        called = $called
        found = local().influence($model, $text, $seed)
        table = {"tokens back": np.arange(1, found.tokens.shape[1] + 1)}
        table |= {called[name]: bits for name, bits in zip(found.predictors, found.mean)}
        """,
        model=model,
        text=text,
        seed=seed,
        called=called,
    )


def predecessors_states(model: str, text: str) -> str:
    """How far every token moved a recurrent network's state."""
    return recipe(
        """
        engine = local()
        found = engine.hidden_states($model, $text)
        table = {
            "token": engine.texts($model, found.tokens.ids.tolist(), "decoder"),
            "moved": found.moved,
            "kept by the update gate": found.kept,
        }
        states = found.states  # [token, number]
        """,
        model=model,
        text=text,
    )


def predecessors_figures(model: str) -> str:
    """Sizes and bits per byte of a transformer and what came before it."""
    return recipe(
        """
        here = [one for one in local().standings($model) if not one.missing]
        windows = {"recurrent": "all before", "transformer": "its context window"}
        table = {
            "predictor": [one.title for one in here],
            "window": [
                windows.get(one.kind) or f"{one.window} token{'s' * (one.window > 1)}"
                for one in here
            ],
            "numbers kept": [one.numbers for one in here],
            "files (MB)": [round(one.nbytes / 1e6, 2) for one in here],
            "bits per byte, held-out prose": [
                "not measured" if one.bits_per_byte is None else f"{one.bits_per_byte:.3f}"
                for one in here
            ],
        }
        """,
        model=model,
    )


def predecessors_windows(model: str, longest: int) -> str:
    """Contexts, bytes and time of n-gram tables with windows of 1, 2, ... tokens."""
    return recipe(
        """
        found, windows = local().windows($model), range(1, $longest + 1)
        table = {
            "window": list(windows),
            "possible contexts": [float(found.possible(n)) for n in windows],
            "in the text at most": [found.met(n) for n in windows],
            "kept in the table": [float(found.contexts(n) or "nan") for n in windows],
            "bytes of a whole table": [found.whole(n) for n in windows],
        }
        """,
        model=model,
        longest=longest,
    )


def reading_times(model: str, longest: int) -> str:
    """Milliseconds for 1, 2, 4 ... tokens, each turn of each way."""
    return recipe(
        """
        names = $names
        found = local().timings($model, $longest)
        seconds = np.stack([found.total(way) for way in found.ways])
        way, turn, place = (one.ravel() for one in np.indices(seconds.shape))
        table = {
            "way": [names[found.ways[one]] for one in way],
            "turn": 1 + turn,
            "tokens": found.counts[place],
            "milliseconds": 1000 * seconds.ravel(),
        }
        """,
        names=NAMES,
        model=model,
        longest=longest,
    )


def cache_times(model: str, longest: int) -> str:
    """Milliseconds for the next token, keys and values kept or computed anew."""
    return recipe(
        """
        names = $names
        found = local().timings($model, $longest)
        seconds = np.stack([found.next_token(kept=kept) for kept in names])
        part, turn, place = (one.ravel() for one in np.indices(seconds.shape))
        table = {
            "keys and values": [list(names.values())[one] for one in part],
            "turn": 1 + turn,
            "tokens": found.counts[place],
            "milliseconds": 1000 * seconds.ravel(),
        }
        """,
        names=KEPT,
        model=model,
        longest=longest,
    )


def cache_bytes(model: str, longest: int, counts: list[int], *, measured: bool) -> str:
    """Bytes of keys and values: by formula, and of the arrays where they were measured."""
    more = 'table["bytes of the arrays"] = engine.timings($model, $longest).held'
    return recipe(
        """
        engine, counts = local(), $counts
        shape = engine.cache_size($model)
        table = {"tokens": counts, "bytes by formula": [shape.nbytes(n) for n in counts]}
        """
        + (f"{more}\n" if measured else ""),
        model=model,
        longest=longest,
        counts=counts,
    )


def _each(lines: Sequence[Line]) -> Code:
    return Code(",\n    ".join(call("Line", **_fields(one), run=one.run) for one in lines))


def _fields(line: Line) -> dict[str, object]:
    """What makes a line, but for its run."""
    plain = replace(line, run=0)
    return {
        "sampling": plain.sampling,
        "forced": plain.forced,
        "beams": plain.beams,
        "length_penalty": None if plain.length_penalty == 1 else plain.length_penalty,
    }


def running_total(
    reading: Reading, place: int, settings: Sequence[tuple[str, float]], name: str
) -> str:
    """The ranking after a token with its running total; `found.cuts` are what filters keep."""
    return recipe(
        """
        logits = local().logits($reading, ($place,)).logits[0]
        found = cutoffs.ranked(logits, $settings)
        table = {
            "rank": found.ranks,
            $share: found.share,
            $total: found.total,
        }
        """,
        reading=reading,
        place=place,
        settings=tuple(settings),
        share=f"{name}: probability",
        total=f"{name}: running total",
    )


def temperatures(reading: Reading, place: int, family: Sequence[float], name: str) -> str:
    """The ranking after a token at several temperatures: `found.share` is [temperature, rank]."""
    return recipe(
        """
        logits = local().logits($reading, ($place,)).logits[0]
        found = cutoffs.heated(logits, $family)
        table = {"rank": found.ranks}
        for heat, share in zip(found.temperatures, found.share):
            table[f"{$name}: T = {heat:g}"] = share
        """,
        reading=reading,
        place=place,
        family=tuple(family),
        name=name,
    )
