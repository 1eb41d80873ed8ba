"""The one attention that every model computes with while it is recorded.

The function is registered with transformers and serves every model that asks its attention
interface for one; `older` brings the others to it. It records queries, keys, values, scores,
weights and per-head output, and it is where `head_mask` acts. A `Recorder` collects the tensors
under the names of `engine.trace.quantities`, which says what each is. Nothing here knows of ONNX.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.cache_utils import Cache

from engine.trace import quantities
from engine.trace.quantities import Sublayer

NAME = "atlas"  # the attention implementation that models are loaded with

Place = tuple[Sublayer, int]  # ("layer", 3) or ("cross", 3)


class Recorder:
    """The tensors of one forward pass of one tower, by name.

    `masks` maps "layer" and "cross" to [layer, head] factors of the heads' output, `scales` to
    the factor of the scores.
    """

    def __init__(self, masks: dict[str, Tensor], cache: Cache | None = None) -> None:
        """Start with nothing found."""
        self.masks = masks
        self.cache = cache
        self.found: dict[str, Tensor] = {}
        self.scales: dict[str, float] = {}

    def keep(self, name: str, tensor: Tensor) -> None:
        """Record a tensor."""
        self.found[name] = tensor


def places(module: nn.Module) -> list[Place]:
    """Where the coming runs of an attention belong; a module may run in several layers.

    They are kept with the module itself: the exporter runs stand-ins of modules that share their
    dictionary but are other objects.
    """
    return module.__dict__.setdefault("_atlas_places", [])


_current: list[Recorder] = []


def current() -> Recorder:
    """The recorder of the pass under way."""
    return _current[-1]


@contextmanager
def recorder(new: Recorder) -> Iterator[Recorder]:
    """Make a recorder the current one."""
    _current.append(new)
    try:
        yield new
    finally:
        _current.pop()


def attention(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    scaling: float | None = None,
    position_bias: Tensor | None = None,
    softcap: float | None = None,
    s_aux: Tensor | None = None,
    **_: Any,
) -> tuple[Tensor, Tensor]:
    """Attend as transformers' eager function does, and record it.

    query [batch, head, query, dim], key and value [batch, key_head, key, dim]; returns the output
    [batch, query, head, dim] and the weights [batch, head, query, key]. `s_aux` [head] are scores
    of a sink: one more column in the softmax that no token stands for.
    """
    if scaling is None:
        scaling = float(query.shape[-1] ** -0.5)
    key, value = repeated(key, query.shape[1]), repeated(value, query.shape[1])
    scores = torch.matmul(query, key.transpose(2, 3)) * scaling
    if softcap is not None:
        scores = torch.tanh(scores / softcap) * softcap
    if position_bias is not None:
        scores = scores + position_bias
    if attention_mask is not None:
        scores = scores + attention_mask
        if scores.dtype == torch.float16:
            # The lowest half is so near that a sum may still tell masked scores apart.
            lowest = torch.finfo(torch.float16).min
            scores = torch.where(attention_mask <= lowest, lowest, scores)
    sink: dict[str, Tensor] = {}
    if s_aux is None:
        weights = torch.softmax(scores, dim=-1, dtype=torch.float32).to(query.dtype)
    else:
        column = s_aux.view(1, -1, 1, 1).expand(*scores.shape[:3], 1).to(scores.dtype)
        whole = torch.softmax(torch.cat([column, scores], dim=-1), dim=-1, dtype=torch.float32)
        weights = whole[..., 1:].to(query.dtype)
        sink = {"sink": whole[..., 0].to(query.dtype)}
    output = torch.matmul(weights, value)
    output = record(
        module,
        scaling,
        query=query,
        key=key,
        value=value,
        scores=scores,
        weights=weights,
        output=output,
        **sink,
    )
    return output.transpose(1, 2).contiguous(), weights


def record(
    module: nn.Module, scaling: float | None = None, *, output: Tensor, **tensors: Tensor
) -> Tensor:
    """Keep an attention's quantities and return its output [batch, head, query, dim], masked."""
    if not _current or not places(module):
        return output
    into = current()
    kind, layer = places(module).pop(0)
    if scaling is not None:
        into.scales.setdefault(kind, scaling)
    if kind in into.masks:
        output = output * into.masks[kind][layer].view(1, -1, 1, 1).to(output.dtype)
    for name, tensor in (tensors | {"output": output}).items():
        quantity = quantities.find(name, "attention")
        # The keys and values of a source are an input of the decoder; its encoder gives them.
        if kind in quantity.sublayers:
            into.keep(quantity.output(layer, kind), tensor)
    return output


def repeated(states: Tensor, heads: int) -> Tensor:
    """Repeat the keys or values of grouped queries, so that each query head has its own."""
    groups = heads // states.shape[1]
    return states if groups == 1 else states.repeat_interleave(groups, dim=1)


def mask(
    batch_size: int,
    q_length: int,
    kv_length: int,
    q_offset: int = 0,
    kv_offset: int = 0,
    mask_function: Callable[..., Tensor] | None = None,
    attention_mask: Tensor | None = None,
    dtype: torch.dtype = torch.float32,
    device: torch.device | str = "cpu",
    **_: Any,
) -> Tensor:
    """The additive mask [batch, 1, query, key]: 0 where a token is seen, else the lowest number.

    Unlike transformers' eager mask it never compares the length of `attention_mask` with the
    past's, which would tie two dimensions of the graph that must stay free.
    """
    assert mask_function is not None
    batch = torch.arange(batch_size, device=device)[:, None, None, None]
    head = torch.zeros(1, dtype=torch.long, device=device)[None, :, None, None]
    queries = (torch.arange(q_length, device=device) + q_offset)[None, None, :, None]
    keys = torch.arange(kv_length, device=device) + kv_offset
    seen = mask_function(batch, head, queries, keys[None, None, None, :])
    if attention_mask is not None:
        seen = seen & attention_mask.index_select(1, keys)[:, None, None, :]
    seen = seen.expand(batch_size, 1, q_length, kv_length)
    return torch.where(seen, 0.0, torch.finfo(dtype).min).to(dtype)


AttentionInterface.register(NAME, attention)
AttentionMaskInterface.register(NAME, mask)
