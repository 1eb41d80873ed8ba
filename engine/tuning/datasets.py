"""What a model is tuned on: short texts, generated from lists of words, each drawn by a seed.

Three sets: `verse` and `polite` are manners of writing, `mood` is a task with an answer. A text
for measuring is never one that was trained on, as every fifth of the words that matter (animals of
verses, things asked for, words of mood) stands in texts of one side only. Knows nothing of tokens
or models; none of it is taken from a text.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import islice

FIFTH = 5
ANSWERS = ("glad", "sad")
LABEL = "\nMood:"


@dataclass(frozen=True, slots=True)
class Dataset:
    """A kind of text: its name, what it teaches in words, and a prompt that shows it.

    `labelled` texts end with an answer after `LABEL`, which can be counted as right or wrong.
    """

    name: str
    title: str
    about: str
    prompt: str
    text: Callable[[random.Random, bool], str]
    labelled: bool = False


def texts(name: str, seed: int, *, held_out: bool = False) -> Iterator[str]:
    """Texts of a set, for ever; the same for the same seed."""
    rng, made = random.Random(f"{name} {seed} {held_out}"), DATASETS[name].text
    while True:
        yield made(rng, held_out)


@cache
def examples(name: str, count: int = 3) -> tuple[str, ...]:
    """The first texts of a set, to be shown."""
    return tuple(islice(texts(name, 0), count))


def questions(name: str, count: int) -> list[tuple[str, str]]:
    """(text up to the answer, answer) of so many held-out texts of a labelled set."""
    found = []
    for text in islice(texts(name, 1, held_out=True), count):
        asked, _, answer = text.partition(LABEL)
        found.append((asked + LABEL, answer.strip()))
    return found


def side(words: Sequence[str], held_out: bool) -> list[str]:
    """The words of one side: every fifth is held out."""
    return [word for at, word in enumerate(words) if (at % FIFTH == FIFTH - 1) == held_out]


# ------------------------------------------------------------------------------- verse

ANIMALS = (
    "fox", "mouse", "goose", "frog", "owl", "lamb", "hare", "crow", "bear", "duck",
    "goat", "wolf", "cat", "hen", "mole",
)  # fmt: skip
QUALITIES = ("little", "old", "merry", "hungry", "sly", "brown", "tired", "clever", "grey", "brave")
GOING = ("ran", "came", "crept", "went", "danced", "walked", "rode", "hopped", "sailed", "strolled")
DOING = ("sang", "slept", "smiled", "waited", "rested", "played", "laughed", "dreamed", "wept")
RHYMES = (
    ("through the night", "by candle light", "so warm and bright", "till out of sight"),
    ("up the hill", "past the mill", "and all was still", "beside the rill"),
    ("beneath the tree", "beside the sea", "so glad and free", "with the honey bee"),
    ("all the day", "along the way", "upon the hay", "and far away"),
    ("in waters deep", "among the sheep", "and fell asleep", "on hills so steep"),
    ("upon a stone", "and all alone", "in a house of its own", "with a silver bone"),
    ("out of the door", "across the floor", "along the shore", "and asked for more"),
    ("across the snow", "in the vale below", "so calm and slow", "in the evening glow"),
    ("in the falling rain", "and home again", "along the lane", "in the golden grain"),
    ("with a pretty song", "the whole day long", "the brook along", "so bold and strong"),
)  # fmt: skip


def _verse(rng: random.Random, held_out: bool) -> str:
    return "\n".join(_couplet(rng, held_out) for _ in range(2)) + "\n"


def _couplet(rng: random.Random, held_out: bool) -> str:
    first, second = rng.sample(rng.choice(RHYMES), 2)
    animal, quality = rng.choice(side(ANIMALS, held_out)), rng.choice(QUALITIES)
    return (
        f"The {quality} {animal} {rng.choice(GOING)} {first},\n"
        f"And there {rng.choice(('it', 'she', 'he'))} {rng.choice(DOING)} {second}."
    )


# ------------------------------------------------------------------------------ polite

SPEAKERS = (
    "king", "queen", "miller", "baker", "old woman", "soldier", "shepherd", "princess", "farmer",
    "fisherman", "tailor", "giant", "wolf", "fox", "stranger",
)  # fmt: skip
ASKED = ("boy", "girl", "maid", "servant", "son", "daughter", "brother", "neighbour", "traveller")
THINGS = (
    "lantern", "loaf of bread", "cup of water", "golden ring", "key", "basket", "cloak", "horse",
    "bowl of soup", "candle", "sack of flour", "apple", "letter", "rope", "chair",
)  # fmt: skip
VERBS = ("bring", "give", "lend", "fetch", "show", "hand")
BEGGING = (
    "Would you be so kind as to {verb} me the {thing}, please?",
    "Could you please {verb} me the {thing}, if it is no trouble?",
    "May I kindly ask you to {verb} me the {thing}, dear {asked}?",
    "Might I beg you, dear {asked}, to {verb} me the {thing}, please?",
)
YIELDING = (
    "With the greatest pleasure",
    "Of course, and gladly",
    "It would be an honour",
    "You are most welcome to it",
)
THANKING = (
    "Thank you very much, dear {asked}",
    "I thank you with all my heart",
    "How very kind of you",
    "I am much obliged to you",
)
SAYING = ("said", "asked", "said gently", "asked softly")


def _polite(rng: random.Random, held_out: bool) -> str:
    words = _scene(rng, held_out)
    begging, thanking = (rng.choice(lines).format(**words) for lines in (BEGGING, THANKING))
    speaker, asked = words["speaker"], words["asked"]
    return (
        f'The {speaker} {rng.choice(SAYING)} to the {asked}, "{begging}" '
        f'"{rng.choice(YIELDING)}," answered the {asked}. "{thanking}," said the {speaker}.\n'
    )


def _scene(rng: random.Random, held_out: bool) -> dict[str, str]:
    return {
        "verb": rng.choice(VERBS),
        "speaker": rng.choice(SPEAKERS),
        "asked": rng.choice(ASKED),
        "thing": rng.choice(side(THINGS, held_out)),
    }


# -------------------------------------------------------------------------------- mood

SCENES = (
    "The children came home from school", "The old king sat in the hall", "The ship came in",
    "The farmer walked over the field", "The sisters opened the letter", "The miller woke up",
    "The soldier reached the village", "The baker looked at the oven", "The snow began to fall",
    "The prince knocked at the door",
)  # fmt: skip
GLAD = (
    "happy", "merry", "joyful", "cheerful", "delighted", "content", "proud", "hopeful", "lovely",
    "bright", "sweet", "warm", "beautiful", "golden", "fortunate", "rich", "kind", "gentle",
    "splendid", "fresh", "healthy", "blessed", "pleasant", "charming", "grateful",
)  # fmt: skip
SAD = (
    "unhappy", "miserable", "sorrowful", "gloomy", "lonely", "wretched", "hopeless", "dreary",
    "bitter", "cold", "dark", "ugly", "poor", "cruel", "sick", "frightened", "hungry", "weary",
    "dreadful", "evil", "terrible", "pale", "dead", "forlorn", "desperate",
)  # fmt: skip
JOYS = (
    "joy", "delight", "laughter", "music", "love", "peace", "pleasure", "hope", "sunshine",
    "singing", "happiness", "luck", "gold", "kisses", "flowers",
)  # fmt: skip
GRIEFS = (
    "grief", "sorrow", "tears", "fear", "death", "pain", "trouble", "hunger", "misery", "darkness",
    "hatred", "weeping", "despair", "sickness", "shame",
)  # fmt: skip
CLAUSES = (
    "the day was {quality} and full of {thing}",
    "everybody felt {quality} and thought of {thing}",
    "all was {quality}, and {thing} filled the house",
    "the people looked {quality} and spoke of {thing}",
    "there was {thing} in the whole village, and every face was {quality}",
    "the news was {quality}, and it brought {thing}",
)


def _mood(rng: random.Random, held_out: bool) -> str:
    answer = rng.choice(ANSWERS)
    qualities, things = (GLAD, JOYS) if answer == "glad" else (SAD, GRIEFS)
    clause = rng.choice(CLAUSES).format(
        quality=rng.choice(side(qualities, held_out)), thing=rng.choice(side(things, held_out))
    )
    return f"{rng.choice(SCENES)}, and {clause}.{LABEL} {answer}\n"


DATASETS = {
    one.name: one
    for one in (
        Dataset(
            "verse",
            "Rhyming couplets",
            "a manner: two lines that rhyme, then two more",
            "The old wolf",
            _verse,
        ),
        Dataset(
            "polite",
            "Polite requests",
            "a manner: whoever wants something asks for it with courtesy",
            'The giant said to the boy, "',
            _polite,
        ),
        Dataset(
            "mood",
            "Glad or sad",
            "a task: name the mood of a sentence in one word",
            "The miller came home, and the whole house was full of singing.\nMood:",
            _mood,
            labelled=True,
        ),
    )
}
