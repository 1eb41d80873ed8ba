"""Preferences: completions as vectors, rewards learnt from choices, judges that are ready."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from engine import policy
from engine.errors import NotOffered
from engine.local.models import bundle, digest
from engine.local.teaching.objectives import Objectives
from engine.preference import hidden
from engine.preference import judges as ready
from engine.preference.choices import MOST, Pair
from engine.preference.judges import Judge
from engine.preference.reward import Reward, fit
from engine.store import cached
from engine.values import Reading

Ids = tuple[int, ...]


class Preferences(Objectives):
    """The part of `engine.api.Engine` about preferences."""

    def representations(
        self, model: str, prompt: Sequence[int], completions: Sequence[Sequence[int]]
    ) -> np.ndarray:
        before, after = _ids(prompt, completions)
        policy.check_writing(len(after), max(map(len, after), default=0))

        def make() -> np.ndarray:
            found = hidden.representations(bundle(model), before, after)
            found.setflags(write=False)
            return found

        return cached(("representations", digest(model), before, after), make)

    def learned_reward(
        self,
        model: str,
        prompt: Sequence[int],
        completions: Sequence[Sequence[int]],
        won: Sequence[Pair],
    ) -> Reward:
        before, after = _ids(prompt, completions)
        if len(won) > MOST:
            raise NotOffered(f"{len(won)} choices are given; at most {MOST} are learnt from.")
        return cached(
            ("learned reward", digest(model), before, after, tuple(won)),
            lambda: fit(self.representations(model, before, after), won),
        )

    def judges(self, model: str) -> tuple[Judge, ...]:
        card = self.card(model)
        return tuple(judge for judge in ready.judges().values() if judge.fits(card))

    def judged(self, model: str, judge: str, texts: Sequence[str]) -> np.ndarray:
        found = next((one for one in self.judges(model) if one.name == judge), None)
        if found is None:
            raise NotOffered(
                f"No judge called “{judge[:40]}” was trained on {self.card(model).title}. Judges "
                "are made by python -m engine.training.judges.manners."
            )
        policy.check_text(found.context, *texts)
        before = self.tokens(Reading(model, found.context)).ids.tolist()
        cut = [self._after(model, found.context, before, text) for text in texts]
        return found.values(self.representations(model, before, cut))

    def _after(self, model: str, context: str, before: list[int], text: str) -> list[int]:
        whole = self.tokens(Reading(model, context + text)).ids.tolist()
        return whole[len(before) :]


def _ids(
    prompt: Sequence[int], completions: Sequence[Sequence[int]]
) -> tuple[Ids, tuple[Ids, ...]]:
    return tuple(prompt), tuple(map(tuple, completions))
