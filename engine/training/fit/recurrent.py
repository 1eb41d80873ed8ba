"""The recurrent network of `tales-rnn`: one layer of gated recurrent units (Cho et al. 2014).

    vectors = embedding[ids]                       [batch, token, width]
    states  = GRU(vectors)                         [batch, token, hidden]
    logits  = (project(states)) @ embedding.T      [batch, token, vocabulary]

The matrix of the vocabulary is used twice, as in `tales-gpt`. A class of transformers only so that
it is saved and trained as the other recipes' models are; knows nothing of text.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from transformers import PretrainedConfig, PreTrainedModel


class RecurrentConfig(PretrainedConfig):
    """The sizes of a recurrent network."""

    model_type = "atlas_gru"

    def __init__(
        self, vocab_size: int = 256, width: int = 32, hidden: int = 64, **more: Any
    ) -> None:
        """Keep the sizes; `more` are what every configuration has."""
        self.vocab_size = vocab_size
        self.width = width
        self.hidden = hidden
        super().__init__(**more)


class Recurrent(PreTrainedModel):
    """A language model that reads one token after the other and keeps one vector between them."""

    config_class = RecurrentConfig
    config: RecurrentConfig

    def __init__(self, config: RecurrentConfig) -> None:
        """Make fresh weights."""
        super().__init__(config)
        self.embedding = nn.Embedding(config.vocab_size, config.width)
        self.gru = nn.GRU(config.width, config.hidden, batch_first=True)
        self.project = nn.Linear(config.hidden, config.width)
        self.post_init()

    def _init_weights(self, module: nn.Module) -> None:
        if isinstance(module, nn.Embedding):
            nn.init.normal_(module.weight, std=0.02)
        elif isinstance(module, nn.GRU):
            size = module.hidden_size
            for name, parameter in module.named_parameters():
                if "bias" in name:
                    nn.init.zeros_(parameter)
                    continue
                # Gate by gate: a recurrent matrix keeps lengths at first, so that what was
                # read long ago neither vanishes nor grows (Saxe et al. 2014).
                for gate in parameter.split(size):
                    (nn.init.orthogonal_ if "hh" in name else nn.init.xavier_uniform_)(gate)
        elif isinstance(module, nn.Linear):
            nn.init.xavier_uniform_(module.weight)
            nn.init.zeros_(module.bias)

    def states(self, ids: torch.Tensor, before: torch.Tensor | None = None) -> torch.Tensor:
        """Hidden states [batch, token, hidden]; `before` [batch, hidden] is 0 where not given."""
        start = None if before is None else before[None]
        return self.gru(self.embedding(ids), start)[0]

    def forward(self, input_ids: torch.Tensor) -> torch.Tensor:
        """Logits [batch, token, vocabulary] of the token after each."""
        return self.project(self.states(input_ids)) @ self.embedding.weight.T
