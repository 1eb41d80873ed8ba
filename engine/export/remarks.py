"""What a family leaves out or does otherwise than one may think: sentences for the card.

They need the loaded model's own numbers (a window, a capacity); what holds of every model of a
family is in its layout's `notes`. What makes a model of sparse attention one of full attention is
here too, as its sentence says until which length that is the same.
"""

from __future__ import annotations

from typing import Any

from transformers import PreTrainedModel

from engine.errors import ExportFailed
from engine.export.layouts import Layout
from engine.export.model import full_attention, positions, settings, settle, width


def remarks(model: PreTrainedModel, layout: Layout) -> tuple[str, ...]:
    """The sentences of a model; what cannot be exported as it is, is changed or refused here."""
    _same_width(model)
    if getattr(model.config, "use_mems_eval", False):
        model.config.use_mems_eval = False  # XLNet's memory of texts read before this one
    found = (
        *settle(model),
        _full(model),
        _windows(model),
        _capacity(model),
        _shorter(model, layout),
    )
    return tuple(sentence for sentence in found if sentence)


def _same_width(model: PreTrainedModel) -> None:
    wide = settings(model, "encoder").hidden_size
    if wide != width(model):
        raise ExportFailed(
            f"Its encoder's vectors have {wide:,} numbers, its decoder's {width(model):,}: only "
            "models whose two sides are equally wide can be shown."
        )


def _full(model: PreTrainedModel) -> str:
    """BigBird attends in full until a text is long; there it is held to."""
    most = full_attention(model)
    if most is None:
        return ""
    base: Any = model.base_model
    base.set_attention_type("original_full")
    return (
        f"Up to {most:,} tokens it attends to all of them, as here; beyond, it would attend to "
        f"blocks of them, some chosen at random: texts end at {most:,} tokens here."
    )


def _windows(model: PreTrainedModel) -> str:
    found = getattr(model.config, "attention_window", None)
    if not found:
        return ""
    sides = sorted({one // 2 for one in (found if isinstance(found, list) else [found])})
    each = " or ".join(f"{one:,}" for one in sides)
    return (
        f"Each token of its encoder attends to at most {each} tokens on either side; the rest is "
        "masked. No token is given global attention, and the whole matrix is computed, so that "
        "long texts take more memory than in the model's own code."
    )


def _capacity(model: PreTrainedModel) -> str:
    most = getattr(model.config, "expert_capacity", None)
    if not most:
        return ""
    return (
        f"An expert takes at most {most:,} tokens of a text that is read at once; those after "
        "pass it by, which none does that is written token by token."
    )


def _shorter(model: PreTrainedModel, layout: Layout) -> str:
    """LED reads more than it writes; one limit holds for both."""
    if layout.encoder is None or layout.decoder is None:
        return ""
    reads, writes = positions(model, layout.encoder), positions(model, layout.decoder)
    if reads is None or writes is None or reads <= writes:
        return ""
    return (
        f"Its encoder has positions for {reads:,} tokens, its decoder for {writes:,}: texts end at "
        f"{writes:,} tokens here."
    )
