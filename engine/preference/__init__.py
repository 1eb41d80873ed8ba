"""Preferences: completions of one prompt, a reward learnt from choices between them, best of n.

    samples     completions of one prompt, drawn independently in one batch
    hidden      what a reward is computed from: hidden states of the last layer
    choices     pairs of completions, what somebody chose of each, written in short
    reward      a Bradley-Terry model of the choices, with its doubt
    best_of_n   the best of n completions by a reward: what it gains, how far it is from the model
    measures    what a completion is worth by other measures than the reward
    judges      rewards that are ready: coefficients, a card and sentences that are hard to judge

Completions are written by `engine.decoding`; nothing here trains a language model.
"""
