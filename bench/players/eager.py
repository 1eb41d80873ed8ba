"""Eager `transformers`: what it takes to see weights and hidden states, and `generate`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import torch
import transformers

from bench.players.turns import serve

FILTERS = ("temperature", "top_k", "top_p", "min_p")


def load(folder: Path) -> Any:
    """The checkpoint as people load it to see attention."""
    kind = transformers.AutoConfig.from_pretrained(folder).architectures[0]
    model = getattr(transformers, kind).from_pretrained(folder, attn_implementation="eager")
    return model.eval()


def main(folder: Path, threads: int) -> None:
    """Load the checkpoint in a folder and wait for what is asked."""
    torch.set_num_threads(threads)
    model = load(folder)
    two = model.config.is_encoder_decoder

    def trace(text: str, ids: list[int]) -> None:
        given = torch.tensor([ids])
        call = {"decoder_input_ids": given} if two else {}
        with torch.no_grad():
            model(input_ids=given, output_attentions=True, output_hidden_states=True, **call)

    def written(ids: list[int], count: int, **options: Any) -> int:
        given = torch.tensor([ids])
        found = model.generate(
            given,
            attention_mask=torch.ones_like(given),
            min_new_tokens=count,
            max_new_tokens=count,
            pad_token_id=0,
            **options,
        )
        return found.shape[1] - (1 if two else len(ids))

    def write(ids: list[int], settings: list[dict[str, Any]], count: int) -> int:
        done = 0
        for setting in settings:
            options: dict[str, Any] = {"do_sample": False}
            if setting.get("temperature"):
                options = {"do_sample": True, "top_k": 0} | setting
            done += written(ids, count, **options)
        return done

    def translate(text: str, ids: list[int], width: int, count: int) -> int:
        return written(ids, count, num_beams=width, do_sample=False)

    def opening() -> None:
        load(folder)

    serve({"trace": trace, "write": write, "translate": translate, "open": opening})


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
