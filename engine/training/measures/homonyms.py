"""Five words of two senses each, twenty sentences a word, written for the measurement.

The senses of the four words beside "bank" stand at least 300 times each in the corpora (counted
by the words around them: "a rose" 1,317 and "he rose" 1,075, "the bear" 1,629 and "could bear" 518,
"left hand" 694 and "had left" 2,365, "the well" 706 and "very well" 3,577).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Homonym:
    """A word and ten sentences for each of its two senses; it stands once in each of them."""

    word: str
    first: tuple[str, ...]
    second: tuple[str, ...]


HOMONYMS = (
    Homonym(
        "bank",
        first=(
            "The boys sat on the bank of the river and watched the fish.",
            "An otter slipped down the muddy bank into the water.",
            "They pulled the boat up on the grassy bank.",
            "Willows grew along the bank of the stream.",
            "She picked violets on the sunny bank beside the brook.",
            "The swimmer reached the far bank at last.",
            "A frog was sitting on the bank of the pond.",
            "The stream had broken its bank after the rain.",
            "We ate our lunch on the bank, under a tree by the water.",
            "The mill stood on the left bank of the river.",
        ),
        second=(
            "He put all his money in the bank.",
            "She works at a bank in the city.",
            "The bank would not lend him any money.",
            "Tom robbed a bank and was sent to prison.",
            "I need to go to the bank to get some money.",
            "The bank closes at three o'clock.",
            "My father has an account at this bank.",
            "The bank was closed, so he could not pay.",
            "They borrowed a thousand dollars from the bank.",
            "Her husband is the manager of a bank.",
        ),
    ),
    Homonym(
        "rose",
        first=(
            "He gave her a red rose from the garden.",
            "A white rose grew beside the gate.",
            "The rose was covered with dew and smelt sweet.",
            "She wore a rose in her hair.",
            "There was not one rose left on the bush.",
            "The prince picked the most beautiful rose of all.",
            "The bee flew from the lily to the rose.",
            "Every rose has its thorn.",
            "A wild rose was blooming in the hedge.",
            "Beauty asked her father for a rose.",
        ),
        second=(
            "The king rose from his chair and spoke.",
            "The sun rose over the hills.",
            "He rose early and went out to feed the cows.",
            "The water rose higher and higher.",
            "She rose to her feet and left the room.",
            "A thick smoke rose from the chimney.",
            "The bird rose into the air and flew away.",
            "A great wind rose in the night.",
            "They rose up and followed the old man.",
            "The moon rose and the forest became bright.",
        ),
    ),
    Homonym(
        "bear",
        first=(
            "A big brown bear came out of the forest.",
            "The bear growled and showed its teeth.",
            "The hunter shot the bear in the mountains.",
            "The little bear cried because his bed was broken.",
            "They saw a bear and climbed up a tree.",
            "The wolf and the fox went to visit the bear.",
            "A polar bear can swim very well.",
            "The bear was eating honey from the hollow tree.",
            "The old bear slept all through the winter.",
            "The boy was not afraid of the bear.",
        ),
        second=(
            "I cannot bear this pain any longer.",
            "She could not bear to leave her mother.",
            "It was more than he could bear.",
            "The ice will not bear your weight.",
            "They had to bear hunger and cold.",
            "He could hardly bear to look at it.",
            "You must bear your sorrow like a man.",
            "She can't bear the noise.",
            "I shall not bear it much longer, said the queen.",
            "How can you bear to hear him talk like that?",
        ),
    ),
    Homonym(
        "left",
        first=(
            "He held the sword in his left hand.",
            "Turn to the left at the next corner.",
            "She wore a ring on her left finger.",
            "The house stands on the left side of the road.",
            "He was wounded in the left arm.",
            "Her left eye was blue and the other was brown.",
            "The path to the left leads to the castle.",
            "He looked to the right and to the left.",
            "My left foot hurts when I walk.",
            "The soldiers marched past on our left side.",
        ),
        second=(
            "He left the house early in the morning.",
            "The train left ten minutes ago.",
            "She had left her umbrella on the bus.",
            "They left the village and went into the forest.",
            "My friends have left without me.",
            "The old man left all his gold to his three sons.",
            "Who left the door open?",
            "He kissed his mother and left home.",
            "Tom left Boston three years ago.",
            "We left as soon as the rain stopped.",
        ),
    ),
    Homonym(
        "well",
        first=(
            "The girl went to the well to draw water.",
            "The frog lived at the bottom of a deep well.",
            "Her golden ball fell into the well.",
            "There was an old well in the garden.",
            "He let the bucket down into the well.",
            "The well was dry and they had nothing to drink.",
            "She threw a stone into the well and heard a splash.",
            "They dug a well in the middle of the village.",
            "The water of this well is cold and clear.",
            "A fairy sat by the well under the lime tree.",
        ),
        second=(
            "She speaks English very well.",
            "He knew the way quite well.",
            "You have done your work well.",
            "I did not sleep well last night.",
            "The horse was well fed and strong.",
            "My brother swims as well as a fish.",
            "I know him very well, said the king.",
            "She sings well and dances better.",
            "I don't feel well today.",
            "The plan did not work very well.",
        ),
    ),
)
