"""Links of the Translation and Decoding pages: state -> link -> state, for every control of theirs.

What "Copy link" would write is read off the button. A control that a link does not carry, or that
no case here sets, fails.
"""

import pytest
from streamlit.testing.v1 import AppTest

from engine.values import Reading
from pages.shell.cache import engine
from tests.pages.conftest import Open, components, crash, sentences
from tests.pages.test_decoding import settled

DECODING, TRANSLATION = "5_Decoding", "4_Translation"
SENTENCE = "Il a mangé une pomme rouge."
Address = dict[str, str | list[str]]
# Every control at a value that is not its default, page by page and view by view.
CASES: dict[str, tuple[str, Address]] = {
    "columns, branches, a place and its layers": (
        DECODING,
        {
            "model": "tales-gpt", "text": "The milk is bad, my tea tastes", "seed": "77",
            "length": "9", "tint": "rank", "stop": "!", "stop2": r"\n",
            "stop3": "?", "stop4": " the", "write": "yes", "at": "c2 t3",
            "candidate": "n300", "lens": "true",
            "c1": "greedy @2=77", "c2": "temperature 0.7, top-p 0.9 @1=50 @4=60", "c3": "beam 3",
            "c4": "top-k 5, repetition penalty 1.3", "c5": "min-p 0.05, frequency penalty 0.5",
            "c6": "beam 2, length penalty -1, no-repeat 3", "b1": "greedy", "b2": "greedy @2=80",
        },
    ),
    "many runs": (
        DECODING,
        {
            "model": "tales-gpt", "text": "Once upon a time", "view": "Many runs", "runs": "8",
            "seed": "5", "length": "4", "write": "no", "at": "c1", "c1": "pure sampling",
        },
    ),
    "the same filters at two places": (
        DECODING,
        {
            "model": "tales-gpt", "text": "Once upon a time there was", "view": "Sampling",
            "p": "0.75", "k": "7", "minp": "0.2", "heat": "1.3", "sharp": "2", "flat": "4",
        },
    ),
    "a gap": (
        DECODING,
        {
            "model": "tales-bert", "text": "The [MASK] saw the [MASK].", "gap": "2",
            "c1": "top-k 3", "at": "c1", "candidate": "n200", "lens": "true",
        },
    ),
    "a forced beginning, step by step": (
        TRANSLATION,
        {
            "model": "fr-en", "text": SENTENCE, "beams": "6", "penalty": "0.4",
            "stop_when": "only when nothing better is possible", "forced": "FORCED", "place": "2",
            "step": "8", "cross_layer": "layer 2", "cross_head": "head 3", "no_end": "true",
            "pick": "s1",
        },
    ),
    "a replaced word and a typed beginning": (
        TRANSLATION,
        {"model": "fr-en", "text": SENTENCE, "swap": "15-20:poire", "begin": "She",
         "search": "Greedy"},
    ),
    "alignment": (
        TRANSLATION,
        {
            "model": "fr-en", "text": SENTENCE, "show": "Alignment", "cross_layer": "layer 3",
            "cross_head": "head 8", "no_end": "true", "whole": "true", "cell": "t1",
        },
    ),
    "comparison": (
        TRANSLATION,
        {
            "model": "fr-en", "text": SENTENCE, "show": "Compare",
            "against": ["8 beams", "2 beams"], "instead": "Il a mangé une poire.",
            "reference": "He ate a red apple.",
        },
    ),
}  # fmt: skip
# Carried by a link, yet of no other model or view than those above.
ELSEWHERE = {"task", "to", "from", "also"}


def link(app: AppTest) -> Address:
    """What the copied link would hold."""
    (button,) = components(app, "atlas_copy")
    return button["values"]


def opened(open_page: Open, page: str, address: Address) -> AppTest:
    app = open_page(page, **address)
    return settled(app) if page == DECODING else app


def forced(address: Address) -> Address:
    """The case with an id that the first model could write in the place of `FORCED`."""
    if address.get("forced") != "FORCED":
        return address
    from engine.decoding.beams import Search

    trace = engine().translation_trace(Reading("fr-en", SENTENCE), Search(limit=40))
    return address | {"forced": str(int(trace.scored.best_ids[0][1]))}


@pytest.mark.parametrize("name", CASES)
def test_a_link_opens_what_it_was_copied_from(open_page: Open, name: str) -> None:
    page, address = CASES[name][0], forced(CASES[name][1])
    first = opened(open_page, page, address)
    assert not crash(first) and not sentences(first)
    copied = link(first)
    assert {key: copied.get(key) for key in address} == address
    again = opened(open_page, page, copied)
    assert not crash(again) and not sentences(again)
    assert link(again) == copied
    assert shown(again) == shown(first)


def shown(app: AppTest) -> list[str]:
    """What the page draws: every picture, every column, every table."""
    pictures = [one["svg"] for one in components(app, "atlas_picture")]
    columns = [str([column["t"] for column in one["columns"]])
               for one in components(app, "atlas_columns")]  # fmt: skip
    return [*pictures, *columns, *(str(table.value) for table in app.dataframe)]


def test_no_control_is_left_out(open_page: Open) -> None:
    """The copied links name every control of both pages: each is set by a case above."""
    for page in (DECODING, TRANSLATION):
        cases = [address for of, address in CASES.values() if of == page]
        known = {key for address in cases for key in address}
        for address in cases:
            found = set(link(opened(open_page, page, forced(address))))
            assert found - known <= ELSEWHERE | {f"c{n}" for n in range(1, 7)}


@pytest.mark.timeout(600)
@pytest.mark.parametrize("page", [DECODING, TRANSLATION])
def test_tasks_languages_and_other_models_round_trip(
    open_page: Open, told_models: None, page: str
) -> None:
    cases: list[Address] = [
        {"model": "t5-tasks", "text": "The cat sat.", "task": "translate English to French: "},
        {"model": "m2m-languages", "text": "The cat sat.", "to": "__fr__", "from": "__de__"},
    ]
    if page == TRANSLATION:
        cases.append({"model": "fr-en", "text": SENTENCE, "show": "Compare", "also": ["t5-tasks"]})
    for address in cases:
        app = opened(open_page, page, address)  # with all columns written
        assert not crash(app) and not sentences(app)
        copied = link(app)
        assert {key: copied.get(key) for key in address} == address
        assert shown(opened(open_page, page, copied)) == shown(app)
