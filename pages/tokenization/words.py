"""What the page says of a text and its tokens, computed from them, in plain text.

In: `Tokens`, and the word that was split most with the reason. Out: sentences. Draws nothing.
"""

from __future__ import annotations

from engine.tokenizers.causes import Split
from engine.values import LEFT_OUT, Tokens
from pages.pictures.names import characters, quoted
from pages.pictures.tokens import counts

UNKNOWN_SHOWN = 4


def told(tokens: Tokens, vocabulary: int, split: Split | None) -> str:
    """What one sees in this picture, with its own numbers."""
    total = counts(tokens)
    own = total.tokens - total.added
    lines = [
        f"{_count(total.characters, 'character')} became {_count(own, 'token')}, "
        f"{total.per_token:.1f} characters each; the vocabulary has {vocabulary:,}."
    ]
    if split is not None:
        lines.append(
            f"{quoted(split.word)} was split into the most tokens, {split.tokens}: {reason(split)}."
        )
    elif own:
        known = "" if total.unknown else " Each of them is in the vocabulary."
        lines.append(f"No word was split.{known}")
    lines += [*unknown(tokens), *left_out(tokens)]
    if total.added:
        lines.append(f"The tokenizer added {_count(total.added, 'token')}.")
    return " ".join(lines)


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
        return f"{parts}, and {rest} of them {'is' if rest == 1 else 'are'} not in the vocabulary"
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


def left_out(tokens: Tokens) -> list[str]:
    """Which characters no token holds, and who left them out: a sentence each."""
    found = []
    for who, name in enumerate(LEFT_OUT[1:], 1):
        gone = "".join(tokens.text[i] for i in (tokens.left_out == who).nonzero()[0])
        if not gone:
            continue
        if who == LEFT_OUT.index("split rule") and gone.isspace():
            found.append(f"Words are split at {_count(len(gone), 'space')}, which no token holds.")
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
