"""CTranslate2 in float32, in the environment of the rivals; its model is made at the first start.

A checkpoint of random weights has no words: each id is its own, written as a number.
"""

from __future__ import annotations

import sys
from pathlib import Path

import ctranslate2
from ctranslate2.converters import transformers as converters
from transformers import MarianMTModel

from bench.players.turns import serve


def convert(folder: Path, made: Path) -> None:
    """Write the checkpoint in `folder` as CTranslate2's model."""
    model = MarianMTModel.from_pretrained(folder)
    spec = converters.MarianMTLoader().get_model_spec(model)
    # Its loader leaves out the last row, where Marian keeps its padding.
    words = [f"w{k}" for k in range(model.config.vocab_size - 1)]
    words[model.config.eos_token_id] = "</s>"
    words[2] = "<unk>"
    spec.register_source_vocabulary(words)
    spec.register_target_vocabulary(words)
    spec.config.eos_token = spec.config.decoder_start_token = "</s>"
    spec.config.unk_token = "<unk>"
    spec.validate()
    spec.optimize()
    made.mkdir(parents=True, exist_ok=True)
    spec.save(str(made))


def main(folder: Path, threads: int) -> None:
    """Load the model of a checkpoint and wait for what is asked."""
    made = folder.with_name(f"{folder.name}-ctranslate2")
    if not (made / "model.bin").exists():
        convert(folder, made)
    model = ctranslate2.Translator(
        str(made), device="cpu", intra_threads=threads, inter_threads=1, compute_type="float32"
    )

    def translate(text: str, ids: list[int], width: int, count: int) -> int:
        found = model.translate_batch(
            [[f"w{k}" for k in ids]],
            beam_size=width,
            min_decoding_length=count,
            max_decoding_length=count,
        )
        return len(found[0].hypotheses[0])

    serve({"translate": translate})


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
