"""How probable a model finds each admissible answer after each of several prompts.

In: an opened bundle, prompts as ids, answers as ids. Out: `Scores`. All prompts are read in one
batch; an answer of several tokens has the product of its tokens' conditional probabilities, read
over the keys and values of its prompt, so that answers that begin alike share their beginning.
Knows nothing of texts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from engine.decoding.batch import Decoder, left_padded
from engine.errors import EmptyText, NotOffered, TextTooLong
from engine.models.runtime import Bundle
from engine.tokenizers.tokens import read, tokenize
from engine.values import Frozen

MOST = 24  # answers
LONGEST = 32  # tokens of one


@dataclass(frozen=True, eq=False, slots=True)
class Scores(Frozen):
    """How probable each answer is after each prompt.

    `log` are natural logarithms of probabilities: that the model writes exactly this answer's
    tokens next. `tokens` counts each answer's.
    """

    log: Float[np.ndarray, "prompt answer"]
    tokens: tuple[int, ...]

    @property
    def raw(self) -> Float[np.ndarray, "prompt answer"]:
        """Probabilities among all texts."""
        return np.exp(self.log)

    @property
    def normalized(self) -> Float[np.ndarray, "prompt answer"]:
        """Probabilities among these answers alone: each row sums to 1."""
        powers = np.exp(self.log - self.log.max(axis=1, keepdims=True))
        return powers / powers.sum(axis=1, keepdims=True)

    @property
    def best(self) -> list[int]:
        """The most probable answer after each prompt; of equals the first."""
        return self.log.argmax(axis=1).tolist()


def answer_ids(bundle: Bundle, prompt: str, answers: Sequence[str]) -> list[tuple[int, ...]]:
    """Each answer's tokens where it stands behind a prompt, after a space.

    Where the tokenizer joins it with the end of the prompt, its tokens are those it has alone.
    Raises `EmptyText`, `TextTooLong` and `NotOffered`.
    """
    if not 0 < len(answers) <= MOST:
        raise NotOffered(f"{len(answers)} answers are given; 1 to {MOST} can be compared.")
    before, found = tokenize(bundle, prompt).ids.tolist(), []
    reader = bundle.reader("encoder")
    for answer in answers:
        if not answer.strip():
            raise EmptyText("An answer is empty. Give each one at least a letter.")
        whole = tokenize(bundle, f"{prompt} {answer.strip()}").ids.tolist()
        own = whole[len(before) :] if whole[: len(before)] == before else []
        own = own or read(reader, f" {answer.strip()}", ends=False).ids.tolist()
        if len(own) > LONGEST:
            raise TextTooLong(
                f"The answer “{answer.strip()[:40]}” has {len(own)} tokens; at most {LONGEST} are "
                "compared. Shorten it."
            )
        found.append(tuple(own))
    return found


def scores(
    bundle: Bundle, prompts: Sequence[Sequence[int]], answers: Sequence[Sequence[int]]
) -> Scores:
    """Score every answer after every prompt; raises `TextTooLong` where one does not fit."""
    log = np.zeros((len(prompts), len(answers)), dtype=np.float64)
    with Decoder(bundle) as decoder:
        ids, real = left_padded(prompts)
        logits = decoder.prefill(ids, mask=None if real.all() else real)
        # Row of the batch by prompt and what of an answer was read after it.
        rows: dict[tuple[int, tuple[int, ...]], int]
        rows = {(prompt, ()): prompt for prompt in range(len(prompts))}
        for place in range(max(map(len, answers))):
            shares = _log_softmax(logits)
            for (prompt, begun), row in rows.items():
                for number, answer in enumerate(answers):
                    if len(answer) > place and tuple(answer[:place]) == begun:
                        log[prompt, number] += shares[row, answer[place]]
            going = dict.fromkeys(
                tuple(answer[: place + 1]) for answer in answers if len(answer) > place + 1
            )
            if not going:
                break
            next_rows = [(prompt, begun) for prompt in range(len(prompts)) for begun in going]
            continued = [rows[prompt, begun[:-1]] for prompt, begun in next_rows]
            logits = decoder.step([begun[-1] for _, begun in next_rows], rows=continued)
            rows = {key: row for row, key in enumerate(next_rows)}
    return Scores(log, tuple(map(len, answers)))


def joined(parts: Sequence[Scores]) -> Scores:
    """Scores of the same answers after further prompts, one below the other."""
    return Scores(np.concatenate([part.log for part in parts]), parts[0].tokens)


def _log_softmax(logits: Float[np.ndarray, "row vocabulary"]) -> Float[np.ndarray, "row token"]:
    wide = logits.astype(np.float64)
    wide -= wide.max(axis=1, keepdims=True)
    return wide - np.log(np.exp(wide).sum(axis=1, keepdims=True))
