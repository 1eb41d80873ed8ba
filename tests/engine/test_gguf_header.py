"""Headers of GGUF files that lie: each lie is one sentence, and nothing follows a number of theirs.

10,000 mutated headers: no exception but ours, hardly any memory, no place outside the file.
"""

from __future__ import annotations

import random
import struct
import tracemalloc
from pathlib import Path

import pytest

from engine.errors import ExportFailed
from engine.export.sources.gguf_header import TYPES, read
from tests.engine.gguf_files import ARCHITECTURE, TENSOR, array, made, string, text, whole

HUGE = 2**63
COUNT = 10_000


def of(path: Path, data: bytes):
    path.write_bytes(data)
    return read(path)


def test_a_right_file_is_read(tmp_path: Path) -> None:
    values = [
        ARCHITECTURE,
        ("llama.block_count", whole(2)),
        ("general.alignment", whole(64)),
        ("tokenizer.ggml.tokens", array(8, [text("a"), text(b"\xff")])),
        ("sections", array(4, [struct.pack("<I", 7)] * 3)),
        ("many", array(0, [b"\1"] * 500)),
    ]
    tensors = [TENSOR, ("blk.0.attn_q.weight", (32, 2), 3, 512)]
    data = made(values, tensors, data=bytes(512 + 40), alignment=64)
    found = of(tmp_path / "model.gguf", data)
    assert (found.architecture, found.fact("block_count"), found.elements) == ("llama", 2, 192)
    assert found.metadata["tokenizer.ggml.tokens"] == 2 and found.metadata["many"] == 500
    assert found.metadata["sections"] == (7, 7, 7)
    first, second = found.tensors
    assert (first.kind, first.size, second.kind, second.size) == ("F32", 512, "Q4_1", 40)
    assert second.start == first.start + 512 and second.start + second.size == len(data)
    assert found.quantization == "F32"


LIES = {
    "empty": (b"", "byte 4 of 0"),
    "no magic": (made(magic=b"GGML"), "does not begin with GGUF"),
    "old": (made(version=1), "version 1"),
    "other byte order": (made(version=3 << 24), "version 50,331,648"),
    "2^63 tensors": (made(counts=(HUGE, None)), "9,223,372,036,854,775,808 tensors"),
    "2^63 values": (made(counts=(None, HUGE)), "9,223,372,036,854,775,808 values"),
    "more values than bytes": (made(counts=(None, 9000)), "9,000 values"),
    "no tensors": (made(tensors=[]), "no tensors"),
    "no architecture": (made([("general.name", string("x"))]), "which architecture"),
    "architecture a number": (made([("general.architecture", whole(1))]), "which architecture"),
    "architecture a page": (made([("general.architecture", string("<b>" * 400_000))]),
                            "called '<b><b>"),
    "architecture two lines": (made([("general.architecture", string("llama\n\nYou"))]),
                               r"called 'llama\\n\\nYou'"),
    "a name twice": (made([ARCHITECTURE, ARCHITECTURE]), "twice"),
    "not UTF-8": (made([(b"\xff\xfe", string("x"))]), "not UTF-8"),
    "a text of 2^63": (made([("a", (8, struct.pack("<Q", HUGE)))]), "would have 9,223"),
    "a text past the end": (made([("a", (8, struct.pack("<Q", 4000)))], data=b""), "would end"),
    "no such type": (made([("a", (13, b""))]), "of type 13"),
    "an array of arrays": (made([("a", array(9, []))]), "array of type 9"),
    "an array of 2^63": (made([("a", array(4, [], HUGE))]), "numbers in 'a'"),
    "texts of 2^63": (made([("a", array(8, [], HUGE))]), "texts in 'a'"),
    "a text in an array": (made([("a", array(8, [struct.pack("<Q", HUGE)]))]), "would end"),
    "no dimensions": (made(tensors=[("t", (), 0, 0)]), "has 0 dimensions"),
    "nine dimensions": (made(tensors=[("t", (1,) * 9, 0, 0)]), "has 9 dimensions"),
    "nothing in it": (made(tensors=[("t", (0, 4), 0, 0)]), "no whole blocks"),
    "half a block": (made(tensors=[("t", (40, 1), 2, 0)]), "no whole blocks of 32"),
    "a tensor of 2^126": (made(tensors=[("t", (HUGE, HUGE), 0, 0)]), "would end"),
    "quantization unknown": (made(tensors=[("t", (32,), 99, 0)]), "of type 99"),
    "a place outside": (made(tensors=[("t", (32,), 0, 4096)]), "would end"),
    "a place of 2^63": (made(tensors=[("t", (32,), 0, HUGE)]), "would end"),
    "between places": (made(tensors=[("t", (32,), 0, 4)]), "begins at byte"),
    "over another": (made(tensors=[TENSOR, ("t", (32,), 0, 32)]), "begins at byte"),
    "the same name": (made(tensors=[TENSOR, ("token_embd.weight", (32,), 0, 512)],
                           data=bytes(1024)), "two tensors of one name"),
    "alignment 0": (made([ARCHITECTURE, ("general.alignment", whole(0))]), "alignment is 0"),
    "alignment 2^31": (made([ARCHITECTURE, ("general.alignment", whole(2**31))]), "alignment"),
    "alignment a text": (made([ARCHITECTURE, ("general.alignment", string("x"))]), "alignment"),
    "cut": (made()[:-1], "would end"),
}  # fmt: skip


@pytest.mark.parametrize("name", LIES)
def test_a_lie_is_one_sentence(tmp_path: Path, name: str) -> None:
    data, told = LIES[name]
    with pytest.raises(ExportFailed, match=told) as caught:
        of(tmp_path / "model.gguf", data)
    assert (
        str(caught.value).startswith("model.gguf is no GGUF file") and len(str(caught.value)) < 400
    )


def test_a_folder_and_nothing_are_a_sentence(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "missing.gguf"):
        with pytest.raises(ExportFailed, match="cannot be read"):
            read(path)


def test_ten_thousand_mutated_headers(tmp_path: Path) -> None:
    """Bytes flipped, cut, repeated, numbers replaced by extreme ones."""
    values = [
        ARCHITECTURE,
        ("llama.block_count", whole(2)),
        ("general.alignment", whole(32)),
        ("tokenizer.chat_template", string("{{ bos_token }}" * 9)),
        ("tokenizer.ggml.tokens", array(8, [text(f"token{k}") for k in range(40)])),
        ("tokenizer.ggml.scores", array(6, [struct.pack("<f", k) for k in range(40)])),
    ]
    tensors = [(f"blk.{k}.ffn_up.weight", (32, 4), 0, 512 * k) for k in range(6)]
    right = made(values, tensors, data=bytes(512 * 6))
    head = len(right) - 512 * 6
    rng = random.Random(18)
    path = tmp_path / "model.gguf"
    refused = 0
    tracemalloc.start()
    try:
        for _ in range(COUNT):
            data = mutated(right, head, rng)
            path.write_bytes(data)
            try:
                found = read(path)
            except ExportFailed as error:
                refused += 1
                assert len(str(error)) < 500
            else:
                assert all(0 <= t.start <= t.start + t.size <= len(data) for t in found.tensors)
                assert sum(t.size for t in found.tensors) <= len(data)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert refused > COUNT / 2 and peak < 5_000_000


def mutated(right: bytes, head: int, rng: random.Random) -> bytes:
    data = bytearray(right)
    for _ in range(rng.randint(1, 3)):
        place = rng.randrange(min(head, len(data) - 9))
        match rng.randrange(5):
            case 0:
                data[place] = rng.randrange(256)
            case 1:
                extreme = rng.choice((0, 1, 2**31, 2**32 - 1, 2**63, 2**64 - 1, len(data), head))
                data[place : place + 8] = struct.pack("<Q", extreme)
            case 2:
                del data[place : place + rng.randint(1, 40)]
            case 3:
                data[place:place] = data[place : place + rng.randint(1, 40)]
            case _:
                del data[rng.randrange(head, len(data)) if len(data) > head else place + 9 :]
    return bytes(data)


def test_the_types_are_those_of_the_library() -> None:
    """Their block sizes, and each of them can be turned into floats."""
    import gguf
    from gguf.quants import _type_traits

    for number, (name, block, size) in TYPES.items():
        kind = gguf.GGMLQuantizationType(number)
        assert (kind.name, *gguf.GGML_QUANT_SIZES[kind]) == (name, block, size)
        assert kind in _type_traits or name in ("F32", "F16")
