"""Recipes of the models in `assets/models`: corpora in, checkpoints and bundles out.

    corpora       the two corpora, and the split that keeps what is measured out of training
    tokenizers    byte-level BPE, unigram and WordPiece, trained on the text
    loop          the one training loop: schedule, optimisers, checkpoints, progress
    attention     a faster attention for training on processors
    tales_gpt, fr_en, tales_bert    one recipe each: its settings, its batches, its loss
    tales_rnn, tales_mini           the same, of a recurrent network and of a training whose moments
                                    are kept
    tales_ngrams  n-gram tables, counted in the text
    predecessors  bundles of the recurrent network and figures of both, proved and measured
    judges        ready judges of texts: coefficients over a model's hidden states
    moments       bundles of a training's moments
    tune          a shipped decoder tuned to a task or a manner: adapters
    own           a small decoder of somebody's own text
    evaluate      the figures of the model cards, from the shipped bundles through our engine

Run `python -m engine.training <model> --corpora DIR`. Nothing in the app imports this package.
What came before transformers, in this order; `--resume` and more `--minutes` train on:

    python -m engine.training tales-rnn --corpora DIR
    python -m engine.training.predecessors pack
    python -m engine.training.tales_ngrams --corpora DIR
    python -m engine.training.predecessors measure --corpora DIR

And the moments of a training:

    python -m engine.training tales-mini --corpora DIR
    python -m engine.training.moments --corpora DIR

And the adapters in `assets/adapters`, of which one is:

    python -m engine.training.tune verse --out assets/adapters/verse --corpora DIR
"""
