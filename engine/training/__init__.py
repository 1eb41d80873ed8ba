"""Recipes of the models in `assets/models`: corpora in, checkpoints and bundles out.

    corpora       the two corpora, and the split that keeps what is measured out of training
    tokenizers    byte-level BPE, unigram and WordPiece, trained on the text
    loop          the one training loop: schedule, optimisers, checkpoints, progress
    attention     a faster attention for training on processors
    tales_gpt, fr_en, tales_bert    one recipe each: its settings, its batches, its loss
    evaluate      the figures of the model cards, from the shipped bundles through our engine

Run `python -m engine.training <model> --corpora DIR`. Nothing in the app imports this package.
"""
