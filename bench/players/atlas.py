"""The engine of this project, as the pages use it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from bench.players.turns import serve
from engine.decoding.beams import Search
from engine.decoding.continuation import Line
from engine.decoding.generation import generate
from engine.decoding.sampling import Sampling
from engine.decoding.translation import translate
from engine.models import runtime
from engine.models.runtime import open_bundle
from engine.store import store
from engine.tokenizers import tokens
from engine.trace import outputs, running, tracing
from engine.trace import sides as towers
from engine.values import Reading, Side

WORDS = "the cat sat on the mat and the boy said that he was not there".split()


def main(folder: Path) -> None:
    """Open the bundle in a folder and wait for what is asked."""
    bundle = open_bundle(folder)
    two = bundle.card.family == "encoder-decoder"
    sides: tuple[Side, ...] = ("encoder", "decoder") if two else ("decoder",)
    for graph in ("model", "encoder")[: 1 + two]:
        bundle.session(graph)  # type: ignore[arg-type]

    def text(count: int) -> dict[str, Any]:
        """A text of `count` tokens, or as near below as whole words come, and its ids."""
        many = " ".join(WORDS[place % len(WORDS)] for place in range(count))
        ends = tokens.tokenize(bundle, many).spans[: count - 1, 1]
        found = many[: int(max(ends))].rsplit(" ", 1)[0]
        return {"text": found, "ids": tokens.tokenize(bundle, found).ids.tolist()}

    def reading(text: str, ids: list[int]) -> Reading:
        return Reading("m", text, target=tuple(ids) if two else None)

    def trace(text: str, ids: list[int], everything: bool = False) -> None:
        """What `transformers` gives in one pass: weights, hidden states, logits of all places."""
        kinds = (".weights", *(f".{part}" for part in outputs.PARTS if everything))
        store().clear()  # what the encoder made of the last text is kept there
        for side in sides:
            graph, stack = towers.graph(bundle.card, side), towers.stack(bundle.card, side)
            wanted = [
                name
                for name in bundle.session(graph).outputs
                if name.startswith("hidden.") or name.endswith(kinds)
            ]
            predicts = side == sides[-1]
            whole = reading(text, ids)
            cut = running.tokens(bundle, whole, side)
            running.run(
                bundle,
                whole,
                side,
                cut,
                [*wanted, "logits"] if predicts else wanted,
                first=tuple(range(len(cut))) if predicts else (0,),
                keep=range(stack.layers),
            )

    def by_layer(text: str, ids: list[int]) -> None:
        store().clear()
        for side in sides:
            stack = bundle.card.encoder if side == "encoder" else bundle.card.tower
            for index in range(stack.layers if stack else 0):
                tracing.layer(bundle, reading(text, ids), side, index)

    def write(ids: list[int], settings: list[dict[str, Any]], count: int) -> int:
        lines = [Line(Sampling(**one)) for one in settings]
        steps = generate(bundle, ids, lines, seed=1, limit=count)
        return sum(len(step.written) for step in steps)

    def translation(text: str, ids: list[int], width: int, count: int) -> int:
        found = translate(bundle, Reading("m", text), Search(width, limit=count))
        return len(found.found.hypotheses[0].ids)

    def opening() -> None:
        runtime.forget(folder)
        open_bundle(folder).session()
        if two:
            open_bundle(folder).session("encoder")

    serve(
        {
            "text": text,
            "trace": trace,
            "layers": by_layer,
            "write": write,
            "translate": translation,
            "open": opening,
            "device": lambda: bundle.session().device.provider,
        }
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
