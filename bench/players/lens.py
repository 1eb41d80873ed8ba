"""TransformerLens: `run_with_cache`, in the environment of the rivals."""

from __future__ import annotations

import sys

import torch
from transformer_lens.model_bridge import TransformerBridge

from bench.players.turns import serve


def main(folder: str, threads: int) -> None:
    """Load the checkpoint in a folder and wait for what is asked."""
    torch.set_num_threads(threads)
    model = TransformerBridge.boot_transformers(folder, device="cpu")

    def trace(text: str, ids: list[int]) -> None:
        with torch.no_grad():
            model.run_with_cache(torch.tensor([ids]))

    serve({"trace": trace})


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
