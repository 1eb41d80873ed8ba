"""Classes: a teacher leads pupils, who have no accounts, through the steps of lessons.

    codes      the six signs that a class is joined by, keys, nicknames
    rooms      what a class is: opened, joined, moved, locked, revealed, ended; kept in a file
    answers    what pupils answered, kept in the same file
    tally      answers as bars, and as CSV

Kept in the file of short links, so that several processes serve one class. A class is forgotten 24
hours after it was opened. Who may do what is `engine.policy`'s, and asked here.
"""
