"""Chips: order, direction, whole characters, hostile texts."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.tokenizers.reader import Reader
from engine.tokenizers.tokens import tokenize
from engine.values import Tokens
from pages.pictures import tokens as view
from pages.pictures.chips import chips, chips_drawing
from pages.pictures.chips.graphemes import boundaries, right_to_left
from tests.engine.test_cutting import tokenizer_named


@pytest.fixture(scope="session")
def readers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Reader]:
    folder = tmp_path_factory.mktemp("tokenizers")
    found: dict[str, Reader] = {}
    for name in ("byte bpe", "wordpiece", "unigram"):
        path = Path(folder) / f"{name}.json"
        tokenizer_named(name).save(str(path))
        found[name] = Reader(path, here=True)
    return found


def cut(reader: Reader, text: str) -> Tokens:
    bundle = SimpleNamespace(card=SimpleNamespace(pairs=False), reader=lambda side: reader)
    return tokenize(bundle, text)  # type: ignore[arg-type]


class Outline(HTMLParser):
    """The elements of a picture, and whether every one is closed."""

    def __init__(self, markup: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.feed(markup)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.open.append(tag)
        self.elements.append((tag, dict(attrs)))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def with_class(self, name: str) -> list[dict[str, str | None]]:
        return [a for _, a in self.elements if name in (a.get("class") or "").split()]


# ---------------------------------------------------------------------------- characters as seen


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", [0]),
        ("ab", [0, 1, 2]),
        ("e\u0301a", [0, 2, 3]),
        ("👩‍👩‍👧!", [0, 5, 6]),
        ("👍🏽👍", [0, 2, 3]),
        ("🇫🇷🇩🇪", [0, 2, 4]),
        ("\r\nx", [0, 2, 3]),
        ("\u1100\u1161\u11a8x", [0, 3, 4]),
        ("नि", [0, 2]),
        ("❤️a", [0, 2, 3]),
        ("1️⃣2", [0, 3, 4]),
    ],
)
def test_characters_are_cut_where_people_see_it(text: str, expected: list[int]) -> None:
    assert boundaries(text) == expected


def test_direction_is_that_of_the_first_letter() -> None:
    assert right_to_left("12 שלום") is True
    assert right_to_left("(a) שלום") is False
    assert right_to_left("12 …") is None


# ---------------------------------------------------------------------------- groups


def test_a_split_emoji_stays_whole_and_shows_its_bytes(readers: dict[str, Reader]) -> None:
    tokens = cut(readers["byte bpe"], "a 🦩 b")
    found = [group for group in view.groups(tokens) if group.split]
    assert len(found) == 1
    assert "🦩" in tokens.text[found[0].start : found[0].end]
    outline = Outline(chips.chips(tokens))
    assert len(outline.with_class("group")) == 1
    faces = [view.face(tokens, i) for i in range(found[0].first, found[0].last)]
    assert "".join(faces).replace(" ", "").endswith("F09FA6A9"[-2:])
    assert all(re.fullmatch(r"[0-9A-F]{2}( [0-9A-F]{2})*", f) for f in faces if "·" not in f)


def test_an_accent_of_its_own_stays_with_its_letter(readers: dict[str, Reader]) -> None:
    tokens = cut(readers["byte bpe"], "cafe\u0301!")
    joined = [tokens.text[g.start : g.end] for g in view.groups(tokens) if g.split]
    assert joined and joined[0].endswith("e\u0301")


@settings(max_examples=150, deadline=None)
@given(text=st.text(max_size=30), name=st.sampled_from(["byte bpe", "wordpiece", "unigram"]))
def test_groups_hold_every_token_once_and_never_cut_a_character(
    readers: dict[str, Reader], text: str, name: str
) -> None:
    tokens = cut(readers[name], text)
    found = view.groups(tokens)
    assert [i for g in found for i in range(g.first, g.last)] == list(range(len(tokens)))
    own = [g for g in found if g.start < g.end]
    assert all(a.end <= b.start for a, b in zip(own, own[1:], strict=False))


# ---------------------------------------------------------------------------- chips


def test_neighbouring_chips_never_share_a_colour(readers: dict[str, Reader]) -> None:
    tokens = cut(readers["byte bpe"], "aaaa aaaa the the the cat\ncat")
    drawn = chips.chips(tokens)
    colours = dict(re.findall(r"\.tokens \.(c\d+) \{ background:([^;]+);", drawn))
    grounds = [colours[a["class"].split()[1]] for a in Outline(drawn).with_class("tok")]
    assert len(grounds) == len(tokens)
    assert all(a != b for a, b in zip(grounds, grounds[1:], strict=False))


def test_spaces_line_ends_and_tabs_are_visible(readers: dict[str, Reader]) -> None:
    tokens = cut(readers["byte bpe"], " a\n\tb")
    shown = "".join(view.face(tokens, i) for i in range(len(tokens)))
    assert shown == "·a⏎→b"
    assert "<u>·</u>" in chips.chips(tokens)


def test_lines_of_the_text_are_lines_of_chips(readers: dict[str, Reader]) -> None:
    tokens = cut(readers["byte bpe"], "the cat\nsat\n\non")
    assert len(Outline(chips.chips(tokens)).with_class("line")) == 4


def test_right_to_left_text_is_laid_out_so(readers: dict[str, Reader]) -> None:
    hebrew = Outline(chips.chips(cut(readers["byte bpe"], "שלום עולם")))
    assert hebrew.with_class("line")[0]["dir"] == "rtl"
    mixed = Outline(chips.chips(cut(readers["byte bpe"], "the word שלום here")))
    assert mixed.with_class("line")[0]["dir"] == "ltr"
    assert [a["dir"] for name, a in mixed.elements if name == "bdi"] == ["rtl"]


def test_special_tokens_are_marked_and_can_be_hidden(readers: dict[str, Reader]) -> None:
    tokens = cut(readers["wordpiece"], "the cat")
    special = Tokens(
        text=tokens.text,
        ids=np.append(tokens.ids, 3),
        pieces=(*tokens.pieces, "[SEP]"),
        spans=np.vstack([tokens.spans, [[0, 0]]]),
        special=np.append(tokens.special, True),
        unknown=np.append(tokens.unknown, False),
        segments=np.append(tokens.segments, 0),
        data=(*tokens.data, b""),
        left_out=tokens.left_out,
    )
    assert len(Outline(chips.chips(special)).with_class("special")) == 1
    assert not Outline(chips.chips(special, special=False)).with_class("special")
    assert view.counts(special).added == 1


def test_an_unknown_word_shows_what_it_stands_for(readers: dict[str, Reader]) -> None:
    tokens = cut(readers["wordpiece"], "the ฿฿ cat")
    unknown = [i for i in range(len(tokens)) if view.is_unknown(tokens, i)]
    assert [view.face(tokens, i) for i in unknown] == ["฿฿"]
    assert "unknown" in view.tip(tokens, unknown[0])
    assert view.counts(tokens).unknown == 1


def test_the_line_under_a_chip_says_what_was_asked(readers: dict[str, Reader]) -> None:
    tokens = cut(readers["byte bpe"], "the cat")
    assert [view.under(tokens, 1, below) for below in ("characters", "bytes")] == [
        "3–7",
        "20 63 61 74",
    ]
    assert view.under(tokens, 1, "id") == str(tokens.ids[1])
    assert view.under(tokens, 1, "stored") == "Ġcat"


def test_every_span_of_the_text_and_its_chip_share_an_id(readers: dict[str, Reader]) -> None:
    tokens = cut(readers["unigram"], "the cat sat on the mat")
    outline = Outline(chips.chips(tokens))
    ids = [a["data-id"] for _, a in outline.elements if a.get("data-id")]
    assert sorted(ids) == sorted([f"t{i}" for i in range(len(tokens))] * 2)


@settings(max_examples=150, deadline=None)
@given(text=st.text(max_size=40), name=st.sampled_from(["byte bpe", "wordpiece", "unigram"]))
def test_no_text_breaks_a_picture(readers: dict[str, Reader], text: str, name: str) -> None:
    tokens = cut(readers[name], text)
    for below in ("id", "characters", "bytes", "stored"):
        outline = Outline(chips.chips(tokens, below=below))
        assert outline.open == []
        ElementTree.fromstring(chips.chips(tokens, below=below))
        ElementTree.fromstring(chips_drawing.drawing(tokens, below=below))
    assert len(view.rows(tokens)) == len(tokens)


def test_markup_in_a_text_is_text(readers: dict[str, Reader]) -> None:
    tokens = cut(readers["byte bpe"], '<script>alert(1)</script> <img src=x onerror="a">')
    names = {name for name, _ in Outline(chips.chips(tokens)).elements}
    assert not names & {"script", "img"}


def test_a_long_text_is_counted_in_full_and_drawn_in_part(readers: dict[str, Reader]) -> None:
    tokens = cut(readers["byte bpe"], "the cat sat on the mat " * 4400)
    total = view.counts(tokens)
    assert total.characters == 101_200
    assert total.tokens == len(tokens)
    outline = Outline(chips.chips(tokens, first=800, last=1200))
    assert len(outline.with_class("tok")) == 400


def test_characters_per_token_leave_out_what_was_added() -> None:
    assert view.Counts(5, 2, 0, 12, 0, 12).per_token == 4
    assert view.Counts(2, 2, 0, 0, 0, 0).per_token == 0
