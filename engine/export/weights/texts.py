"""Texts on which rounded weights are measured: prose, speech, code, four languages.

They exist outside this project and are free of any right: the openings of "Alice's Adventures in
Wonderland" (Carroll, 1865), "Pride and Prejudice" (Austen, 1813), "On the Origin of Species"
(Darwin, 1859), Lincoln's address at Gettysburg (1863), the first article of the Universal
Declaration of Human Rights (1948), the first lines of PEP 20 and of PEP 8's example of code.
"""

from __future__ import annotations

ALICE = (
    "Alice was beginning to get very tired of sitting by her sister on the bank, and of having "
    "nothing to do: once or twice she had peeped into the book her sister was reading, but it had "
    'no pictures or conversations in it, "and what is the use of a book," thought Alice "without '
    'pictures or conversations?"'
)
AUSTEN = (
    "It is a truth universally acknowledged, that a single man in possession of a good fortune, "
    "must be in want of a wife. However little known the feelings or views of such a man may be on "
    "his first entering a neighbourhood, this truth is so well fixed in the minds of the "
    "surrounding families, that he is considered the rightful property of some one or other of "
    "their daughters."
)
DARWIN = (
    "When we look to the individuals of the same variety or sub-variety of our older cultivated "
    "plants and animals, one of the first points which strikes us, is, that they generally differ "
    "much more from each other, than do the individuals of any one species or variety in a state "
    "of nature."
)
LINCOLN = (
    "Four score and seven years ago our fathers brought forth on this continent, a new nation, "
    "conceived in Liberty, and dedicated to the proposition that all men are created equal. Now we "
    "are engaged in a great civil war, testing whether that nation, or any nation so conceived and "
    "so dedicated, can long endure."
)
RIGHTS = (
    "All human beings are born free and equal in dignity and rights. They are endowed with reason "
    "and conscience and should act towards one another in a spirit of brotherhood.",
    "Tous les êtres humains naissent libres et égaux en dignité et en droits. Ils sont doués de "
    "raison et de conscience et doivent agir les uns envers les autres dans un esprit de "
    "fraternité.",
    "Alle Menschen sind frei und gleich an Würde und Rechten geboren. Sie sind mit Vernunft und "
    "Gewissen begabt und sollen einander im Geist der Brüderlichkeit begegnen.",
    "Todos los seres humanos nacen libres e iguales en dignidad y derechos y, dotados como están "
    "de razón y conciencia, deben comportarse fraternalmente los unos con los otros.",
)
PYTHON = (
    "Beautiful is better than ugly.\nExplicit is better than implicit.\nSimple is better than "
    "complex.\nComplex is better than complicated.\nFlat is better than nested.\n",
    "# Aligned with opening delimiter.\nfoo = long_function_name(var_one, var_two,\n"
    "                         var_three, var_four)\n\ndef long_function_name(\n"
    "        var_one, var_two, var_three,\n        var_four):\n    print(var_one)\n",
)
TEXTS = (ALICE, AUSTEN, DARWIN, LINCOLN, *RIGHTS, *PYTHON)
