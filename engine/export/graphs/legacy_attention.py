"""Attention classes that do not ask transformers' attention interface, brought to ours.

Each function stands in for one method of a class while a model is recorded; it repeats what that
method does up to the attention itself, which it leaves to `capture.attention`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import MethodType
from typing import Any

import torch
from torch import Tensor, nn
from transformers.models.falcon import modeling_falcon

from engine.export.graphs import capture
from engine.export.graphs.window_attention import WINDOWED


def _inner(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None, **more: Any) -> Any:
    """Attend and give [batch, head, query, dim] as the older methods do."""
    module, scaling = more["module"], more["scaling"]
    output, weights = capture.attention(module, query, key, value, mask, scaling=scaling)
    return output.transpose(1, 2), weights


def _gpt_neo(
    self: Any, query: Tensor, key: Tensor, value: Tensor, attention_mask: Tensor | None = None
) -> Any:
    if self.attention_type == "local":
        window = _window(query.shape[2], key.shape[2], self.config.window_size, query.dtype)
        attention_mask = window if attention_mask is None else torch.minimum(attention_mask, window)
    return _inner(query, key, value, attention_mask, module=self, scaling=1.0)


def _window(queries: int, keys: int, width: int, dtype: torch.dtype) -> Tensor:
    """0 for the last `width` keys of each query, the lowest number for those before."""
    distance = torch.arange(queries)[:, None] + (keys - queries) - torch.arange(keys)[None, :]
    return torch.where(distance < width, 0.0, torch.finfo(dtype).min).to(dtype)[None, None]


def _gptj(
    self: Any, query: Tensor, key: Tensor, value: Tensor, attention_mask: Tensor | None = None
) -> Any:
    scaling = float(1 / self.scale_attn)
    return _inner(query, key, value, attention_mask, module=self, scaling=scaling)


def _openai(
    self: Any,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None = None,
    output_attentions: bool = False,
) -> list[Tensor]:
    """The first GPT knows no past and builds its causal mask here; the recorder has the past."""
    key = key.transpose(2, 3)
    recorder = capture.current()
    if recorder.cache is not None:
        key, value = recorder.cache.update(key, value, capture.places(self)[0][1])
    queries, keys = query.shape[2], key.shape[2]
    future = torch.arange(queries)[:, None] + (keys - queries) < torch.arange(keys)[None, :]
    mask = torch.where(future, torch.finfo(query.dtype).min, 0.0).to(query.dtype)[None, None]
    if attention_mask is not None:
        mask = torch.minimum(mask, attention_mask)
    scaling = float(value.shape[-1] ** -0.5) if self.scale else 1.0
    output, weights = _inner(query, key, value, mask, module=self, scaling=scaling)
    return [output, weights] if output_attentions else [output]


def _bloom(
    self: Any,
    hidden_states: Tensor,
    residual: Tensor,
    alibi: Tensor,
    attention_mask: Tensor | None,
    layer_past: Any = None,
    **_: Any,
) -> tuple[Tensor, Tensor]:
    batch, length = hidden_states.shape[:2]
    query, key, value = self._reshape(self.query_key_value(hidden_states))
    if layer_past is not None:
        key, value = layer_past.update(key, value, self.layer_idx)
    output, weights = capture.attention(
        self,
        query,
        key,
        value,
        attention_mask,
        scaling=self.inv_norm_factor,
        position_bias=alibi.view(batch, self.num_heads, 1, -1) * self.beta,
    )
    return residual + self.dense(output.reshape(batch, length, -1)), weights


def _falcon(
    self: Any,
    hidden_states: Tensor,
    alibi: Tensor | None,
    attention_mask: Tensor,
    position_ids: Tensor | None = None,
    layer_past: Any = None,
    position_embeddings: Any = None,
    **_: Any,
) -> tuple[Tensor, Tensor]:
    """With ALiBi the mask that arrives holds its slope already; it is not added again."""
    batch, length = hidden_states.shape[:2]
    parts = self._split_heads(self.query_key_value(hidden_states))
    query, key, value = (part.transpose(1, 2) for part in parts)
    if alibi is None:
        query, key = modeling_falcon.apply_rotary_pos_emb(query, key, *position_embeddings)
    if layer_past is not None:
        key, value = layer_past.update(key, value, self.layer_idx)
    output, weights = capture.attention(
        self, query, key, value, attention_mask, scaling=self.inv_norm_factor
    )
    return self.dense(output.reshape(batch, length, -1)), weights


def alibi(attention_mask: Tensor, num_heads: int, dtype: torch.dtype) -> Tensor:
    """Falcon's slopes, rounded to bfloat16 as its own code does but multiplied in float32.

    ONNX Runtime has no product of bfloat16 on the CPU; the rounded product is the same.
    """
    power = 2 ** math.floor(math.log2(num_heads))
    slopes = [2 ** (-8 * (i + 1) / power) for i in range(power)]
    slopes += [2 ** (-4 * (2 * i + 1) / power) for i in range(num_heads - power)]
    rounded = torch.tensor(slopes).bfloat16().float()
    places = (attention_mask.cumsum(dim=-1) - 1) * attention_mask
    product = (rounded[:, None] * places[:, None, :].float()).bfloat16()
    return product.reshape(-1, 1, attention_mask.shape[1]).to(dtype)


def _mpt(
    self: Any,
    hidden_states: Tensor,
    position_bias: Tensor,
    past_key_values: Any = None,
    attention_mask: Tensor | None = None,
    **_: Any,
) -> tuple[Tensor, Tensor]:
    """Its slopes for as many keys as there are; the table that arrives is of the longest text."""
    batch, length = hidden_states.shape[:2]
    mixed = self.Wqkv(hidden_states)
    if self.clip_qkv:
        mixed = mixed.clamp(min=-self.clip_qkv, max=self.clip_qkv)
    split = mixed.view(batch, length, 3, self.n_heads, self.head_dim).permute(2, 0, 3, 1, 4)
    query, key, value = split[0], split[1], split[2]
    if past_key_values is not None:
        key, value = past_key_values.update(key, value, self.layer_idx)
    # The table's last but one column is one token's step of the slope.
    distance = (key.shape[2] - 1 - torch.arange(key.shape[2])).to(query.dtype)
    bias = distance * position_bias[:, :, -2:-1]
    if attention_mask is not None:
        lowest = torch.finfo(query.dtype).min
        attention_mask = torch.where(attention_mask, lowest, 0.0).to(query.dtype)
    output, weights = capture.attention(
        self,
        query,
        key,
        value,
        attention_mask,
        scaling=self.softmax_scale,
        position_bias=bias[None],
    )
    return self.out_proj(output.reshape(batch, length, -1)), weights


def _deberta(self: Any, hidden_states: Tensor, *args: Any, **kwargs: Any) -> Any:
    """Its scores are no product of one query and one key: only weights and output are kept."""
    kwargs["output_attentions"] = True
    context, weights = type(self).forward(self, hidden_states, args[0], **kwargs)
    split = context.view(*context.shape[:2], self.num_attention_heads, -1).transpose(1, 2)
    output = capture.record(self, weights=weights, output=split)
    return output.transpose(1, 2).reshape(context.shape), weights


def _xlnet(self: Any, query: Tensor, key: Tensor, value: Tensor, *args: Any, **kwargs: Any) -> Any:
    """Vectors are [token, batch, head, dim], weights [query, key, batch, head]: only these two."""
    kwargs["output_attentions"] = True
    output, weights = type(self).rel_attn_core(self, query, key, value, *args, **kwargs)
    output = capture.record(
        self, weights=weights.permute(2, 3, 0, 1), output=output.permute(1, 2, 0, 3)
    )
    return output.permute(2, 0, 1, 3)


def _m2m(
    self: Any,
    input_ids: Tensor | None = None,
    inputs_embeds: Tensor | None = None,
    past_key_values_length: int = 0,
) -> Tensor:
    """Sinusoids without the check that makes more of them: it would tie lengths to a number."""
    assert input_ids is not None
    positions = self.create_position_ids_from_input_ids(
        input_ids, self.padding_idx, past_key_values_length
    )
    return torch.nn.functional.embedding(positions, self.weights)


def _switch(self: Any, hidden: Tensor, chosen: Tensor, weights: Tensor) -> Tensor:
    """Every expert computes every token and counts where it was chosen: no loop over data.

    hidden [token, width], chosen [token, 1, expert] of 0 and 1, weights [token, 1].
    """
    shares = chosen.squeeze(1).to(hidden.dtype) * weights
    return sum(self[f"expert_{k}"](hidden) * shares[:, k : k + 1] for k in range(self.num_experts))  # type: ignore[return-value]


def _switch_router(self: Any, hidden_states: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Route as its own does, without moving its weights to another type while it runs."""
    layer = self.classifier
    bias = None if layer.bias is None else layer.bias.to(self.dtype)
    logits = nn.functional.linear(hidden_states.to(self.dtype), layer.weight.to(self.dtype), bias)
    shares = logits.softmax(dim=-1).to(hidden_states.dtype)
    chosen = nn.functional.one_hot(shares.argmax(dim=-1), num_classes=self.num_experts)
    chosen = chosen * (chosen.cumsum(dim=-2) <= self.expert_capacity)
    return chosen, shares.amax(dim=-1, keepdim=True), logits


def _big_bird(
    self: Any, hidden_states: Tensor, attention_mask: Tensor | None = None, **_: Any
) -> tuple[Tensor, Tensor]:
    """BERT's attention, written out."""
    heads = (*hidden_states.shape[:2], self.num_attention_heads, self.attention_head_size)
    query, key, value = (
        projected(hidden_states).view(heads).transpose(1, 2)
        for projected in (self.query, self.key, self.value)
    )
    output, weights = capture.attention(self, query, key, value, attention_mask)
    return output.flatten(2), weights


REPLACED: dict[str, tuple[str, Callable[..., Any]]] = {
    "GPTNeoSelfAttention": ("_attn", _gpt_neo),
    "GPTJAttention": ("_attn", _gptj),
    "Attention": ("_attn", _openai),
    "CodeGenAttention": ("_attn", _gptj),
    "MptAttention": ("forward", _mpt),
    "BloomAttention": ("forward", _bloom),
    "FalconAttention": ("forward", _falcon),
    "DisentangledSelfAttention": ("forward", _deberta),
    "XLNetRelativeAttention": ("rel_attn_core", _xlnet),
    "SwitchTransformersTop1Router": ("forward", _switch_router),
    "SwitchTransformersExperts": ("forward", _switch),
    "BigBirdSelfAttention": ("forward", _big_bird),
    "M2M100SinusoidalPositionalEmbedding": ("forward", _m2m),
    **WINDOWED,
}


@contextmanager
def replaced(model: nn.Module) -> Iterator[None]:
    """Put the functions of this module in the place of the methods they stand for."""
    changed: list[tuple[nn.Module, str]] = []
    slopes = modeling_falcon.build_alibi_tensor
    try:
        modeling_falcon.build_alibi_tensor = alibi
        for found in model.modules():
            method, function = REPLACED.get(type(found).__name__, (None, None))
            if method is not None and function is not None:
                # In the instance's own dictionary, so that deleting it brings the class's back.
                found.__dict__[method] = MethodType(function, found)
                changed.append((found, method))
        yield
    finally:
        modeling_falcon.build_alibi_tensor = slopes
        for found, method in changed:
            del found.__dict__[method]
