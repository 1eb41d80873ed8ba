"""Eager `transformers`: what it takes to see weights and hidden states, and `generate`.

On a GPU in float16; `compiled` plays the same with `torch.compile`.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import torch
import transformers

from bench.players.turns import serve

FILTERS = ("temperature", "top_k", "top_p", "min_p")


def load(folder: Path, device: str = "cpu") -> Any:
    """The checkpoint as people load it to see attention."""
    (kind,) = transformers.AutoConfig.from_pretrained(folder).architectures or ("",)
    dtype = torch.float32 if device == "cpu" else torch.float16
    model = getattr(transformers, kind).from_pretrained(
        folder, attn_implementation="eager", dtype=dtype
    )
    return model.eval().to(device)


def copied(device: str, size: int = 2**29, turns: int = 20) -> int:
    """Bytes a second that the device reads and writes when it copies a large array."""
    given = torch.zeros(size, dtype=torch.uint8, device=device)
    target = torch.empty_like(given)

    def copy() -> float:
        began = time.perf_counter()
        for _ in range(turns):
            target.copy_(given)
        finish(device)
        return time.perf_counter() - began

    copy()
    return int(2 * size * turns / min(copy() for _ in range(3)))


def finish(device: str) -> None:
    """Wait for what a GPU has been told to do."""
    if device != "cpu":
        torch.cuda.synchronize()


def main(folder: Path, threads: int, device: str = "cpu", *, compiled: bool = False) -> None:
    """Load the checkpoint in a folder and wait for what is asked."""
    torch.set_num_threads(threads)
    model = load(folder, device)
    two = model.config.is_encoder_decoder
    run = torch.compile(model) if compiled else model
    # A cache of one size is what lets `generate` keep a compiled step.
    fixed: dict[str, Any] = {"cache_implementation": "static"} if compiled else {}

    def trace(text: str, ids: list[int]) -> None:
        given = torch.tensor([ids], device=device)
        call = {"decoder_input_ids": given} if two else {}
        with torch.no_grad():
            found = run(input_ids=given, output_attentions=True, output_hidden_states=True, **call)
        if device != "cpu":  # to be drawn, they must come to the processor
            [part.cpu() for part in (*(found.get("attentions") or ()), *found.hidden_states)]

    def written(ids: list[int], count: int, **options: Any) -> int:
        given = torch.tensor([ids], device=device)
        found = model.generate(
            given,
            attention_mask=torch.ones_like(given),
            min_new_tokens=count,
            max_new_tokens=count,
            pad_token_id=0,
            **fixed,
            **options,
        )
        finish(device)
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
        load(folder, device)

    works = {"trace": trace, "write": write, "translate": translate, "open": opening}
    serve(works | {"bandwidth": lambda: copied(device)})


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), *sys.argv[3:])
