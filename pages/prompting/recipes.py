"""Lines of Python that compute the numbers of the Prompting page's pictures again.

In: prompts, answers, settings. Out: programs for notebooks, made by `pages.pictures.recipe`; each
binds `table`, the columns of that picture's CSV file, but for times.
"""

from __future__ import annotations

from collections.abc import Sequence

from engine.decoding.continuation import Line, Task
from engine.prompting.accuracy import Trial
from engine.prompting.prompt import Prompt
from engine.tokenizers.chat import Turn
from pages.pictures.columns.recipe import TOKENS
from pages.pictures.recipe import recipe


def window(model: str, prompt: Prompt, count: int, length: int) -> str:
    """How many tokens each part of a prompt with so many examples takes."""
    return recipe(
        """
        prompt, count = $prompt, $count
        tokens = local().tokenized($model, prompt.text(count))
        head = len(tokens_at(tokens, (0, len(prompt.instruction.strip()))))
        sizes = [len(tokens_at(tokens, span)) for span in prompt.example_at(count)]
        rest = len(tokens) - head - sum(sizes)
        table = {"tokens": [*([head] if head else []), *sizes, rest, $length]}
        """,
        prompt=prompt,
        count=count,
        model=model,
        length=length,
    )


def columns(task: Task, lines: Sequence[Line], counts: Sequence[int]) -> str:
    """Every token of the answers after prompts with so many examples; a line has its own prompt."""
    return recipe(
        """
        counts = $counts  # examples
        texts = local().write($task, $lines, patience=600)
        """
        + TOKENS
        + """
        table["examples"] = [counts[column] for column, _ in rows]
        """,
        counts=list(counts),
        task=task,
        lines=list(lines),
    )


def answers(model: str, prompt: Prompt, counts: Sequence[int], given: Sequence[str]) -> str:
    """How probable each admissible answer is after prompts with so many examples."""
    return recipe(
        """
        prompt, counts, answers = $prompt, $counts, $given
        found = local().answer_scores($model, [prompt] * len(counts), counts, answers)
        table = {
            "examples": np.repeat(counts, len(answers)),
            "answer": answers * len(counts),
            "tokens": found.tokens * len(counts),
            "log_probability": found.log.ravel(),
            "raw": found.raw.ravel(),
            "normalized": found.normalized.ravel(),
        }
        """,
        model=model,
        prompt=prompt,
        counts=list(counts),
        given=list(given),
    )


def curve(
    model: str,
    prompts: Sequence[Prompt],
    counts: Sequence[int],
    given: Sequence[str],
    right: int,
) -> str:
    """The right answer's probability against the examples: of a prompt, then of its other orders.

    `right` is its place among the answers `given`, from 0.
    """
    return recipe(
        """
        prompts = $prompts
        counts, answers, right = $counts, $given, $right
        found = local().answer_scores(
            $model,
            [one for one in prompts for _ in counts],
            [count for _ in prompts for count in counts],
            answers,
        )
        raw = found.raw[:, right].reshape(len(prompts), len(counts))
        share = found.normalized[:, right].reshape(len(prompts), len(counts))
        table = {"examples": counts, "raw": raw[0], "normalized": share[0]}
        table |= {f"order_{k}": row for k, row in enumerate(share[1:], 1)}
        """,
        prompts=list(prompts),
        counts=list(counts),
        given=list(given),
        right=right,
        model=model,
    )


def graded(trial: Trial) -> str:
    """Which items were answered rightly, and the right answer's share."""
    return recipe(
        """
        trial = $trial
        job = local().grade(trial, viewer="")
        while not job.done:
            sleep(0.1)
        found = job.result
        table = {
            "examples": np.repeat(trial.counts, len(trial.items)),
            "question": [one.asked for one in trial.items] * len(trial.counts),
            "answered": [trial.answers[one] for one in found.picked.ravel()],
            "correct": (found.picked == found.right).ravel(),
            "share_of_right": found.share.ravel(),
        }
        """,
        trial=trial,
    )


def heads(model: str, prompt: Prompt, count: int) -> str:
    """How much of each head's attention goes to the examples' answers, before the answer."""
    return recipe(
        """
        found = local().sources($model, $prompt, $count)
        layer, head = np.indices(found.to_answers.shape)
        table = {
            "layer": 1 + layer.ravel(),
            "head": 1 + head.ravel(),
            "to_answers": found.to_answers.ravel(),
            "to_same": found.to_same.ravel(),
        }
        """,
        model=model,
        prompt=prompt,
        count=count,
    )


def sources(model: str, prompt: Prompt, count: int, layer: int, head: int) -> str:
    """What one head attends to from the token that predicts the answer; both are from 0."""
    return recipe(
        """
        found = local().sources($model, $prompt, $count)
        answers = {k: n for n, places in enumerate(found.answers, 1) for k in places}
        every = range(len(found.tokens))
        table = {
            "token": [k + 1 for k in every],
            "answer_of_example": [answers.get(k, 0) for k in every],
            "attention": found.weights[$layer, $head],
        }
        """,
        model=model,
        prompt=prompt,
        count=count,
        layer=layer,
        head=head,
    )


def conversation(turns: Sequence[Turn], asked: tuple[Task, Sequence[Line]] | None) -> str:
    """The turns of a conversation; `asked` is what its last answer was written for.

    Answers before the last are given as they are: what follows was written after them.
    """
    told = turns[:-1] if asked is not None and turns and turns[-1].role == "assistant" else turns
    if asked is None or told is turns:
        return recipe(TURNS.replace("$more", "[]"), turns=list(turns))
    task, lines = asked
    return recipe(
        """
        (answer, _) = local().write($task, $lines, patience=600)
        """
        + TURNS.replace("$more", '[Turn("assistant", answer.text.strip())]'),
        turns=list(told),
        task=task,
        lines=list(lines),
    )


TURNS = """
        turns = [*$turns, *$more]
        table = {
            "turn": np.arange(1, len(turns) + 1),
            "role": [one.role for one in turns],
            "text": [one.content for one in turns],
        }
"""
