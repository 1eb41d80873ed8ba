"""llama.cpp with weights of 8 bits (Q8_0), in the environment of the rivals.

Its server's own loop, without HTTP: rows asked for at once share a batch. A file of other numbers
is written anew with every matrix as Q8_0 at the first start.
"""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import xllamacpp
from gguf import GGMLQuantizationType, GGUFReader, GGUFValueType, GGUFWriter
from gguf.quants import dequantize, quantize

from bench.players.turns import serve

ROWS = 6  # at once
EIGHT = GGMLQuantizationType.Q8_0
MOSTLY_EIGHT = 7  # what a file says of itself then


def convert(source: Path, made: Path) -> None:
    """Write a model's file with its matrices as Q8_0, all else as it is."""
    reader = GGUFReader(source)
    part = made.with_suffix(".part")
    writer = GGUFWriter(part, reader.fields["general.architecture"].contents())
    for name, field in reader.fields.items():
        if name.startswith("GGUF.") or name == "general.architecture":
            continue
        value = MOSTLY_EIGHT if name == "general.file_type" else field.contents()
        kind, inner = field.types[0], field.types[-1]
        sub = inner if kind == GGUFValueType.ARRAY else None
        writer.add_key_value(name, value, kind, sub_type=sub)
    for tensor in reader.tensors:
        shape = [int(size) for size in reversed(tensor.shape)]
        numbers = dequantize(tensor.data, tensor.tensor_type).reshape(shape).astype(np.float32)
        if numbers.ndim == 2:
            writer.add_tensor(tensor.name, quantize(numbers, EIGHT), raw_dtype=EIGHT)
        else:
            writer.add_tensor(tensor.name, numbers)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    part.rename(made)


def main(file: Path, threads: int) -> None:
    """Load the model of a GGUF file and wait for what is asked."""
    made = file.with_name(f"{file.stem}-q8.gguf")
    if not made.exists():
        convert(file, made)
    options = xllamacpp.CommonParams()
    options.model.path = str(made)
    options.n_ctx, options.n_parallel = 256 * ROWS, ROWS
    options.cpuparams.n_threads = options.cpuparams_batch.n_threads = threads
    server = xllamacpp.Server(options)
    pool = ThreadPoolExecutor(ROWS)

    def write(ids: list[int], settings: list[dict[str, Any]], count: int) -> int:
        found = pool.map(lambda one: completed(ids, one, count), settings)
        return sum(found)

    def completed(ids: list[int], setting: dict[str, Any], count: int) -> int:
        asked = {"top_k": 0, "top_p": 1.0, "min_p": 0.0} | setting
        more = {"n_predict": count, "ignore_eos": True, "cache_prompt": False}
        answer = server.handle_completions({"prompt": ids, **asked, **more})
        return int(answer["usage"]["completion_tokens"])

    serve({"write": write})


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
