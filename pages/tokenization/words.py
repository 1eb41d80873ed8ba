"""What the page says of a text and its tokens, computed from them, in plain text.

In: `Tokens`, and the word that was split most with the reason. Out: sentences. Draws nothing.
"""

from __future__ import annotations

from collections.abc import Mapping

from engine.tokenizers.causes import Split
from engine.values import LEFT_OUT, Tokens
from pages.pictures.names import characters, quoted, token
from pages.pictures.tokens import counts, is_added

UNKNOWN_SHOWN = 4
ADDED_SHOWN = 4


def told(
    tokens: Tokens,
    vocabulary: int,
    split: Split | None,
    known: bool = True,
    *,
    roles: Mapping[int, str] | None = None,
) -> str:
    """What one sees in this picture, with its own numbers.

    `split` is the word with the most tokens; not `known` where no algorithm can be asked. `roles`
    are those of special tokens, by id.
    """
    total = counts(tokens)
    own = total.tokens - total.added
    became = f"{_count(own, 'token')}, {total.per_token:.1f} characters each" if own else "no token"
    lines = [
        f"{_count(total.characters, 'character')} became {became}; the vocabulary has "
        f"{vocabulary:,}."
    ]
    if split is not None:
        lines.append(
            f"{quoted(split.word)} was split into the most tokens, {split.tokens}: {reason(split)}."
        )
    elif own and known:
        held = "" if total.unknown else " Each of them is in the vocabulary."
        lines.append(f"No word was split.{held}")
    lines += [*unknown(tokens), *without_vector(tokens, vocabulary), *left_out(tokens)]
    if total.added:
        lines.append(f"The tokenizer added {added(tokens, roles or {})}.")
    return " ".join(lines)


def added(tokens: Tokens, roles: Mapping[int, str]) -> str:
    """What the tokenizer added, by name: "start mark [CLS], separator [SEP]"."""
    places = [i for i in range(len(tokens)) if is_added(tokens, i)]
    named = [
        token(tokens.pieces[i], int(tokens.ids[i]), roles)
        if tokens.special[i]
        else "the space before the first word"
        for i in places[:ADDED_SHOWN]
    ]
    more = f" and {len(places) - ADDED_SHOWN} more" if len(places) > ADDED_SHOWN else ""
    return ", ".join(named) + more


def reason(split: Split) -> str:
    """Why a word became several tokens, the end of a sentence."""
    if split.cause == "added token":
        return "the name of an added token stands in it"
    if split.cause == "normalizer":
        became = quoted(split.normalised.strip())
        return f"the normalizer ({split.rule}) turns it into {became}"
    if split.cause == "split rule":
        rest = split.words - split.whole
        parts = f"the split rule ({split.rule}) cuts it into {split.words} parts"
        if not rest:
            return f"{parts}, each of them one token"
        are = "is" if rest == 1 else "are"
        return f"{parts}, and {rest} of them {are} not in the vocabulary as a whole"
    if split.cause == "bytes":
        return "the vocabulary does not hold the character, so its bytes are written"
    if split.cause == "merges":
        return "the vocabulary holds it whole, but the learned merges do not lead to it here"
    if split.cause == "score":
        return "the vocabulary holds it whole, but its pieces together are more probable"
    return "the vocabulary does not hold it whole"


def unknown(tokens: Tokens) -> list[str]:
    """Which parts of the text the vocabulary cannot write, in at most one sentence."""
    places = tokens.unknown.nonzero()[0].tolist()
    if not places:
        return []
    stretches = list(dict.fromkeys(tokens.text[slice(*tokens.spans[i])] for i in places))
    named = ", ".join(quoted(text, limit=12) for text in stretches[:UNKNOWN_SHOWN])
    more = f" and {len(stretches) - UNKNOWN_SHOWN} more" if len(stretches) > UNKNOWN_SHOWN else ""
    return [
        f"Not in the vocabulary: {named}{more}. The model reads "
        f"{_count(len(places), 'unknown word')} ({tokens.pieces[places[0]]}) there."
    ]


def without_vector(tokens: Tokens, vocabulary: int) -> list[str]:
    """Tokens that the tokenizer knows and the model does not, in at most one sentence."""
    places = (tokens.ids >= vocabulary).nonzero()[0].tolist()
    if not places:
        return []
    named = f"{quoted(tokens.pieces[places[0]])} (ID {tokens.ids[places[0]]:,})"
    return [f"The model has no vector for {named}: it cannot read this text."]


def left_out(tokens: Tokens) -> list[str]:
    """Which characters no token holds, and who left them out: a sentence each."""
    found = []
    for who, name in enumerate(LEFT_OUT[1:], 1):
        gone = "".join(tokens.text[i] for i in (tokens.left_out == who).nonzero()[0])
        if not gone:
            continue
        if who == LEFT_OUT.index("split rule") and gone.isspace():
            noun = "space" if not gone.strip(" ") else "white-space character"
            found.append(f"Words are split at {_count(len(gone), noun)}, which no token holds.")
        elif who == LEFT_OUT.index("vocabulary"):
            found.append(
                f"The vocabulary has neither a piece nor an unknown word for "
                f"{_count(len(gone), 'character')}: {characters(gone)}."
            )
        else:
            verb = "deleted" if who == LEFT_OUT.index("normalizer") else "left out"
            found.append(f"The {name} {verb} {_count(len(gone), 'character')}: {characters(gone)}.")
    return found


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
