"""Whether a text may be in a language that a translating model does not read.

In: a model's name and a text. Out: codes of languages. A language is told by its commonest short
words, as any text of a few words has some: a guess, to be said as one. Nothing is refused.
"""

from __future__ import annotations

import re

NAMES = {"de": "German", "en": "English", "es": "Spanish", "fr": "French", "it": "Italian",
         "nl": "Dutch", "pt": "Portuguese"}  # fmt: skip
COMMON = {
    "de": "der die das und ist nicht ein eine ich du er sie wir mit auf für von zu dem den im es",
    "en": "the and is are was were of to in it that this with for on you he she we they my have "
    "has his her not be at i what where",
    "es": "el la los las y es no un una que de en con por para su se lo del está yo como",
    "fr": "le la les et est ne pas un une que de en avec pour dans ce il elle nous vous je du des "
    "son sa au sur qui où à l d j c s n qu",
    "it": "il lo la gli e è non un una che di in con per si del della sono ho mi come",
    "nl": "de het een en is niet ik je hij zij wij met op voor van te dat die in zijn",
    "pt": "o a os as e é não um uma que de em com por para se do da ele ela eu está como",
}
_WORDS = {code: frozenset(words.split()) for code, words in COMMON.items()}
_PAIR = re.compile(r"(?=(?:^|[-_/])([a-z]{2})-([a-z]{2})(?:$|[-_.]))")
LEAST = 2  # common words of a language before a text is taken for it


def reads(name: str) -> str | None:
    """The language that a model translates from, by its name: `"opus-mt-fr-en"` reads `"fr"`."""
    pairs = _PAIR.findall(name.lower())
    return next((one for one, other in pairs if one in NAMES and other in NAMES), None)


def likely_language(text: str) -> str | None:
    """The language whose common words a text has most of; None where that says too little.

    >>> likely_language("My key is in the garden.")
    'en'
    """
    words = re.findall(r"[^\W\d_]+", text.lower())
    hits = {code: sum(word in common for word in words) for code, common in _WORDS.items()}
    first, second = sorted(hits, key=lambda code: -hits[code])[:2]
    return first if hits[first] >= LEAST and hits[first] > hits[second] else None


def mistaken(name: str, text: str) -> tuple[str, str] | None:
    """The language that a model reads and the likely other one of a text; None where all is well.

    >>> mistaken("fr-en", "My key is in the garden."), mistaken("fr-en", "Il a mangé une pomme.")
    (('fr', 'en'), None)
    """
    known, told = reads(name), likely_language(text)
    return None if known is None or told is None or told == known else (known, told)
