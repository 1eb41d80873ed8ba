"""Attention in a sliding window, as a full matrix: Longformer and the encoder of LED.

Their own code cuts the text into chunks and pads it to a multiple of the window, which a graph of
any length cannot. A full matrix whose tokens beyond the window are masked gives the same numbers
(but for tokens with global attention, which nobody asks for here), in quadratic memory. LED's
decoder attends to everything before; it is here because it asks no attention interface either.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from engine.export.graphs import capture


def _split(states: Tensor, heads: int) -> Tensor:
    """[batch, token, width] -> [batch, head, token, dim]."""
    return states.view(*states.shape[:2], heads, -1).transpose(1, 2)


def _windowed(
    self: Any, hidden_states: Tensor, attention_mask: Tensor, **_: Any
) -> tuple[Tensor, Tensor]:
    """Attend to the tokens at most half a window away; `attention_mask` [batch, token] is added."""
    query, key, value = (
        _split(projected(hidden_states), self.num_heads)
        for projected in (self.query, self.key, self.value)
    )
    places = torch.arange(hidden_states.shape[1])
    near = (places[:, None] - places[None, :]).abs() <= self.one_sided_attn_window_size
    lowest = torch.finfo(query.dtype).min
    mask = torch.where(near, 0.0, lowest).to(query.dtype)[None, None]
    mask = torch.minimum(mask, attention_mask[:, None, None, :].to(query.dtype))
    output, weights = capture.attention(self, query, key, value, mask)
    return output.flatten(2), weights


def _unpadded(self: Any, input_ids: Tensor, **given: Any) -> tuple[Any, ...]:
    """What `_pad_to_window_size` gives where nothing is to be padded, in its order."""
    return 0, input_ids, *(value for name, value in given.items() if name != "pad_token_id")


def _led_decoder(
    self: Any,
    hidden_states: Tensor,
    key_value_states: Tensor | None = None,
    past_key_values: Any = None,
    attention_mask: Tensor | None = None,
    **_: Any,
) -> tuple[Tensor, Tensor, Any]:
    """BART's attention; the keys and values of a source were made when it was read."""
    query = _split(self.q_proj(hidden_states), self.num_heads)
    if key_value_states is not None:
        kept = past_key_values.cross_attention_cache.layers[self.layer_idx]
        key, value = kept.keys, kept.values
    else:
        key = _split(self.k_proj(hidden_states), self.num_heads)
        value = _split(self.v_proj(hidden_states), self.num_heads)
        key, value = past_key_values.self_attention_cache.update(key, value, self.layer_idx)
    output, weights = capture.attention(
        self, query, key, value, attention_mask, scaling=self.scaling
    )
    return self.out_proj(output.flatten(2)), weights, past_key_values


WINDOWED = {
    "LongformerSelfAttention": ("forward", _windowed),
    "LongformerModel": ("_pad_to_window_size", _unpadded),
    "LEDEncoderSelfAttention": ("forward", _windowed),
    "LEDEncoder": ("_pad_to_window_size", _unpadded),
    "LEDDecoderAttention": ("forward", _led_decoder),
}
