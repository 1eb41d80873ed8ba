"""Lines of Python that compute the numbers of the Training page's pictures again.

In: what was asked. Out: programs for notebooks, made by `pages.pictures.recipe`; each binds
`table`, the columns of that picture's CSV file.
"""

from __future__ import annotations

from engine.decoding.continuation import Line
from engine.objectives.example import Exercise
from engine.tuning.plans import Own
from pages.pictures.recipe import recipe


def example_seen(case: Exercise, count: int) -> str:
    """The first so many tokens of what a model sees of a training example."""
    return recipe(
        """
        seen = local().training_example($case).sees[:$count]
        table = {"sees": [one.text for one in seen], "id": [one.id for one in seen]}
        """,
        case=case,
        count=count,
    )


def example_losses(case: Exercise) -> str:
    """Probability, loss and rank of each answer of a training example."""
    return recipe(
        """
        said = local().training_example($case).says
        losses = local().example_losses($case)
        table = {
            "answer": [one.text for one in said],
            "id": [one.id for one in said],
            "probability": losses.probabilities,
            "loss_nats": losses.nats,
            "rank": losses.rank,
        }
        """,
        case=case,
    )


def example_candidates(case: Exercise, place: int, ids: tuple[int, ...]) -> str:
    """Probability and loss of some candidates for one answer of a training example."""
    return recipe(
        """
        log = log_softmax(local().answer_logits($case, $place)[None])[0, list($ids)]
        table = {"id": list($ids), "probability": np.exp(log), "loss_nats": -log}
        """,
        case=case,
        place=place,
        ids=ids,
    )


def moments_written(prompt: str, line: Line, length: int, seed: int) -> str:
    """What every moment of the training writes, and how much of it are words."""
    return recipe(
        """
        moments = local().training_course().moments
        found = local().moments_written($prompt, $line, length=$length, seed=$seed)
        table = {
            "step": [one.step for one in moments],
            "tokens_read": [one.tokens for one in moments],
            "share_of_words": [one.spelled for one in found],
            "text": [one.text for one in found],
        }
        """,
        prompt=prompt,
        line=line,
        length=length,
        seed=seed,
    )


def moments_attention(text: str, layer: int, head: int, moment: int) -> str:
    """One head's weights at one moment; all three are from 0."""
    return recipe(
        """
        weights = local().moments_attention($text, $layer, $head).weights[$moment]
        query, key = np.tril_indices(len(weights))
        table = {"query": query + 1, "key": key + 1, "attention": weights[query, key]}
        """,
        text=text,
        layer=layer,
        head=head,
        moment=moment,
    )


def moments_places(words: tuple[str, ...]) -> str:
    """Where words lie at every moment, each moment turned to match the next."""
    return recipe(
        """
        moments = local().training_course().moments
        found = local().moments_places($words)
        table = {
            "step": np.repeat([one.step for one in moments], len(found.words)),
            "word": list(found.words) * len(moments),
            "x": found.points[:, :, 0].ravel(),
            "y": found.points[:, :, 1].ravel(),
        }
        """,
        words=words,
    )


def moments_surprise(text: str) -> str:
    """What each token costs every moment, in nats."""
    return recipe(
        """
        moments = local().training_course().moments
        found = local().moments_surprise($text)
        table = {
            "step": np.repeat([one.step for one in moments], found.nats.shape[1]),
            "token": found.tokens.pieces[1:] * len(moments),
            "loss_nats": found.nats.ravel(),
        }
        """,
        text=text,
    )


def training_curve() -> str:
    """The loss from the first step to the last."""
    return recipe(
        """
        curve = local().training_course().curve
        table = {"step": [step for step, _ in curve], "loss_nats": [loss for _, loss in curve]}
        """
    )


def tuned_texts(adapter: str, prompt: str, count: int, temperature: float, seed: int) -> str:
    """A prompt continued before and after a tuning."""
    return recipe(
        """
        found = local().tuned_texts(
            $adapter, $prompt, count=$count, temperature=$temperature, seed=$seed
        )
        table = {"model": ["before", "after"], "text": [found.before, found.after]}
        """,
        adapter=adapter,
        prompt=prompt,
        count=count,
        temperature=temperature,
        seed=seed,
    )


def tuned_bits(adapter: str, text: str) -> str:
    """Bits per byte before and after a tuning, of the texts on its card and of one's own."""
    return recipe(
        """
        engine, text = local(), $text
        card = next(one for one in engine.adapters() if one.name == $adapter)
        pairs = {"held-out sentences of its kind": card.learnt, card.other_text: card.forgotten}
        if text:
            pairs["the text above"] = engine.tuned_bits(card.name, text)
        table = {
            "text": list(pairs),
            "before": [one.before for one in pairs.values()],
            "after": [one.after for one in pairs.values()],
        }
        """,
        adapter=adapter,
        text=text,
    )


def tuned_curve(adapter: str) -> str:
    """The losses of a tuning, step by step."""
    return recipe(
        """
        card = next(one for one in local().adapters() if one.name == $adapter)
        steps, train, held_out = zip(*card.curve)
        table = {"step": steps, "training_loss": train, "held_out_loss": held_out}
        """,
        adapter=adapter,
    )


def tuned_change(adapter: str, matrix: str) -> str:
    """The singular values of a matrix's change."""
    return recipe(
        """
        values = local().tuned_change($adapter, $matrix).singular
        table = {"number": np.arange(1, len(values) + 1), "singular_value": values}
        """,
        adapter=adapter,
        matrix=matrix,
    )


def own_size(plan: Own, vocabulary: int) -> str:
    """The parameters of each part of a small model."""
    return recipe(
        """
        parts = $plan.parts($vocabulary)
        table = {"part": list(parts), "parameters": list(parts.values())}
        """,
        plan=plan,
        vocabulary=vocabulary,
    )
