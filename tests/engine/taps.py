"""What transformers' own attention is given: queries, keys and values, for every family.

Most families hand them to a function of their module called `eager_attention_forward`; the older
ones to a method of their attention. Both are watched from outside; no line of the exporter is used.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

Call = tuple[
    np.ndarray, np.ndarray, np.ndarray
]  # query, key, value, each [batch, head, token, dim]
METHODS = {
    "gpt_neo": ("GPTNeoSelfAttention", "_attn"),
    "gptj": ("GPTJAttention", "_attn"),
    "openai-gpt": ("Attention", "_attn"),
    "codegen": ("CodeGenAttention", "_attn"),
}

# Those that project and attend in one method.
PROJECTED = {
    "longformer": "LongformerSelfAttention",
    "led": "LEDEncoderSelfAttention",
    "big_bird": "BigBirdSelfAttention",
}


@contextmanager
def tapped(model: Any) -> Iterator[list[Call]]:
    """Every attention that runs within the block, in order; nothing where a family has no such."""
    found: list[Call] = []
    module = sys.modules[type(model).__module__]
    kind = model.config.model_type
    if kind in METHODS:
        holder, name = getattr(module, METHODS[kind][0]), METHODS[kind][1]
        watch = _inputs(found, turned=kind == "openai-gpt")
    elif kind == "bloom":
        holder, name, watch = module.BloomAttention, "_reshape", _outputs(found, turned=False)
    elif kind == "mpt":
        holder, name, watch = module.MptAttention, "forward", _mixed(found)
    elif kind in PROJECTED:
        holder, name = getattr(module, PROJECTED[kind]), "forward"
        read: list[int] = []
        hook = model.register_forward_pre_hook(
            lambda _m, _a, named: read.append(named["input_ids"].shape[1]), with_kwargs=True
        )
        # Longformer's kin pad a text to a multiple of their window.
        watch = _projected(found, read)
    elif kind == "falcon":
        holder, name, watch = module.FalconAttention, "_split_heads", _outputs(found, turned=True)
    else:
        holder, name, watch = module, "eager_attention_forward", _inputs(found)
    if not hasattr(holder, name):
        yield found
        return
    changed = [(holder, name, getattr(holder, name))]
    setattr(holder, name, watch(changed[0][2]))
    if kind == "led":
        second = module.LEDDecoderAttention
        changed.append((second, "forward", second.forward))
        second.forward = _projected(found, [])(second.forward)
    if kind == "falcon":  # its queries and keys are turned by their positions afterwards
        changed.append((module, "apply_rotary_pos_emb", module.apply_rotary_pos_emb))
        module.apply_rotary_pos_emb = _rotated(found, module.apply_rotary_pos_emb)
    try:
        yield found
    finally:
        for where, what, before in changed:
            setattr(where, what, before)
        if kind in PROJECTED:
            hook.remove()


def _arrays(*tensors: Any) -> Any:
    return tuple(tensor.detach().numpy() for tensor in tensors)


def _inputs(found: list[Call], *, turned: bool = False) -> Callable[..., Any]:
    def watch(real: Callable[..., Any]) -> Callable[..., Any]:
        def function(self: Any, query: Any, key: Any, value: Any, *more: Any, **named: Any) -> Any:
            found.append(_arrays(query, key.transpose(2, 3) if turned else key, value))
            return real(self, query, key, value, *more, **named)

        return function

    return watch


def _outputs(found: list[Call], *, turned: bool) -> Callable[..., Any]:
    def watch(real: Callable[..., Any]) -> Callable[..., Any]:
        def function(self: Any, *given: Any) -> Any:
            parts = real(self, *given)
            found.append(_arrays(*(p.transpose(1, 2) if turned else p for p in parts)))
            return parts

        return function

    return watch


def _mixed(found: list[Call]) -> Callable[..., Any]:
    """Where queries, keys and values are one product that no method of its own takes apart."""

    def watch(real: Callable[..., Any]) -> Callable[..., Any]:
        def function(self: Any, hidden: Any, *more: Any, **named: Any) -> Any:
            heads = (*hidden.shape[:2], self.n_heads, self.head_dim)
            parts = self.Wqkv(hidden).detach().chunk(3, dim=2)
            found.append(_arrays(*(part.reshape(heads).transpose(1, 2) for part in parts)))
            return real(self, hidden, *more, **named)

        return function

    return watch


def _projected(found: list[Call], lengths: list[int]) -> Callable[..., Any]:
    """Where queries, keys and values are made by three layers of the attention's own.

    The last of `lengths` is that of the text, if it is padded afterwards.
    """

    def watch(real: Callable[..., Any]) -> Callable[..., Any]:
        def function(self: Any, hidden_states: Any, *more: Any, **named: Any) -> Any:
            read = named.get("key_value_states")
            read = hidden_states if read is None else read
            heads = getattr(self, "num_heads", None) or self.num_attention_heads
            named_short = hasattr(self, "q_proj")
            names = ("q_proj", "k_proj", "v_proj") if named_short else ("query", "key", "value")
            parts = [
                getattr(self, name)(states)
                for name, states in zip(names, (hidden_states, read, read), strict=True)
            ]
            split = [p.view(*p.shape[:2], heads, -1).transpose(1, 2) for p in parts]
            found.append(_arrays(*(p[:, :, : lengths[-1]] if lengths else p for p in split)))
            return real(self, hidden_states, *more, **named)

        return function

    return watch


def _rotated(found: list[Call], real: Callable[..., Any]) -> Callable[..., Any]:
    def function(*given: Any, **named: Any) -> Any:
        query, key = real(*given, **named)
        found[-1] = (*_arrays(query, key), found[-1][2])
        return query, key

    return function
