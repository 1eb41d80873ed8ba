"""What is to be seen at each step of the course, in words with this sentence's own numbers.

In: a trace of a translation, the step (1 to 8) and the token being chosen. Out: plain text of at
most 60 words, for a beginner. Knows no page.
"""

from __future__ import annotations

import numpy as np

from engine.decoding.translation import Trace
from pages.pictures.svg import visible
from pages.translation.story import percent

STEPS = (
    "Tokenize",
    "Embed",
    "Encode",
    "Representation",
    "Into the decoder",
    "Start token",
    "Softmax",
    "Loop, then text",
)


def told(trace: Trace, part: int, now: int | None, *, heads: int) -> str:
    """The words of one step; `now` is the target token being chosen, None after the last."""
    n, width = trace.encoder.states.shape[1:]
    layers = len(trace.encoder.states) - 1
    if part == 1:
        return _tokenize(trace, n)
    if part == 2:
        return (
            f"Each of the {n} ids selects its row of the embedding matrix: {width} learned "
            "numbers. "
            + (
                f"A pattern of {width} numbers for the position is added, or word order would be "
                "lost."
                if trace.read.position is not None
                else "Order is not added here: this model puts it into the attention scores."
            )
        )
    if part == 3:
        change = np.linalg.norm(trace.encoder.states[-1] - trace.encoder.states[0], axis=1)
        most = quoted(trace.source[int(change.argmax())])
        return (
            f"In {layers} layers with {heads} heads each every token attends to all {n} tokens, "
            f"left and right, and its {width} numbers are rewritten. Here {most} changes most from "
            "bottom to top."
        )
    if part == 4:
        return (
            f"What leaves the last layer is the sentence as the model understands it: {n} × "
            f"{width} = {n * width:,} numbers. It is computed once and does not change while "
            "the translation is written."
        )
    if part == 5:
        return (
            f"Every decoder layer turns the {n} vectors into keys (what can be found here) and "
            "values (what is passed on). Those of the first head of the first layer are drawn. All "
            "written tokens will ask them."
        )
    if part == 6:
        start = trace.translation.prompt[0]
        return (
            "The decoder writes one token after another and needs something to begin with: the "
            f"start token, id {start}. Its vector is the decoder's only input now, besides the "
            "encoder's keys and values."
        )
    if part == 7:
        return _softmax(trace, 0)
    return _finished(trace) if now is None else _softmax(trace, now)


def quoted(piece: str) -> str:
    """A token within a sentence.

    >>> quoted(" cat"), quoted("</s>")
    ('“cat”', '“</s>”')
    """
    return f"“{visible(piece.strip(' ') or piece, limit=24)}”"


def _tokenize(trace: Trace, n: int) -> str:
    text = trace.translation.source.text
    unknown = int(trace.unknown.sum())
    strange = (
        f" {unknown} of them {'is' if unknown == 1 else 'are'} not in the vocabulary: the model "
        "reads the same unknown word for each."
        if unknown
        else ""
    )
    return (
        f"{len(text)} characters are split into {n} tokens, pieces of words from a list of fixed "
        "size. The model never sees letters, only each token's number. The last token marks the "
        f"end of the sentence.{strange}"
    )


def _softmax(trace: Trace, t: int) -> str:
    scored = trace.scored
    share, second = float(scored.probabilities[t]), scored.best_probabilities[t]
    word, other = quoted(trace.target[t]), trace.labels.get(int(scored.best_ids[t][1]), "")
    looked = quoted(trace.source[int(trace.cross.mean(axis=(0, 1))[t].argmax())])
    if int(scored.rank[t]) == 1:
        rival = f"next comes {quoted(other)} with {percent(float(second[1]))}"
    else:
        best = quoted(trace.labels.get(int(scored.best_ids[t][0]), ""))
        rival = f"{best} alone was likelier, {percent(float(second[0]))}"
    return (
        f"Token {t + 1}: one logit for every token of the vocabulary; softmax makes probabilities "
        f"of them. {word} gets {percent(share)}; {rival}. Over all heads the decoder attends most "
        f"to {looked}. The chosen token becomes input of the next step."
    )


def _finished(trace: Trace) -> str:
    last = trace.translation.found.hypotheses[trace.place]
    end = (
        f"{quoted(trace.target[-1])} ends the loop after {len(trace.target)} tokens"
        if last.ended
        else f"No end came: the loop was stopped after {len(trace.target)} tokens"
    )
    least = int(trace.scored.probabilities.argmin())
    return (
        f"{end}. Detokenizing joins the pieces to text. The model was least certain of "
        f"{quoted(trace.target[least])}, {percent(float(trace.scored.probabilities[least]))}; the "
        f"whole text has perplexity {trace.scored.perplexity:.1f}."
    )
