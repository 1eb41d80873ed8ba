"""Lines of Python that compute the numbers of Preference's pictures again.

In: a task, its lines, choices, a judge. Out: programs for notebooks, each binding `table`.
"""

from __future__ import annotations

from collections.abc import Sequence

from engine.decoding.continuation import Line, Task
from engine.preference.choices import Pair
from engine.preference.judges import Judge
from pages.pictures.recipe import Code, recipe

DRAWN = """
        task, count = $task, $count
        texts = local().write(task, samples.lines($sampling, count), patience=600)
        ids = [one.ids for one in texts]
        vectors = local().representations(task.model, task.ids, ids)
"""


def _scored(judge: Judge | None, won: Sequence[Pair]) -> Code:
    """The reward of every completion: a judge's, or that of who won (winner, loser)."""
    if judge is not None:
        one = f"next(one for one in local().judges(task.model) if one.name == {judge.name!r})"
        return Code(f"{one}.values(vectors)")
    pairs = [tuple(pair) for pair in won]
    return Code(f"local().learned_reward(task.model, task.ids, ids, {pairs}).values(vectors)")


def distribution(
    task: Task, lines: Sequence[Line], n: int, judge: Judge | None, won: Sequence[Pair]
) -> str:
    """Every completion with its reward, its measures and its chance to be the best of n."""
    return recipe(
        DRAWN
        + """
        rewards = $rewards
        table = {
            "completion": [one.text for one in texts],
            "reward": rewards,
            "log_probability": [samples.log_probability(one) for one in texts],
            "chance_of_best": best_of_n.chances(rewards, $n),
        }
        table |= {name: [m.of(one) for one in texts] for name, m in MEASURES.items()}
        """,
        task=task,
        count=len(lines),
        sampling=lines[0].sampling,
        rewards=_scored(judge, won),
        n=n,
    )


def curve(
    task: Task,
    lines: Sequence[Line],
    numbers: Sequence[int],
    second: str,
    judge: Judge | None,
    won: Sequence[Pair],
) -> str:
    """Mean reward, mean of a second measure and divergence from the model against n."""
    return recipe(
        DRAWN
        + """
        rewards, numbers = $rewards, $numbers
        seconds = [MEASURES[$second].of(one) for one in texts]
        logs = np.array([samples.log_probability(one) for one in texts])
        same = [tuple(one) for one in ids]
        table = {
            "n": numbers,
            "reward": [best_of_n.chances(rewards, n) @ rewards for n in numbers],
            "second": [best_of_n.chances(rewards, n) @ seconds for n in numbers],
            "kl_bound": [best_of_n.kl_bound(n) for n in numbers],
            "kl_measured": [best_of_n.kl_measured(logs, rewards, n, same) for n in numbers],
        }
        """,
        task=task,
        count=len(lines),
        sampling=lines[0].sampling,
        rewards=_scored(judge, won),
        numbers=list(numbers),
        second=second,
    )


def learning(task: Task, lines: Sequence[Line], won: Sequence[Pair]) -> str:
    """What the reward of the choices before gave each choice."""
    return recipe(
        DRAWN
        + """
        won = $won  # winner, loser
        told = []
        for place, (winner, loser) in enumerate(won):
            reward = local().learned_reward(task.model, task.ids, ids, won[:place])
            told.append(reward.doubt(vectors[winner] - vectors[loser]))
        table = {
            "chosen": [texts[winner].text for winner, _ in won],
            "other": [texts[loser].text for _, loser in won],
            "probability": [one.probability for one in told],
            "low": [one.low for one in told],
            "high": [one.high for one in told],
        }
        """,
        task=task,
        count=len(lines),
        sampling=lines[0].sampling,
        won=[tuple(pair) for pair in won],
    )


def verdicts(model: str, judge: str) -> str:
    """A judge's scores of its tricky sentences."""
    return recipe(
        """
        judge = next(one for one in local().judges($model) if one.name == $judge)
        texts = [one.text for one in judge.tricky]
        scores = local().judged($model, judge.name, texts)
        table = {
            "sentence": texts,
            "score": scores,
            "positive": [one.positive for one in judge.tricky],
            "right": [(s > 0) == one.positive for s, one in zip(scores, judge.tricky)],
            "why": [one.why for one in judge.tricky],
        }
        """,
        model=model,
        judge=judge,
    )
