"""Lines of Python that compute the numbers of the Tokenization page's pictures again.

In: a model, a text, what is chosen. Out: programs for notebooks, made by `pages.pictures.recipe`;
each binds `table`, the columns of that picture's CSV file.
"""

from __future__ import annotations

from collections.abc import Sequence

from engine.tokenizers.chat import Turn
from engine.tokenizers.vocabulary import Order
from engine.values import Reading
from pages.pictures.recipe import Code, call, recipe

COLUMNS = """
        table = {
            "token": np.arange(1, len(tokens) + 1),
            "id": tokens.ids,
            "start": tokens.spans[:, 0],
            "end": tokens.spans[:, 1],
            "bytes": [data.hex(" ").upper() for data in tokens.data],
            "stored": tokens.pieces,
            "special": tokens.special,
            "unknown": tokens.unknown,
        }
"""
COUNTED = """
        def counts(tokens):  # tokens of the text itself, tokens added, unknown ones
            starts, ends = tokens.spans.T
            added = int(((starts == ends) & ~tokens.unknown).sum())
            return len(tokens) - added, added, int(tokens.unknown.sum())
"""


def tokens(model: str, text: str, *, parsed: bool) -> str:
    """A text as tokens; `parsed` says that names of special tokens in it are read as such."""
    asked = call(f"local().{'tokenized' if parsed else 'spelt'}", model, text)
    return recipe("tokens = $asked" + "\n" + _flush(COLUMNS), asked=asked)


def foreign(reader: str, maker: str, text: str) -> str:
    """Ids that the tokenizer of `maker` makes, read by `reader`; `found.written` follows them."""
    return recipe(
        """
        found = local().foreign($reader, $maker, $text)
        count = len(found.outside)
        table = {
            "piece": found.made.pieces[:count],
            "id": found.made.ids[:count],
            "read as": found.taken_for,
            "outside": found.outside,
        }
        if np.isfinite(found.mean):  # a translator predicts none of what it reads
            table["bits"] = found.bits
        """,
        reader=reader,
        maker=maker,
        text=text,
    )


def conversation(model: str, turns: Sequence[Turn], answer: bool) -> str:
    """A conversation as a chat model reads it."""
    return recipe(
        """
        engine = local()
        text = engine.conversation($model, $turns, $answer)
        tokens = engine.bare($model, text)
        """
        + COLUMNS,
        model=model,
        turns=tuple(turns),
        answer=answer,
    )


def steps(model: str, word: str) -> str:
    """How the algorithm splits a word: `walk` has every step, `walk.pieces` the result."""
    return recipe(
        """
        walk = local().word_steps($model, $word)
        taken = walk.steps if hasattr(walk, "steps") else walk.best[1:]  # Unigram has a lattice
        table = {"step": np.arange(len(taken) + 1)}
        """,
        model=model,
        word=word,
    )


def several(names: Sequence[str], text: str) -> str:
    """One text under several tokenizers: what each costs."""
    return recipe(
        """
        engine, names, text = local(), $names, $text
        """
        + COUNTED
        + """
        found = [counts(engine.tokenized_by(name, [text])[0]) for name in names]
        facts = [engine.tokenizer_facts(name) for name in names]
        table = {
            "tokenizer": names,
            "algorithm": [one.algorithm for one in facts],
            "vocabulary": [one.vocabulary for one in facts],
            "tokens": [own for own, _, _ in found],
            "added": [added for _, added, _ in found],
            "characters per token": [len(text) / own if own else 0 for own, _, _ in found],
            "unknown": [unknown for _, _, unknown in found],
        }
        """,
        names=list(names),
        text=text,
    )


def languages(names: Sequence[str], sentences: Sequence[tuple[str, str]]) -> str:
    """One sentence in several languages: its tokens, and the unknown ones, under each tokenizer."""
    return recipe(
        """
        engine, names = local(), $names
        sentences = {
            $sentences
        }
        """
        + COUNTED
        + """
        table = {"language": list(sentences)}
        for name in names:
            found = [counts(one) for one in engine.tokenized_by(name, list(sentences.values()))]
            table[f"{name}: tokens"] = [own for own, _, _ in found]
            table[f"{name}: unknown"] = [unknown for _, _, unknown in found]
        """,
        names=list(names),
        sentences=Code("\n    ".join(f"{one!r}: {text!r}," for one, text in sentences)),
    )


def vocabulary(model: str, query: str, order: Order, *, falling: bool) -> str:
    """The tokens of a vocabulary that fit a query."""
    return recipe(
        """
        whole = local().vocabulary($model)
        ids = find(whole, $query, order=$order, falling=$falling)
        table = {
            "id": ids,
            "stored": [whole.stored[i] for i in ids],
            "length": whole.sizes[ids],
            "score": whole.scores[ids],
        }
        """,
        model=model,
        query=query,
        order=order,
        falling=falling,
    )


def embedding(reading: Reading, token: int) -> str:
    """How one token becomes the vector that enters layer 1."""
    return recipe(
        """
        parts, token = local().embedded($reading), $token
        table = {
            "dimension": np.arange(1, parts.token.shape[1] + 1),
            "token embedding": parts.token[token],
            "enters layer 1": parts.entering[token],
        }
        if parts.position is not None:
            table["position embedding"] = parts.position[token]
        """,
        reading=reading,
        token=token,
    )


def _flush(template: str) -> str:
    """A template without its indentation, to be put behind a line that has none."""
    return "\n".join(line.removeprefix("        ") for line in template.splitlines() if line)
