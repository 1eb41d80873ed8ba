"""`python -m bench.gpu` (`make bench-gpu`): the engine on a GPU, beside PyTorch there.

    --device cuda|cpu  `cpu` only tries the benchmark itself (in float32)
    --models NAME ...  of `bench.models`; GPT-2 of 124 million weights and a LLaMA of 1.2 billion
    --quick            fewer repetitions
    --out FILE         keep the table in a file: it replaces the one of its title there

Everything in float16, random weights of true sizes. Rivals are eager `transformers` and the same
with `torch.compile`. One token costs at least the reading of every weight: the share of that limit
is bytes of weights x tokens a second / bytes a second that the device moves in copying an array.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing
from functools import partial
from pathlib import Path

from bench.contest import Player, turns
from bench.measure import Row, Times
from bench.models import checkpoint, folder
from bench.report import every, tell
from bench.rivals import GREEDY, NAMES, against, effort, given
from engine.settings import cores

TITLE = "On a GPU, in float16"
MODELS = ("gpt2-124m", "llama-1b")
LENGTHS = (128, 512)
WRITTEN = 128
SHARE = 0.35  # of the bandwidth limit, for the large model


def main() -> int:
    """Measure, print every row at once, and keep the table."""
    asked = arguments()
    parts = {model: partial(measured, model, asked.device, asked.quick) for model in asked.models}
    tell(TITLE, every(parts), asked.out, also=f"; {card()}")
    return 0


def arguments() -> argparse.Namespace:
    """The command line."""
    found = argparse.ArgumentParser(prog="python -m bench.gpu", description=__doc__)
    found.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    found.add_argument("--models", nargs="+", default=list(MODELS))
    found.add_argument("--quick", action="store_true")
    found.add_argument("--out", type=Path)
    return found.parse_args()


def card() -> str:
    """The GPU's name and driver, as its own tool tells them."""
    command = ["nvidia-smi", "--query-gpu=name,driver_version", "--format=csv,noheader"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return "no NVIDIA GPU"
    return done.stdout.strip().replace("\n", "; ")


def measured(model: str, device: str, quick: bool) -> Iterator[Row]:
    """A model's traces, its writing, and its share of what the memory allows."""
    bundle = folder(model, "fp32" if device == "cpu" else "fp16")
    places = {"atlas": bundle, "eager": checkpoint(model), "compiled": checkpoint(model)}
    with ExitStack() as stack:
        players = {
            name: stack.enter_context(
                closing(Player(name, Path(sys.executable), place, cores(), device))
            )
            for name, place in places.items()
        }
        refuse_other(players["atlas"], device)
        for count in LENGTHS:
            text = given(players["atlas"], count)
            found = turns(players, {"do": "trace"} | text, **effort(quick))
            yield from against(f"{model}, trace of {len(text['ids'])} tokens", found, {})
        ids = given(players["atlas"], 16)["ids"]
        work = {"do": "write", "ids": ids, "settings": GREEDY, "count": WRITTEN}
        found = turns(players, work, **effort(quick))
        yield from against(f"{model}, {WRITTEN} tokens written", found, {})
        answer = players["eager"].ask("bandwidth").get("found")
        size = weights(bundle)
        for name, times in found.items():
            if isinstance(times, Times) and answer:
                yield share(f"{model}, {NAMES[name]}", times, size, answer, name == "atlas")


def refuse_other(player: Player, device: str) -> None:
    """Raise RuntimeError where the engine fell back to another device than was asked for."""
    used = player.ask("device").get("found")
    if used != device:
        raise RuntimeError(f"it runs on {used}, not on {device}: {player.missing or 'no session'}")


def weights(bundle: Path) -> int:
    """Bytes of a bundle's weights: what a step reads at least."""
    return (bundle / "weights.bin").stat().st_size


def share(what: str, times: Times, size: int, speed: int, ours: bool) -> Row:
    """Tokens a second, and their share of the limit that the memory sets."""
    rate = WRITTEN / times.median
    found = rate * size / speed
    text = f"{rate:,.0f} tokens/s, {found:.0%} of {speed / 1e9:,.0f} GB/s"
    goal = {"goal": f"{SHARE:.0%}", "met": found >= SHARE} if ours and size > 2e9 else {}
    return Row(f"{what}: share of the memory's limit", text, **goal)


if __name__ == "__main__":
    sys.exit(main())
