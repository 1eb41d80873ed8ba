"""Lines of Python that compute the numbers of the Translation page's pictures again.

In: a trace and what of it is drawn. Out: programs for notebooks, made by `pages.pictures.recipe`;
each binds `table`, the columns of that picture's CSV file.
"""

from __future__ import annotations

from collections.abc import Sequence

from engine.decoding.translation import Trace, reference_reading
from pages.pictures.recipe import Code, call, recipe

NUMBERS = {
    2: "trace.read.entering",  # what enters encoder layer 1
    3: "trace.encoder.states[1]",
    4: "trace.encoder.states[-1]",
    6: "trace.begun.entering[:1]",  # the start token's vector
}
"""Where the vectors of each step of the course are."""


def source(trace: Trace) -> str:
    """The source as tokens."""
    return recipe(
        """
        trace = $trace
        table = {"token": trace.source, "id": trace.translation.source.ids}
        """,
        trace=_asked(trace),
    )


def vectors(trace: Trace, part: int) -> str:
    """The vectors of a step of the course, [token, width]."""
    numbers = NUMBERS.get(part)
    if numbers is None:
        numbers = NUMBERS[4] if trace.keys is None else "trace.keys[0]"  # of head 1
    names = "trace.decoder.tokens.pieces[:1]" if part == 6 else "trace.source"
    return recipe(
        """
        trace = $trace
        table = {"token": $names, "numbers": $numbers}
        """,
        trace=_asked(trace),
        names=Code(names),
        numbers=Code(numbers),
    )


def step(trace: Trace, part: int) -> str:
    """The numbers of a step of the course before the first token."""
    return source(trace) if part == 1 else vectors(trace, part)


def representation(trace: Trace) -> str:
    """What leaves the encoder, [token, width]."""
    return vectors(trace, 4)


def written(trace: Trace, layer: int | None, head: int | None, *, end_mark: bool) -> str:
    """Every written token with its probability and its weight on every source token."""
    return recipe(
        """
        trace = $trace
        $weights
        table = {
            "token": trace.target,
            "id": trace.scored.ids,
            "probability": trace.scored.probabilities,
            "rank": trace.scored.rank,
            "entropy_bits": trace.scored.entropy,
            "weights": weights,  # [target, source]
        }
        """,
        trace=_asked(trace),
        weights=_weights(layer, head, end_mark=end_mark),
    )


def candidates(trace: Trace, place: int) -> str:
    """The likeliest tokens for one place of the target."""
    return recipe(
        """
        trace, place = $trace, $place
        ids = trace.scored.best_ids[place]
        table = {
            "token": [trace.labels.get(int(i), "") for i in ids],
            "id": ids,
            "logit": trace.scored.best_logits[place],
            "probability": trace.scored.best_probabilities[place],
        }
        """,
        trace=_asked(trace),
        place=place,
    )


def beam_tree(trace: Trace) -> str:
    """Every candidate that the search weighed."""
    return recipe(
        """
        trace = $trace
        tree = trace.translation.found.tree
        table = {
            "node": np.arange(len(tree.token)),
            "parent": tree.parent,
            "step": tree.step + 1,
            "token": [trace.labels.get(int(i), "") for i in tree.token],
            "id": tree.token,
            "log_probability": tree.log,
            "sum": tree.running,
            "score": tree.score,
            "fate": np.array(["pruned", "kept", "finished"])[tree.fate],
        }
        """,
        trace=_asked(trace),
    )


def aligned(
    trace: Trace, layer: int | None, head: int | None, *, end_mark: bool, whole_words: bool
) -> str:
    """Cross-attention by token or by word."""
    return recipe(
        """
        trace = $trace
        $weights
        found = alignment.align(
            weights,
            trace.target,
            trace.source,
            target_special=trace.special.tolist(),
            source_special=trace.translation.source.special.tolist(),
            whole_words=$whole,
        )
        table = {"token": found.rows, "weights": found.weights}  # columns: found.columns
        """,
        trace=_asked(trace),
        weights=_weights(layer, head, end_mark=end_mark),
        whole=whole_words,
    )


def compared(traces: Sequence[Trace], reference: tuple[str, tuple[int, ...], int] | None) -> str:
    """Several translations, each token with its probability.

    `reference` is a text, its ids, and how many of those are given and not chosen.
    """
    more = "" if reference is None else _REFERENCE
    text, ids, given = reference or ("", (), 0)
    return recipe(
        """
        engine = local()
        traces = [
            $traces
        ]
        texts = [one.translation.texts[one.place].strip() for one in traces]
        probabilities = [one.scored.probabilities for one in traces]
        """
        + more
        + """
        table = {
            "text": texts,
            "probabilities": [" ".join(f"{p:.4f}" for p in one) for one in probabilities],
            $quality
        }
        """,
        traces=Code(",\n    ".join(_asked(one, "engine") for one in traces)),
        reading=None if reference is None else reference_reading(traces[0].translation, ids),
        ids=ids,
        given=given,
        reference=text,
        quality=Code(_QUALITY if text else ""),
    )


_REFERENCE = """
        texts.append($reference)
        ids = $ids
        scored = engine.target_scores($reading, ids)
        probabilities.append(scored.probabilities[$given:])
"""
_QUALITY = '"chrF": [alignment.chrf(text, texts[-1]) for text in texts],'


def _asked(trace: Trace, engine: str = "local()") -> Code:
    """The question whose answer the trace is."""
    found = trace.translation
    return call(
        f"{engine}.translation_trace",
        found.source_reading,
        found.search,
        prefix=found.prompt[1:],
        language=found.language,
        place=trace.place,
    )


def _weights(layer: int | None, head: int | None, *, end_mark: bool) -> Code:
    """Lines that bind `weights` [target, source]; None is the mean."""
    lines = [f"weights = alignment.chosen(trace.cross, {layer}, {head})"]
    if not end_mark:
        special = "trace.translation.source.special"
        lines.append(f"weights = alignment.without_special(weights, {special})")
    return Code("\n".join(lines))
