"""The graphs of a bundle as PyTorch modules, with the inputs and outputs of `engine.models.bundle`.

Each is a small module around the model: it turns the graph's inputs into a call of the model,
records everything on the way, and returns a flat dictionary. `convert` makes ONNX of them; run by
PyTorch they are the reference of the proof.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.export import Dim
from transformers import PreTrainedModel
from transformers.cache_utils import Cache, EncoderDecoderCache
from transformers.modeling_outputs import BaseModelOutputWithPastAndCrossAttentions

from engine.export.families import Layout, Tower
from engine.export.graphs.examples import (
    BATCH,
    PAST,
    ROW,
    SOURCE,
    SOURCES,
    TOKEN,
    WANTED,
    Named,
    step_example,
    text_example,
)
from engine.export.graphs.past import Past, kept, present, zeros
from engine.export.graphs.recording import recording
from engine.export.model import accepts, blocks, limit, module, predicts, stack, takes_pairs, width
from engine.export.pair_head import head_of
from engine.objectives.example import PAIR
from engine.values import Side

Masks = dict[str, Tensor]  # [layer, head] factors of the heads, by kind of attention


class Graph(nn.Module, ABC):
    """A module whose forward has the inputs and outputs of one graph of a bundle.

    `scales` holds, once it has run, the factor that each kind of attention puts on its scores.
    """

    def __init__(self, model: PreTrainedModel, layout: Layout) -> None:
        """Wrap a model loaded with our attention."""
        super().__init__()
        self.model = model
        self.layout = layout
        self.scales: dict[str, float] = {}

    @abstractmethod
    def example(self) -> tuple[Named, Named]:
        """Inputs to trace with, and the names of their free dimensions."""

    def tower(self, side: Side) -> Tower:
        """The layout of one side, which this graph has."""
        found = self.layout.encoder if side == "encoder" else self.layout.decoder
        assert found is not None
        return found

    @contextmanager
    def recorded(
        self, side: Side, masks: Masks, cache: Cache | None = None
    ) -> Iterator[dict[str, Tensor]]:
        """What is recorded of one tower inside the block, filled when it ends."""
        found: dict[str, Tensor] = {}
        with recording(self.model, self.tower(side), masks, cache) as recorder:
            yield found
        found |= recorder.found
        self.scales = recorder.scales

    def last(self) -> nn.Module:
        """The module whose last hidden state meets the output matrix."""
        return self.model.get_submodule(self.layout.last or self.layout.inside)

    def _logits(self, first: Tensor, **call: Any) -> Tensor:
        """Call the model, with its output matrix at the positions `first` only."""

        def select(_module: nn.Module, _args: Any, output: Any) -> Any:
            output.last_hidden_state = output.last_hidden_state.index_select(1, first)
            return output

        hook = self.last().register_forward_hook(select)
        try:
            return self.model(**call).logits
        finally:
            hook.remove()


class DecoderGraph(Graph):
    """model.onnx of a decoder."""

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor,
        first: Tensor,
        past: Past,
        head_mask: Tensor,
    ) -> dict[str, Tensor]:
        """Read `input_ids` after the past."""
        cache = kept(past)
        before, tokens = past[0]["key"].shape[2], input_ids.shape[1]
        seen = clipped(attention_mask, before + tokens)
        call: Named = {"input_ids": input_ids, "attention_mask": seen}
        if accepts(self.model, "position_ids"):
            call["position_ids"] = positions_of(seen, before, tokens)
        if accepts(self.model, "past_key_values"):
            call |= {"past_key_values": cache, "use_cache": True}
        with self.recorded("decoder", {"layer": head_mask}, cache) as found:
            logits = self._logits(first, **call)
        return {"logits": logits, **present(cache), **found}

    def example(self) -> tuple[Named, Named]:
        """Two rows of five tokens after three."""
        return step_example(self.model, Dim("batch"))


class EncoderGraph(Graph):
    """model.onnx of an encoder."""

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor,
        head_mask: Tensor,
        first: Tensor | None = None,
        segments: Tensor | None = None,
    ) -> dict[str, Tensor]:
        """Read whole texts; `first` and logits exist where the checkpoint predicts."""
        call: Named = {"input_ids": input_ids, "attention_mask": attention_mask}
        if segments is not None:
            call["token_type_ids"] = segments
        logits: dict[str, Tensor] = {}
        with self.recorded("encoder", {"layer": head_mask}) as found, self._pairs() as pairs:
            if first is None:
                self.model(**call)
            else:
                logits = {"logits": self._logits(first, **call)}
        return {**logits, **pairs, **found}

    @contextmanager
    def _pairs(self) -> Iterator[dict[str, Tensor]]:
        """What the next-sentence head says of the run inside the block, where there is one."""
        head, said = head_of(self.model), dict[str, Tensor]()

        def ask(_module: nn.Module, _args: Any, output: Any) -> None:
            assert head is not None
            said[PAIR] = head(output.last_hidden_state)

        # The states as they are before `_logits` picks some of them: hooks run in their order.
        hook = None if head is None else self._whole().register_forward_hook(ask)
        try:
            yield said
        finally:
            if hook is not None:
                hook.remove()

    def _whole(self) -> nn.Module:
        """The module that gives the last states: of a bare checkpoint the model itself."""
        return self.last() if predicts(self.model) else self.model

    def example(self) -> tuple[Named, Named]:
        """Two texts of five tokens."""
        free = {0: Dim("batch"), 1: Dim("token", max=limit(self.model, self.layout))}
        inputs, dims = text_example(self.model, (BATCH, TOKEN), free)
        if predicts(self.model):
            inputs["first"], dims["first"] = torch.arange(WANTED), {0: Dim("wanted")}
        if takes_pairs(self.model):
            inputs["segments"] = torch.zeros(BATCH, TOKEN, dtype=torch.long)
            dims["segments"] = free
        return inputs, dims


class SourceGraph(Graph):
    """encoder.onnx of an encoder-decoder."""

    def forward(
        self, input_ids: Tensor, attention_mask: Tensor, head_mask: Tensor
    ) -> dict[str, Tensor]:
        """Read the sources and prepare the cross keys and values of every decoder layer."""
        with self.recorded("encoder", {"layer": head_mask}) as recorded:
            states = self.model.get_encoder()(
                input_ids=input_ids, attention_mask=attention_mask
            ).last_hidden_state
        return {**self._source(states), **recorded}

    def _source(self, states: Tensor) -> dict[str, Tensor]:
        tower = self.tower("decoder")
        heads = stack(self.model, "decoder").key_heads
        found: dict[str, Tensor] = {}
        for layer, block in enumerate(blocks(self.model, tower)):
            cross = block.get_submodule(tower.cross or "")
            for name, path in (("key", tower.cross_key), ("value", tower.cross_value)):
                flat = cross.get_submodule(path)(states)
                split = flat.view(*flat.shape[:2], heads, -1).transpose(1, 2)
                found[f"source.{layer}.{name}"] = split
        return found

    def example(self) -> tuple[Named, Named]:
        """Six sources of seven tokens."""
        most = limit(self.model, self.layout)
        free = {0: Dim("source_batch"), 1: Dim("source", max=most)}
        return text_example(self.model, (SOURCES, SOURCE), free)


class TargetGraph(Graph):
    """model.onnx of an encoder-decoder: its decoder."""

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor,
        first: Tensor,
        past: Past,
        head_mask: Tensor,
        source_mask: Tensor,
        source: Past,
        cross_head_mask: Tensor,
    ) -> dict[str, Tensor]:
        """Write after the past, each row looking at its source's keys and values."""
        cache = EncoderDecoderCache(kept(past), kept(source))
        cache.is_updated = {layer: True for layer in range(len(past))}
        # The cross-attention reads its cache; the states only say that there is a source.
        states = source[0]["key"].new_zeros(
            input_ids.shape[0], source[0]["key"].shape[2], width(self.model)
        )
        masks = {"layer": head_mask, "cross": cross_head_mask}
        with self.recorded("decoder", masks) as found:
            logits = self._logits(
                first,
                attention_mask=source_mask,
                decoder_input_ids=input_ids,
                decoder_attention_mask=clipped(
                    attention_mask, past[0]["key"].shape[2] + input_ids.shape[1]
                ),
                encoder_outputs=_given(states),
                past_key_values=cache,
                use_cache=True,
            )
        return {"logits": logits, **present(cache.self_attention_cache), **found}

    def example(self) -> tuple[Named, Named]:
        """A decoder's inputs, each row reading a source of seven tokens."""
        tower = stack(self.model, "decoder")
        batch, length = Dim("batch"), Dim("source")
        inputs, dims = step_example(self.model, batch)
        inputs |= {
            "source_mask": torch.ones(BATCH, SOURCE, dtype=torch.long),
            "source": zeros(self.model, tower, BATCH, SOURCE),
            "cross_head_mask": torch.ones(tower.layers, tower.heads),
        }
        dims |= {
            "source_mask": {0: batch, 1: length},
            "source": [{n: {0: batch, 2: length} for n in ("key", "value")}] * tower.layers,
            "cross_head_mask": {},
        }
        return inputs, dims


class RowsGraph(Graph):
    """rows.onnx: the rows of a past in another order, some left out, some more than once.

    A graph of its own, without weights: a step whose rows go on as they are copies no past for it.
    """

    def forward(self, rows: Tensor, present: Past) -> dict[str, Tensor]:
        """Row i of what comes out is row `rows[i]` of what goes in."""
        return {
            f"past.{k}.{name}": tensor.index_select(0, rows)
            for k, layer in enumerate(present)
            for name, tensor in layer.items()
        }

    def example(self) -> tuple[Named, Named]:
        """Two of three rows."""
        tower = stack(self.model, "decoder")
        free = {0: Dim("row"), 2: Dim("length", min=0)}
        return (
            {"rows": torch.arange(BATCH), "present": zeros(self.model, tower, ROW, PAST)},
            {
                "rows": {0: Dim("batch")},
                "present": [{n: free for n in ("key", "value")}] * tower.layers,
            },
        )


class LensGraph(Graph):
    """lens.onnx: what a hidden state would predict, were it the last one."""

    def forward(self, hidden: Tensor) -> dict[str, Tensor]:
        """hidden [row, width] -> logits [row, vocabulary]: final norm, then output matrix."""
        side: Side = "decoder" if self.layout.decoder else "encoder"
        states = hidden.unsqueeze(0)
        for path in self.tower(side).after:
            found = module(self.model, path)
            states = states if found is None else found(states)
        ids = torch.ones(1, 1, dtype=torch.long)
        call: Named = {"input_ids": ids}
        if self.layout.family == "encoder-decoder":
            call = {"encoder_outputs": _given(states), "decoder_input_ids": ids}
        last = self.last()
        output = _given(states)
        # In the instance's own dictionary, so that deleting it brings the class's back.
        last.__dict__["forward"] = lambda *_, **__: output
        try:
            return {"logits": self.model(**call).logits.squeeze(0)}
        finally:
            del last.__dict__["forward"]

    def example(self) -> tuple[Named, Named]:
        """Two hidden states."""
        hidden = torch.zeros(BATCH, width(self.model), dtype=self.model.dtype)
        return {"hidden": hidden}, {"hidden": {0: Dim("row")}}


def graphs(model: PreTrainedModel, layout: Layout) -> dict[str, Graph]:
    """The graphs of a model's bundle, by file name."""
    kinds: dict[str, type[Graph]] = {
        "decoder": {"model.onnx": DecoderGraph},
        "encoder": {"model.onnx": EncoderGraph},
        "encoder-decoder": {"encoder.onnx": SourceGraph, "model.onnx": TargetGraph},
    }[layout.family]
    if layout.decoder:
        kinds = {**kinds, "rows.onnx": RowsGraph}
    if predicts(model):
        kinds = {**kinds, "lens.onnx": LensGraph}
    return {name: kind(model, layout) for name, kind in kinds.items()}


def _given(states: Tensor) -> BaseModelOutputWithPastAndCrossAttentions:
    """States as a tower gives them that did not run."""
    output = BaseModelOutputWithPastAndCrossAttentions(last_hidden_state=states)  # type: ignore[arg-type]
    for name in ("router_logits", "global_attentions"):
        setattr(output, name, None)  # mixtures and Longformer ask for theirs
    return output


def clipped(attention_mask: Tensor, length: int) -> Tensor:
    """The mask at the length that the keys have, which frees its own length from any check."""
    return attention_mask.index_select(1, torch.arange(length))


def positions_of(attention_mask: Tensor, past: int, tokens: int) -> Tensor:
    """Positions [batch, token] that count the tokens seen: right under left padding."""
    counted = (attention_mask.cumsum(-1) - 1).clamp(min=0)
    return counted.index_select(1, torch.arange(tokens) + past)
