"""One forward pass of one tower, recorded: its embeddings, hidden states and attentions.

Forward hooks record what the embeddings give and what enters and leaves each block; the attentions
record themselves (`capture`). Blocks that run several times are told apart by their turn.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel
from transformers.cache_utils import Cache

from engine.export.families import Tower
from engine.export.graphs import capture
from engine.export.graphs.capture import Recorder
from engine.export.graphs.legacy_attention import replaced
from engine.export.model import blocks, module, width
from engine.trace import quantities
from engine.trace.quantities import Sublayer


@contextmanager
def recording(
    model: PreTrainedModel, tower: Tower, masks: dict[str, Tensor], cache: Cache | None = None
) -> Iterator[Recorder]:
    """Record what happens inside the block."""
    chain = blocks(model, tower)
    recorder = Recorder(masks, cache)
    wide, turned = width(model), tower.turned
    with ExitStack() as stack:
        stack.enter_context(placed(chain, tower.cross))
        stack.enter_context(replaced(model))
        stack.enter_context(capture.recorder(recorder))
        for quantity in quantities.at("embedding"):
            found = module(model, getattr(tower, quantity.name))
            if found is not None:
                keep = _if_wide(recorder, quantity.output(), wide)
                stack.callback(_on_output(found, keep, turned).remove)
        for quantity in quantities.at("stream"):
            hook = _on_first_input(chain[0], recorder, quantity.output(0), turned)
            stack.callback(hook.remove)
            for block, layers in turns(chain):
                keep = _in_turn(recorder, [quantity.output(k + 1) for k in layers])
                stack.callback(_on_output(block, keep, turned).remove)
        for quantity in quantities.at("part"):
            path = tower.parts.get(quantity.name)
            for block, layers in turns(chain) if path else ():
                keep = _in_turn(recorder, [quantity.output(k) for k in layers])
                stack.callback(_on_output(block.get_submodule(path or ""), keep).remove)
        for quantity in quantities.at("router"):
            for block, layers in turns(chain):
                router = module(block, tower.router)
                if router is not None:
                    keep = _in_turn(recorder, [quantity.output(k) for k in layers])
                    stack.callback(_on_router(router, recorder, keep).remove)
        yield recorder


def turns(chain: list[nn.Module]) -> list[tuple[nn.Module, list[int]]]:
    """Each block once, with the layers in which it runs."""
    each = dict.fromkeys(chain)
    return [(block, [k for k, other in enumerate(chain) if other is block]) for block in each]


@contextmanager
def placed(chain: list[nn.Module], cross: str | None) -> Iterator[None]:
    """Tell each attention of the blocks where its runs belong."""
    parts: list[tuple[nn.Module, Sublayer, int]] = [
        (part, "cross" if cross and name.startswith(cross) else "layer", layer)
        for layer, block in enumerate(chain)
        for name, part in block.named_modules()
    ]
    try:
        for part, kind, layer in parts:
            capture.places(part).append((kind, layer))
        yield
    finally:
        for part, _, _ in parts:
            capture.places(part).clear()


def _if_wide(recorder: Recorder, name: str, wide: int) -> Callable[[Tensor], None]:
    def keep(tensor: Tensor) -> None:
        # Narrow vectors (ALBERT, small ELECTRA) are no parts of a sum in the residual stream.
        if tensor.shape[-1] == wide:
            recorder.keep(name, tensor)

    return keep


def _in_turn(recorder: Recorder, names: list[str]) -> Callable[[Tensor], None]:
    coming = iter(names)

    def keep(tensor: Tensor) -> None:
        recorder.keep(next(coming), tensor)

    return keep


def _on_output(found: nn.Module, keep: Callable[[Tensor], None], turned: bool = False) -> Any:
    def hook(_module: nn.Module, _args: Any, output: Any) -> None:
        given = output[0] if isinstance(output, tuple | list) else output
        keep(given.transpose(0, 1) if turned else given)

    return found.register_forward_hook(hook)


def _on_first_input(found: nn.Module, recorder: Recorder, name: str, turned: bool) -> Any:
    def hook(_module: nn.Module, args: Any, kwargs: Any) -> None:
        entering = args[0] if args else kwargs["hidden_states"]
        recorder.found.setdefault(name, entering.transpose(0, 1) if turned else entering)

    return found.register_forward_pre_hook(hook, with_kwargs=True)


def _on_router(found: nn.Module, recorder: Recorder, keep: Callable[[Tensor], None]) -> Any:
    """Keep the weight of each expert [batch, token, expert], 0 where a token is not sent."""

    def hook(_module: nn.Module, _args: Any, output: Any) -> None:
        if output[0].shape == output[2].shape:  # Switch: chosen of 0 and 1, its weight, logits
            keep(output[0].to(output[1].dtype) * output[1])
            return
        logits, weights, chosen = output  # a row a token
        shares = torch.zeros_like(logits, dtype=weights.dtype).scatter(1, chosen, weights)
        keep(shares.view(*recorder.found["hidden.0"].shape[:2], -1))

    return found.register_forward_hook(hook)
