"""`transformers` with `torch.compile`: the forward pass, and `generate` over a static cache."""

from __future__ import annotations

import sys
from pathlib import Path

from bench.players.eager import main

if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), *sys.argv[3:], compiled=True)
