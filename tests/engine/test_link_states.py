"""What a short link says: written in one way, and read whatever anybody forged."""

from __future__ import annotations

import json
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import BadLink
from engine.links.state import (
    ID,
    MOST,
    RESERVED,
    SharedState,
    canonical,
    link_id,
    parse,
)

WRITTEN = {
    "version": 1,
    "page": "Attention",
    "text": "the sea",
    "model": "tales-gpt",
    "digest": "",
    "controls": {"layer": ["2"]},
}
KEYS = st.from_regex(r"[a-z][a-z0-9_-]{0,31}", fullmatch=True).filter(
    lambda key: key not in RESERVED
)
TEXTS = st.text(st.characters(exclude_categories=("Cs",)), max_size=300)
STATES = st.builds(
    SharedState,
    page=st.sampled_from(("Home", "Attention", "Decoding")),
    text=TEXTS,
    model=st.text(string.ascii_lowercase + "-", min_size=1, max_size=20),
    digest=st.sampled_from(("", "0f" * 32)),
    source=st.sampled_from(("", "maker/model-1.0")),
    controls=st.dictionaries(KEYS, st.lists(TEXTS, max_size=4).map(tuple), max_size=8),
    lesson=st.one_of(st.just(""), TEXTS),
)


def forged(**changes: object) -> bytes:
    return json.dumps(WRITTEN | changes).encode()


@given(STATES)
def test_a_state_is_read_as_it_was_written(state: SharedState):
    found = parse(canonical(state))
    assert found.state == state and found.left_out == ()
    assert ID.fullmatch(link_id(state)) and len(link_id(state)) == 10


@given(STATES, st.randoms(use_true_random=False))
def test_equal_states_have_equal_ids_in_whatever_order_they_were_made(state, random):
    keys = list(state.controls)
    random.shuffle(keys)
    other = SharedState(
        state.page,
        state.text,
        state.model,
        state.digest,
        state.source,
        {k: state.controls[k] for k in keys},
        state.lesson,
    )
    assert link_id(other) == link_id(state)


@given(STATES, STATES)
def test_other_states_have_other_ids(one: SharedState, other: SharedState):
    assert (link_id(one) == link_id(other)) is (one == other)


def test_an_id_is_known_for_ever():
    state = SharedState("Attention", "the sea", "tales-gpt", controls={"layer": ("2",)})
    assert link_id(state) == "xuoacbzhtp"


def test_a_text_of_sixty_four_kilobytes_is_carried_with_its_settings_and_no_more():
    empty = len(canonical(SharedState("Attention", "", "m")))
    longest = SharedState("Attention", "a" * (MOST - empty), "m")
    assert len(canonical(longest)) == MOST and parse(canonical(longest)).state == longest
    with pytest.raises(BadLink, match="carries 64 kB"):
        canonical(SharedState("Attention", "a" * (MOST - empty + 1), "m"))


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"nonsense",
        b"[1, 2]",
        b"\xff\xfe",
        b"[" * 60_000,
        b"a" * 1_000_000,
        forged(version=2),
        forged(version="1"),
        forged(version=True),
        forged(version=0),
        forged(page="<script>"),
        forged(page="../../etc"),
        forged(text=None),
        forged(text="\ud800"),
        forged(model=""),
        forged(model="m" * 201),
        forged(digest="no digest"),
        forged(source="https://evil.example/model"),
        forged(source="/home/somebody/model"),
        json.dumps({"text": "a"}).encode(),
    ],
    ids=lambda raw: repr(raw[:24]),
)
def test_what_makes_no_sense_is_refused_with_a_sentence(raw: bytes):
    with pytest.raises(BadLink) as refused:
        parse(raw)
    assert str(refused.value).startswith(("This link", "A link carries", "The text has half"))


def test_a_later_version_says_so():
    with pytest.raises(BadLink, match="made by a newer Transformer Atlas"):
        parse(forged(version=7))


def test_what_is_not_known_is_left_out_and_named():
    found = parse(
        forged(
            rewards={"a": 1},
            controls={
                "layer": ["99"],
                "Layer": ["1"],
                "a b": ["1"],
                "text": ["other"],
                "embed": ["true"],
                "many": ["1"] * 65,
                "long": ["1" * 4001],
                "number": 3,
                "mixed": [1, "2"],
                "html": ["<img src=x onerror=alert(1)>"],
            },
        )
    )
    # Whether there is a layer 99, and that a text is no HTML, is the page's to say.
    assert dict(found.state.controls) == {
        "layer": ("99",),
        "html": ("<img src=x onerror=alert(1)>",),
    }
    left = {"rewards", "Layer", "a b", "text", "embed", "many", "long", "number", "mixed"}
    assert set(found.left_out) == left


def test_more_controls_than_any_page_has_are_left_out():
    found = parse(forged(controls={f"k{n}": ["1"] for n in range(300)}))
    assert len(found.state.controls) == 200 and len(found.left_out) == 100


def test_a_state_cannot_be_changed():
    state = SharedState("Home", "", "m", controls={"a": ["1"]})  # type: ignore[dict-item]
    with pytest.raises(TypeError):
        state.controls["a"] = ("2",)  # type: ignore[index]


def test_a_link_to_a_lesson_is_bounded_and_says_so():
    lesson = SharedState("Attention", "", "tales-gpt", lesson="x" * MOST)
    with pytest.raises(BadLink, match=r"The lesson has 64 kB; a short link carries 64 kB"):
        canonical(lesson)
    with pytest.raises(BadLink, match="no lesson that makes sense"):
        parse(forged(lesson=["x"]))
    assert parse(forged()).state.lesson == ""
