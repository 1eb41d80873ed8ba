"""What can be asked about predecessors of the transformer: a part of `engine.api.Engine`.

A protocol, as the whole is; `engine.local.predecessors` answers in this process.
"""

from __future__ import annotations

from typing import Protocol

from engine.predecessors.comparing import Continuations, HiddenStates, Standing
from engine.predecessors.influence import Influence


class Comparing(Protocol):
    """n-gram tables, a recurrent network and a transformer that have the same tokens."""

    def standings(self, model: str) -> tuple[Standing, ...]:
        """What can be compared with a decoder, itself last, and what is missing, with the reason.

        Raises `NotOffered` for a model that is no decoder.
        """
        ...

    def continuations(self, model: str, text: str, count: int = 10) -> Continuations:
        """The best next tokens of all that are here, after each token of a text.

        Raises `EmptyText`, `TextTooLong` and `NotOffered`.
        """
        ...

    def influence(self, model: str, text: str, seed: int = 0) -> Influence:
        """What replacing the token d places back changes in the next token's distribution.

        The replacements are drawn from the thousand words that the tokenizer knows best. Raises
        as `continuations` does.
        """
        ...

    def hidden_states(self, model: str, text: str) -> HiddenStates:
        """The recurrent network's state after each token of a text, in a decoder's tokens.

        Raises `NotOffered` where no such network is here, and as `continuations` does.
        """
        ...
