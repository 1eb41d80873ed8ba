"""What a reward is computed from: the last layer's hidden states of a completion, averaged.

In: an opened decoder, a prompt and completions as ids. Out: a vector for each completion. Each
token's state is scaled to mean 0 and variance 1, as the model's own last normalization does before
its learnt scale, so that no token counts for more by its length alone; then the states of the
completion's tokens are averaged. Reward models of papers read the last token's state alone
(Ouyang et al. 2022, arXiv 2203.02155, section 3.5); a model that is as small as those here keeps
little of a whole text in its last token. Knows nothing of texts.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from engine.errors import EmptyText, NotOffered, TextTooLong
from engine.hosting import figures
from engine.models.feeds import empty_past, head_masks, text_feeds
from engine.models.runtime import Bundle

BATCH = 2048  # tokens read in one run, at most
SMALL = 1e-6


def representations(
    bundle: Bundle, prompt: Sequence[int], completions: Sequence[Sequence[int]]
) -> Float[np.ndarray, "completion width"]:
    """A vector for each completion as it stands after the prompt, in as few runs as are wise.

    Raises `NotOffered` for a model that is no decoder, `EmptyText` and `TextTooLong`.
    """
    card = bundle.card
    if card.family != "decoder" or card.decoder is None:
        raise NotOffered(f"{card.title} does not continue a text: completions need a decoder.")
    if not prompt or not all(map(len, completions)):
        raise EmptyText("There is no text to judge: the prompt or a completion has no token.")
    longest = len(prompt) + max(map(len, completions), default=0)
    if card.limit is not None and longest > card.limit:
        raise TextTooLong(
            f"Prompt and completion are {longest:,} tokens; {card.title} reads at most "
            f"{card.limit:,}. Shorten the prompt."
        )
    rows = max(1, BATCH // max(longest, 1))
    name = f"hidden.{card.decoder.layers}"
    found = [
        _read(bundle, prompt, completions[start : start + rows], name)
        for start in range(0, len(completions), rows)
    ]
    return np.concatenate(found) if found else np.zeros((0, card.width), dtype=np.float32)


def _read(
    bundle: Bundle, prompt: Sequence[int], completions: Sequence[Sequence[int]], name: str
) -> Float[np.ndarray, "completion width"]:
    # Filled up at the right: what comes after a token changes nothing before it.
    longest = max(map(len, completions))
    ids = np.zeros((len(completions), len(prompt) + longest), dtype=np.int64)
    for row, completion in enumerate(completions):
        ids[row, : len(prompt) + len(completion)] = [*prompt, *completion]
    figures.TOKENS_READ.inc(ids.size)
    with bundle.opened("model") as session:
        feeds = text_feeds(session, ids) | empty_past(session, len(ids))
        feeds |= head_masks(session, own="decoder", off=())
        states = session.run(feeds, [name])[name].astype(np.float32)
    states = states[:, len(prompt) :]
    states -= states.mean(axis=-1, keepdims=True)
    states /= np.sqrt(np.square(states).mean(axis=-1, keepdims=True) + SMALL)
    real = np.arange(longest) < np.array([[len(one)] for one in completions])
    total = (states * real[..., None]).sum(axis=1)
    return total / real.sum(axis=1, keepdims=True)
