"""PyTorch model in, ONNX graphs out, with the names of `engine.bundle`.

Each graph is a small module around the model: it turns the graph's inputs into a call of the
model, records everything on the way, and returns a flat dictionary. The same modules, run by
PyTorch, are the reference of the proof. Sizes of the example inputs are all different and above
one, since the exporter would take 0 and 1 for constants.
"""

from __future__ import annotations

import inspect
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import onnx_ir
import torch
from torch import Tensor, nn
from torch.export import Dim
from transformers import PreTrainedModel
from transformers.cache_utils import Cache, DynamicLayer, EncoderDecoderCache
from transformers.exporters.configs import OnnxConfig
from transformers.exporters.exporter_onnx import OnnxExporter
from transformers.modeling_outputs import (
    BaseModelOutput,
    BaseModelOutputWithPastAndCrossAttentions,
    Seq2SeqModelOutput,
)

from engine.bundle import Stack
from engine.export.capture import recording
from engine.export.families import Layout, Tower

BATCH, TOKEN, PAST, TOTAL, ROW, WANTED = 2, 5, 3, 8, 3, 4  # sizes of the example inputs
SOURCES, SOURCE = 6, 7

Past = list[dict[str, Tensor]]


class Kept(DynamicLayer):
    """The past of one layer, given as tensors whose length may be 0."""

    def __init__(self, keys: Tensor, values: Tensor) -> None:
        """Take over the tensors [row, key_head, past, dim]."""
        super().__init__()
        self.keys, self.values = keys, values
        self.dtype, self.device = keys.dtype, keys.device
        self.is_initialized = True

    def get_seq_length(self) -> int:
        """The length as the graph sees it: a symbol, never compared with 0."""
        assert self.keys is not None
        return self.keys.shape[-2]


def kept(past: Past, rows: Tensor) -> Cache:
    """The cache whose row i is row `rows[i]` of the past."""
    layers: list[Any] = [
        Kept(p["key"].index_select(0, rows), p["value"].index_select(0, rows)) for p in past
    ]
    return Cache(layers=layers)


class Graph(nn.Module):
    """A module whose forward has the inputs and outputs of one graph of a bundle."""

    def __init__(self, model: PreTrainedModel, layout: Layout) -> None:
        """Wrap a model loaded with our attention."""
        super().__init__()
        self.model = model
        self.layout = layout

    def example(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Inputs to trace with, and the names of their free dimensions."""
        raise NotImplementedError

    def _logits(self, first: Tensor, **call: Any) -> Tensor:
        """Call the model, with its output matrix at the positions `first` only."""

        def select(_module: nn.Module, _args: Any, output: Any) -> Any:
            output.last_hidden_state = output.last_hidden_state.index_select(1, first)
            return output

        hook = self.model.base_model.register_forward_hook(select)
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
        rows: Tensor,
        past: Past,
        head_mask: Tensor,
    ) -> dict[str, Tensor]:
        """Read `input_ids` after the past; see `engine.bundle` for the names."""
        tower = self.layout.decoder
        assert tower is not None
        cache = kept(past, rows)
        positions = positions_of(attention_mask, past[0]["key"].shape[2], input_ids.shape[1])
        call = {"position_ids": positions} if accepts(self.model, "position_ids") else {}
        with recording(self.model, tower, {"layer": head_mask}) as recorder:
            logits = self._logits(
                first,
                input_ids=input_ids,
                attention_mask=attention_mask,
                past_key_values=cache,
                use_cache=True,
                **call,
            )
        return {"logits": logits, **present(cache), **recorder.found}

    def example(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Two rows of five tokens after three, continuing three rows."""
        stack = tower_stack(self.model, "decoder")
        batch, token, past = Dim("batch"), Dim("token"), Dim("past", min=0)
        inputs, dims = step_inputs(self.model, stack, batch, token, past)
        return inputs, dims


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
        tower = self.layout.encoder
        assert tower is not None
        call = {"input_ids": input_ids, "attention_mask": attention_mask}
        if segments is not None:
            call["token_type_ids"] = segments
        with recording(self.model, tower, {"layer": head_mask}) as recorder:
            if first is None:
                self.model(**call)
                return dict(recorder.found)
            logits = self._logits(first, **call)
        return {"logits": logits, **recorder.found}

    def example(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Two texts of five tokens."""
        stack = tower_stack(self.model, "encoder")
        batch, token = Dim("batch"), Dim("token", max=limit(self.model, self.layout))
        inputs: dict[str, Any] = {
            "input_ids": torch.ones(BATCH, TOKEN, dtype=torch.long),
            "attention_mask": torch.ones(BATCH, TOKEN, dtype=torch.long),
            "head_mask": torch.ones(stack.layers, stack.heads),
        }
        dims: dict[str, Any] = {
            "input_ids": {0: batch, 1: token},
            "attention_mask": {0: batch, 1: token},
            "head_mask": {},
        }
        if predicts(self.model):
            inputs["first"], dims["first"] = torch.arange(WANTED), {0: Dim("wanted")}
        if takes_pairs(self.model):
            inputs["segments"] = torch.zeros(BATCH, TOKEN, dtype=torch.long)
            dims["segments"] = {0: batch, 1: token}
        return inputs, dims


class SourceGraph(Graph):
    """encoder.onnx of an encoder-decoder."""

    def forward(
        self, input_ids: Tensor, attention_mask: Tensor, head_mask: Tensor
    ) -> dict[str, Tensor]:
        """Read the sources and prepare the cross keys and values of every decoder layer."""
        encoder, decoder = self.layout.encoder, self.layout.decoder
        assert encoder is not None and decoder is not None
        with recording(self.model, encoder, {"layer": head_mask}) as recorder:
            states = self.model.get_encoder()(
                input_ids=input_ids, attention_mask=attention_mask
            ).last_hidden_state
        return {**self._source(states, decoder), **recorder.found}

    def _source(self, states: Tensor, tower: Tower) -> dict[str, Tensor]:
        heads = tower_stack(self.model, "decoder").key_heads
        found: dict[str, Tensor] = {}
        for layer, block in enumerate(children(self.model, tower.blocks)):
            cross = block.get_submodule(tower.cross or "")
            for name, path in (("key", tower.cross_key), ("value", tower.cross_value)):
                flat = cross.get_submodule(path)(states)
                split = flat.view(*flat.shape[:2], heads, -1).transpose(1, 2)
                found[f"source.{layer}.{name}"] = split
        return found

    def example(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Six sources of seven tokens."""
        stack = tower_stack(self.model, "encoder")
        batch, token = Dim("source_batch"), Dim("source")
        shape = (SOURCES, SOURCE)
        inputs = {
            "input_ids": torch.ones(shape, dtype=torch.long),
            "attention_mask": torch.ones(shape, dtype=torch.long),
            "head_mask": torch.ones(stack.layers, stack.heads),
        }
        free = {0: batch, 1: token}
        return inputs, {"input_ids": free, "attention_mask": free, "head_mask": {}}


class TargetGraph(Graph):
    """model.onnx of an encoder-decoder: its decoder."""

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor,
        first: Tensor,
        rows: Tensor,
        past: Past,
        head_mask: Tensor,
        source_mask: Tensor,
        sources: Tensor,
        source: Past,
        cross_head_mask: Tensor,
    ) -> dict[str, Tensor]:
        """Write after the past, looking at the sources' keys and values."""
        tower = self.layout.decoder
        assert tower is not None
        own, cross = kept(past, rows), kept(source, sources)
        cache = EncoderDecoderCache(own, cross)
        cache.is_updated = {layer: True for layer in range(len(past))}
        # The cross-attention reads its cache; the states only say that there is a source.
        width = self.model.config.d_model
        states = source[0]["key"].new_zeros(input_ids.shape[0], source_mask.shape[1], width)
        with recording(self.model, tower, {"layer": head_mask, "cross": cross_head_mask}) as kept_:
            logits = self._logits(
                first,
                attention_mask=source_mask.index_select(0, sources),
                decoder_input_ids=input_ids,
                decoder_attention_mask=attention_mask,
                encoder_outputs=BaseModelOutput(last_hidden_state=states),
                past_key_values=cache,
                use_cache=True,
            )
        return {"logits": logits, **present(own), **kept_.found}

    def example(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """A decoder's inputs, reading six sources of seven tokens."""
        stack = tower_stack(self.model, "decoder")
        batch, token, past = Dim("batch"), Dim("token"), Dim("past", min=0)
        source_batch, source = Dim("source_batch"), Dim("source")
        inputs, dims = step_inputs(self.model, stack, batch, token, past)
        inputs |= {
            "source_mask": torch.ones(SOURCES, SOURCE, dtype=torch.long),
            "sources": torch.arange(BATCH),
            "source": states(self.model, stack, SOURCES, SOURCE),
            "cross_head_mask": torch.ones(stack.layers, stack.heads),
        }
        dims |= {
            "source_mask": {0: source_batch, 1: source},
            "sources": {0: batch},
            "source": [{n: {0: source_batch, 2: source} for n in ("key", "value")}] * stack.layers,
            "cross_head_mask": {},
        }
        return inputs, dims


class LensGraph(Graph):
    """lens.onnx: what a hidden state would predict, were it the last one."""

    def forward(self, hidden: Tensor) -> dict[str, Tensor]:
        """hidden [row, width] -> logits [row, vocabulary], through final norm and output matrix."""
        tower = self.layout.decoder or self.layout.encoder
        assert tower is not None
        states = hidden.unsqueeze(0)
        if tower.norm:
            states = self.model.get_submodule(tower.norm)(states)
        both = self.layout.family == "encoder-decoder"
        kind = Seq2SeqModelOutput if both else BaseModelOutputWithPastAndCrossAttentions
        base = self.model.base_model
        forward = base.forward
        base.forward = lambda *_, **__: kind(last_hidden_state=states)
        try:
            ids = torch.ones(1, 1, dtype=torch.long)
            return {"logits": self.model(input_ids=ids).logits.squeeze(0)}
        finally:
            base.forward = forward

    def example(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Two hidden states."""
        width = self.model.config.hidden_size
        hidden = torch.zeros(BATCH, width, dtype=self.model.dtype)
        return {"hidden": hidden}, {"hidden": {0: Dim("row")}}


def graphs(model: PreTrainedModel, layout: Layout) -> dict[str, Graph]:
    """The graphs of a model's bundle, by file name."""
    found: dict[str, Graph]
    if layout.family == "decoder":
        found = {"model.onnx": DecoderGraph(model, layout)}
    elif layout.family == "encoder":
        found = {"model.onnx": EncoderGraph(model, layout)}
    else:
        found = {
            "encoder.onnx": SourceGraph(model, layout),
            "model.onnx": TargetGraph(model, layout),
        }
    if predicts(model):
        found["lens.onnx"] = LensGraph(model, layout)
    return found


def convert(graph: Graph) -> onnx_ir.Model:
    """Trace a graph's module and translate it to ONNX."""
    inputs, dims = graph.example()
    config = OnnxConfig(
        dynamic=True, dynamic_shapes=dims, prefer_deferred_runtime_asserts_over_guards=True
    )
    with quiet():
        program = OnnxExporter().export(graph.eval(), inputs, config).program  # type: ignore[arg-type]
    strip(program)
    return program


@contextmanager
def quiet() -> Iterator[None]:
    """Silence the exporter's remarks about versions and packages that do not matter here."""
    loggers = [logging.getLogger(name) for name in ("transformers.exporters.base", "torch.onnx")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def strip(program: onnx_ir.Model) -> None:
    """Drop the notes about where each node came from: most of a small graph's bytes."""
    program.metadata_props.clear()
    program.graph.metadata_props.clear()
    for node in program.graph.all_nodes():
        node.metadata_props.clear()
        node.doc_string = None
        for value in node.outputs:
            value.metadata_props.clear()
    for value in [*program.graph.inputs, *program.graph.initializers.values()]:
        value.metadata_props.clear()


def positions_of(attention_mask: Tensor, past: int, tokens: int) -> Tensor:
    """Positions [batch, token] that count the tokens seen: right under left padding."""
    counted = (attention_mask.cumsum(-1) - 1).clamp(min=0)
    return counted.index_select(1, torch.arange(tokens, device=counted.device) + past)


def present(cache: Cache) -> dict[str, Tensor]:
    """The past and the tokens just read, as the next step's past."""
    found: dict[str, Tensor] = {}
    for k, layer in enumerate(cache.layers):
        assert isinstance(layer, Kept) and layer.keys is not None and layer.values is not None
        found |= {f"present.{k}.key": layer.keys, f"present.{k}.value": layer.values}
    return found


def states(model: PreTrainedModel, stack: Stack, rows: int, length: int) -> Past:
    """Keys and values of every layer, for an example."""
    shape = (rows, stack.key_heads, length, stack.dim)
    return [
        {name: torch.zeros(shape, dtype=model.dtype) for name in ("key", "value")}
        for _ in range(stack.layers)
    ]


def step_inputs(
    model: PreTrainedModel, stack: Stack, batch: Any, token: Any, past: Any
) -> tuple[dict[str, Any], dict[str, Any]]:
    """What every decoder takes."""
    inputs = {
        "input_ids": torch.ones(BATCH, TOKEN, dtype=torch.long),
        "attention_mask": torch.ones(BATCH, TOTAL, dtype=torch.long),
        "first": torch.arange(WANTED),
        "rows": torch.arange(BATCH),
        "past": states(model, stack, ROW, PAST),
        "head_mask": torch.ones(stack.layers, stack.heads),
    }
    row = Dim("row")
    dims = {
        "input_ids": {0: batch, 1: token},
        "attention_mask": {0: batch, 1: Dim("total")},
        "first": {0: Dim("wanted")},
        "rows": {0: batch},
        "past": [{n: {0: row, 2: past} for n in ("key", "value")}] * stack.layers,
        "head_mask": {},
    }
    return inputs, dims


def tower_stack(model: PreTrainedModel, side: str) -> Stack:
    """The shape of one tower, from the model's configuration."""
    config = model.config
    both = config.is_encoder_decoder
    layers = getattr(config, f"{side}_layers") if both else config.num_hidden_layers
    heads = getattr(config, f"{side}_attention_heads") if both else config.num_attention_heads
    key_heads = getattr(config, "num_key_value_heads", None) or heads
    dim = getattr(config, "head_dim", None) or config.hidden_size // heads
    return Stack(layers=layers, heads=heads, key_heads=key_heads, dim=dim, scale=dim**-0.5)


def children(model: nn.Module, path: str) -> list[nn.Module]:
    """The blocks of a tower."""
    return list(model.get_submodule(path).children())


def limit(model: PreTrainedModel, layout: Layout) -> int | None:
    """The most tokens the model has positions for; None where it has no limit of its own."""
    most = getattr(model.config, "max_position_embeddings", None)
    return most if isinstance(most, int) and layout.positions != "relative" else None


def accepts(model: PreTrainedModel, name: str) -> bool:
    """Whether the model's forward has an argument of that name."""
    return name in inspect.signature(type(model).forward).parameters


def predicts(model: PreTrainedModel) -> bool:
    """Whether the model has an output matrix."""
    return model.get_output_embeddings() is not None


def takes_pairs(model: PreTrainedModel) -> bool:
    """Whether the model tells two texts apart."""
    types = getattr(model.config, "type_vocab_size", 0)
    return accepts(model, "token_type_ids") and types > 1
