"""Highlights: meanings found in the run at hand, and files that name what cannot be."""

from __future__ import annotations

import numpy as np
import pytest

from engine.api import Engine, local
from engine.attention.heads import MEASURES
from engine.decoding.beams import Search
from engine.learn.answers import Asked, NoQuestion
from engine.learn.highlights import HEADS, Found, Seen, resolve
from engine.learn.lessons import Highlight
from engine.learn.reader import LessonError, read, shipped
from engine.values import Kind, Reading
from tests.engine.test_grading import FILE

ENGINE = local()
BANK = "The river bank was wet, so she walked to the bank and asked for money."
MONKEY = "The monkey ate that banana because it was too hungry."
KING = "Once upon a time there was an old king who"


@pytest.fixture
def asks(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever is asked below is this engine."""
    monkeypatch.setitem(globals(), "ENGINE", engine)


def find(spec: str, model: str, text: str, kind: Kind, layer: int = 1, head: int = 1) -> Found:
    means, _, name = spec.partition(":")
    seen = Seen(Asked(ENGINE, model, text), kind, layer, head)
    return resolve(Highlight(means, name), seen)  # type: ignore[arg-type]


def pieces(model: str, text: str) -> list[str]:
    tokens = ENGINE.tokens(Reading(model, text))
    return [text[start:end] for start, end in tokens.spans.tolist()]


@pytest.mark.usefixtures("asks")
def test_a_word_is_found_wherever_it_stands_with_all_its_tokens() -> None:
    names = pieces("tales-bert", BANK)
    places = tuple(i for i, name in enumerate(names) if name == "bank")
    assert len(places) == 2 and find("word:bank", "tales-bert", BANK, "encoder").tokens == places
    found = find("column:banana", "tales-bert", MONKEY, "encoder")
    assert "".join(pieces("tales-bert", MONKEY)[i] for i in found.keys) == "banana"
    row = find("row:it", "tales-bert", MONKEY, "encoder")
    assert [pieces("tales-bert", MONKEY)[i] for i in row.queries] == ["it"]


@pytest.mark.parametrize(
    ("model", "text", "kind"), [("tales-bert", MONKEY, "encoder"), ("tales-gpt", KING, "decoder")]
)
@pytest.mark.usefixtures("asks")
def test_the_strongest_cell_is_the_largest_weight_of_rows_with_a_choice(
    model: str, text: str, kind: Kind
) -> None:
    weights = ENGINE.attention(Reading(model, text), kind, 1).weights[2].copy()
    if kind == "decoder":
        weights[0] = -1  # its first token has only itself
    row, column = np.unravel_index(int(weights.argmax()), weights.shape)
    assert find("cell:max", model, text, kind, 2, 3).cell == (row, column)
    place = len(weights) - 1
    last = pieces(model, text)[place].strip()
    if kind == "decoder":
        found = find(f"cell:{last}", model, text, kind, 2, 3)
        assert found.cell == (place, int(weights[place].argmax()))


@pytest.mark.usefixtures("asks")
def test_a_head_is_found_by_what_it_does_or_by_number() -> None:
    assert find("head:previous-token", "tales-bert", MONKEY, "encoder").head == (2, 3)
    assert find("head:3.4", "tales-bert", MONKEY, "encoder").head == (3, 4)
    with pytest.raises(NoQuestion, match=r"no head 9\.1"):
        find("head:9.1", "tales-bert", MONKEY, "encoder")
    assert set(HEADS.values()) == {one.name for one in MEASURES if one.share}


@pytest.mark.usefixtures("asks")
def test_a_next_token_is_found_by_its_rank_or_its_word() -> None:
    last = len(ENGINE.tokens(Reading("tales-gpt", KING))) - 1
    top = int(ENGINE.logits(Reading("tales-gpt", KING), (last,)).logits[0].argmax())
    assert find("token:top", "tales-gpt", KING, "decoder").ids == (top,)
    word = ENGINE.texts("tales-gpt", [top])[0].strip()
    assert find(f"token:{word}", "tales-gpt", KING, "decoder").ids == (top,)


@pytest.mark.usefixtures("asks")
def test_a_written_word_is_found_in_the_translation() -> None:
    text = "Le chat noir dort dans la petite maison."
    trace = ENGINE.translation_trace(Reading("fr-en", text), Search())
    found = find("written:black", "fr-en", text, "encoder").written
    assert [trace.target[i].strip() for i in found] == ["black"]


@pytest.mark.parametrize(
    ("spec", "why"),
    [
        ("word:zebra", "not in this text"),
        ("row:zebra", "not in this text"),
        ("written:black", "writes no translation"),
        ("token:top", "predicts masked tokens"),
    ],
)
@pytest.mark.usefixtures("asks")
def test_what_is_not_there_says_so(spec: str, why: str) -> None:
    with pytest.raises(NoQuestion, match=why):
        find(spec, "tales-bert", MONKEY, "encoder")


@pytest.mark.usefixtures("asks")
def test_every_highlight_of_the_course_is_found_in_its_own_run() -> None:
    count = 0
    for lesson in shipped().values():
        for step in lesson.steps:
            kind: Kind = "decoder" if step.model == "tales-gpt" else "encoder"
            layer, head = (int(step.state.get(key, "1")) for key in ("layer", "head"))
            for one in step.highlights:
                found = resolve(
                    one, Seen(Asked(ENGINE, step.model, step.sentence), kind, layer, head)
                )
                assert found != Found(), f"{lesson.id}: {one}"
                count += 1
    assert count >= 30


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ('highlight = ["wort:bank"]', "`wort` is none of word, row"),
        ('highlight = ["bank"]', "written as"),
        ('highlight = ["word: "]', "written as"),
        ('highlight = ["head:best"]', "a head is layer.head or one of previous-token"),
        ('highlight = ["head:0.1"]', "a head is layer.head"),
        ('highlight = ["control:x} body{display:none"]', "named by its key"),
        ('highlight = ["word:a", "word:b", "word:c", "word:d", "word:e"]', "at most 4"),
        ('highlight = [3]', "written as"),
    ],
)  # fmt: skip
def test_a_highlight_that_makes_no_sense_is_refused_with_its_line(line: str, why: str) -> None:
    text = FILE.format(question='answer = "top_token"').replace(
        'text = "One."', f'text = "One."\n{line}'
    )
    with pytest.raises(LessonError) as refused:
        read("1.9", text)
    assert str(refused.value).startswith("line 9: ") and why in str(refused.value)
