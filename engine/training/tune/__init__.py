"""Tuning of a shipped decoder: all weights, or a low-rank adapter beside them.

`python -m engine.training.tune DATASET --out FOLDER` trains one and leaves an adapter, as
`engine.tuning.adapters` reads it; with `--corpora` what is forgotten is measured on held-out tales.
"""
