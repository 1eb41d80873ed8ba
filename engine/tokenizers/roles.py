"""What the special tokens of a model are for, in the words of every page.

In: a bundle. Out: by id "start mark", "end mark" and so on; the unknown token has a role too, but
is not special (see `Tokens`). Knows nothing of texts.
"""

from __future__ import annotations

from engine.models.bundle import Card
from engine.tokenizers.reader import Reader

START, END, SEPARATOR = "start mark", "end mark", "separator"
PADDING, MASK, LANGUAGE = "padding", "mask", "language mark"
UNKNOWN = "unknown word"
OTHER = "special token"


def roles(card: Card, reader: Reader) -> dict[int, str]:
    """The role of every special token of a side and of the unknown one, by id.

    A token with several roles has the one that a reader meets first: an end mark that also begins
    a text is the end mark; padding that a decoder starts from is the start mark.
    """
    rules, found = card.generation, dict.fromkeys(reader.special, OTHER)
    for code in rules.languages.values():
        found[code] = LANGUAGE
    if rules.pad is not None:
        found[rules.pad] = PADDING
    if card.mask is not None:
        found[card.mask] = MASK
    if reader.unknown is not None and reader.unknown not in reader.ends:
        found[reader.unknown] = UNKNOWN
    found |= dict.fromkeys(reader.opening, START)
    for mark in reader.closing:
        found[mark] = SEPARATOR if card.pairs and mark not in rules.ends else END
    if rules.start is not None:
        found[rules.start] = START
    return found | dict.fromkeys(rules.ends, END)


def special_names(card: Card, reader: Reader) -> dict[str, str]:
    """The names that a chat template knows: `{"bos_token": "<s>"}`.

    Those of the checkpoint's own files; of a bundle that does not have them, the marks that the
    model begins and ends with.
    """
    if card.named:
        return dict(card.named)
    first, ends = card.generation.start, card.generation.ends
    found = {} if first is None else {"bos_token": reader.piece(first)}
    return found | ({"eos_token": reader.piece(ends[0])} if ends else {})
