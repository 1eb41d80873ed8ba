"""Everything a model computes on its way, recorded while it runs.

One attention function is registered with transformers and serves every model that asks its
attention interface for one: it records queries, keys, values, scores, weights and per-head
output, and it is where `head_mask` acts. Forward hooks record what the embeddings give and what
enters and leaves each block. A `Recorder` collects the tensors under the names of
`engine.bundle`; it knows nothing of ONNX.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from transformers import AttentionInterface, AttentionMaskInterface

from engine.export.families import Tower

NAME = "atlas"  # the attention implementation that models are loaded with


class Recorder:
    """The tensors of one forward pass of one tower, by name.

    `places` says for each sub-module of a block where its attention belongs: ("layer", 3) or
    ("cross", 3). `masks` maps "layer" and "cross" to [layer, head] factors of the heads' output.
    """

    def __init__(self, places: dict[int, tuple[str, int]], masks: dict[str, Tensor]) -> None:
        """Start with nothing found."""
        self.places = places
        self.masks = masks
        self.found: dict[str, Tensor] = {}

    def keep(self, name: str, tensor: Tensor) -> None:
        """Record a tensor; the first call wins, as a module may run once more for its shape."""
        self.found.setdefault(name, tensor)


_current: list[Recorder] = []


def attention(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    scaling: float | None = None,
    position_bias: Tensor | None = None,
    softcap: float | None = None,
    **_: Any,
) -> tuple[Tensor, Tensor]:
    """Attend as transformers' eager function does, and record it.

    query [batch, head, query, dim], key and value [batch, key_head, key, dim]; returns the output
    [batch, query, head, dim] and the weights [batch, head, query, key].
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
    weights = torch.softmax(scores, dim=-1, dtype=torch.float32).to(query.dtype)
    output = torch.matmul(weights, value)
    output = record(
        module, query=query, key=key, value=value, scores=scores, weights=weights, output=output
    )
    return output.transpose(1, 2).contiguous(), weights


def record(module: nn.Module, *, output: Tensor, **tensors: Tensor) -> Tensor:
    """Keep an attention's tensors and return its output [batch, head, query, dim], masked."""
    if not _current or id(module) not in _current[-1].places:
        return output
    recorder = _current[-1]
    kind, layer = recorder.places[id(module)]
    for name, tensor in tensors.items():
        # The keys and values of a source are an input of the decoder; its encoder gives them.
        if kind == "layer" or name not in ("key", "value"):
            recorder.keep(f"{kind}.{layer}.{name}", tensor)
    if kind in recorder.masks:
        output = output * recorder.masks[kind][layer].view(1, -1, 1, 1).to(output.dtype)
    recorder.keep(f"{kind}.{layer}.output", output)
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


def places(blocks: nn.ModuleList, cross: str | None) -> dict[int, tuple[str, int]]:
    """Where each attention of the blocks belongs, by the identity of its module."""
    found: dict[int, tuple[str, int]] = {}
    for layer, block in enumerate(blocks):
        for name, module in block.named_modules():
            kind = "cross" if cross and name.startswith(cross) else "layer"
            found[id(module)] = (kind, layer)
    return found


@contextmanager
def recording(model: nn.Module, tower: Tower, masks: dict[str, Tensor]) -> Iterator[Recorder]:
    """Record one forward pass of the tower: its embeddings, hidden states and attentions."""
    blocks = model.get_submodule(tower.blocks)
    assert isinstance(blocks, nn.ModuleList)
    recorder = Recorder(places(blocks, tower.cross), masks)
    hooks = [_on_output(model.get_submodule(tower.token), recorder, "embedded.token")]
    if tower.position:
        position = model.get_submodule(tower.position)
        hooks.append(_on_output(position, recorder, "embedded.position"))
    hooks.append(_on_input(blocks[0], recorder, "hidden.0"))
    for layer, block in enumerate(blocks):
        hooks.append(_on_output(block, recorder, f"hidden.{layer + 1}"))
    _current.append(recorder)
    try:
        yield recorder
    finally:
        _current.pop()
        for hook in hooks:
            hook.remove()


def _on_output(module: nn.Module, recorder: Recorder, name: str) -> Any:
    def keep(_module: nn.Module, _args: Any, output: Any) -> None:
        recorder.keep(name, output[0] if isinstance(output, tuple) else output)

    return module.register_forward_hook(keep)


def _on_input(module: nn.Module, recorder: Recorder, name: str) -> Any:
    def keep(_module: nn.Module, args: Any, kwargs: Any) -> None:
        recorder.keep(name, args[0] if args else kwargs["hidden_states"])

    return module.register_forward_pre_hook(keep, with_kwargs=True)
