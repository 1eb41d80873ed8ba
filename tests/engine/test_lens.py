"""What each layer would say, on logits by hand."""

import numpy as np

from engine.trace import logit_lens

# Three layers (and what enters) over four words; the last row says word 2.
LOGITS = np.log(
    np.array(
        [[0.7, 0.1, 0.1, 0.1], [0.3, 0.4, 0.2, 0.1], [0.1, 0.2, 0.6, 0.1], [0.05, 0.05, 0.8, 0.1]],
        dtype=np.float32,
    )
)


def test_the_best_of_each_layer_with_their_probabilities():
    found = logit_lens.read(LOGITS, best=2)
    assert found.best.tolist() == [[0, 1], [1, 0], [2, 1], [2, 3]]
    np.testing.assert_allclose(found.probabilities[1], [0.4, 0.3], rtol=1e-5)


def test_what_a_layer_raised_and_lowered_most():
    found = logit_lens.read(LOGITS)
    assert found.raised.tolist() == [1, 2, 2] and found.lowered.tolist() == [0, 0, 1]


def test_the_final_word_rises_and_from_where_it_stays_first():
    found = logit_lens.read(LOGITS)
    assert found.ranks.tolist() == [2, 3, 1, 1] and found.settled == 2
    assert logit_lens.read(LOGITS[2:]).settled == 0
    back = logit_lens.read(
        LOGITS[[2, 1, 3]]
    )  # first, lost, first again: it counts from the last time
    assert back.ranks.tolist() == [1, 3, 1] and back.settled == 2


def test_chosen_words_have_a_place_and_a_probability_in_every_layer():
    ranks, shares = logit_lens.followed(LOGITS, [0, 2])
    assert ranks.tolist() == [[1, 2], [2, 3], [3, 1], [3, 1]]
    np.testing.assert_allclose(shares, [[0.7, 0.1], [0.3, 0.2], [0.1, 0.6], [0.05, 0.8]], rtol=1e-5)
