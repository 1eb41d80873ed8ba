"""One forward pass of one tower, recorded: its embeddings, hidden states and attentions.

Forward hooks record what the embeddings give and what enters and leaves each block; the attentions
record themselves (`capture`). Blocks that run several times are told apart by their turn.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from torch import Tensor, nn
from transformers import PreTrainedModel
from transformers.cache_utils import Cache

from engine.export.families import Tower
from engine.export.graphs import capture
from engine.export.graphs.capture import Recorder
from engine.export.graphs.legacy_attention import replaced
from engine.export.model import blocks, module


@contextmanager
def recording(
    model: PreTrainedModel, tower: Tower, masks: dict[str, Tensor], cache: Cache | None = None
) -> Iterator[Recorder]:
    """Record what happens inside the block."""
    chain = blocks(model, tower)
    recorder = Recorder(masks, cache)
    width = model.config.hidden_size
    with ExitStack() as stack:
        stack.enter_context(placed(chain, tower.cross))
        stack.enter_context(replaced(model))
        stack.enter_context(capture.recorder(recorder))
        for path, name in ((tower.token, "embedded.token"), (tower.position, "embedded.position")):
            found = module(model, path)
            if found is not None:
                stack.callback(_on_output(found, _if_wide(recorder, name, width)).remove)
        stack.callback(_on_first_input(chain[0], recorder).remove)
        for block in dict.fromkeys(chain):
            turns = iter([k for k, other in enumerate(chain) if other is block])
            stack.callback(_on_output(block, _in_turn(recorder, turns)).remove)
        yield recorder


@contextmanager
def placed(chain: list[nn.Module], cross: str | None) -> Iterator[None]:
    """Tell each attention of the blocks where its runs belong."""
    parts = [
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


def _if_wide(recorder: Recorder, name: str, width: int) -> Callable[[Tensor], None]:
    def keep(tensor: Tensor) -> None:
        # Narrow vectors (ALBERT, small ELECTRA) are no parts of a sum in the residual stream.
        if tensor.shape[-1] == width:
            recorder.keep(name, tensor)

    return keep


def _in_turn(recorder: Recorder, turns: Iterator[int]) -> Callable[[Tensor], None]:
    def keep(tensor: Tensor) -> None:
        recorder.keep(f"hidden.{next(turns) + 1}", tensor)

    return keep


def _on_output(found: nn.Module, keep: Callable[[Tensor], None]) -> Any:
    def hook(_module: nn.Module, _args: Any, output: Any) -> None:
        keep(output[0] if isinstance(output, tuple | list) else output)

    return found.register_forward_hook(hook)


def _on_first_input(found: nn.Module, recorder: Recorder) -> Any:
    def hook(_module: nn.Module, args: Any, kwargs: Any) -> None:
        entering = args[0] if args else kwargs["hidden_states"]
        recorder.found.setdefault("hidden.0", entering)

    return found.register_forward_pre_hook(hook, with_kwargs=True)
