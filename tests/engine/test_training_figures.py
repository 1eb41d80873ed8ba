"""The figures of the model cards are counted as they say, and cards hold what was printed."""

from __future__ import annotations

import hashlib
import json
import math
from pathlib import Path

import numpy as np
import pytest

from engine.models import runtime
from engine.space import vocabulary_layout
from engine.trace import tracing
from engine.training import evaluate, shipping
from engine.training.evaluate import Figure
from engine.training.measures import everyday, figures
from engine.training.measures.homonyms import HOMONYMS
from engine.tuning import bits
from engine.values import Reading

TEXT = "The cat sat on the mat, and the dog lay down beside it."


@pytest.mark.parametrize("n_ids", [1, 2, 5, 8, 9, 12, 13, 40])
def test_windows_predict_every_id_but_the_first_once(n_ids):
    predicted = []
    for start, known, end in bits.spans(n_ids, limit=8, stride=4):
        assert 0 <= start <= known < end <= n_ids - 1 and end - start <= 8
        assert known - start == min(4, known)
        predicted += [position + 1 for position in range(known, end)]
    assert predicted == list(range(1, n_ids))


def test_log_probabilities_are_those_of_softmax():
    logits = np.log(np.array([[0.5, 0.25, 0.25], [0.1, 0.1, 0.8]], dtype=np.float32)) + 3
    found = bits.log_probabilities(logits, np.array([0, 2]))
    assert found == pytest.approx([math.log(0.5), math.log(0.8)])


def test_bits_of_a_text_are_those_of_one_reading(bundles):
    bundle = runtime.open_bundle(bundles("gpt2"))
    ids = figures.tokenizer_of(bundle).encode(TEXT).ids
    start = bundle.tokenizer.id_to_token(bundle.card.generation.start or 0)
    read = Reading(bundle.card.name, start + TEXT)
    cut = tracing.tokens(bundle, read)
    assert cut.ids.tolist() == [bundle.card.generation.start, *ids]
    logits = tracing.logits(bundle, read, tuple(range(len(ids)))).logits
    nats = -bits.log_probabilities(logits, np.array(ids)).sum()
    assert figures.text_bits(bundle, TEXT) == pytest.approx(nats / math.log(2), rel=1e-5)
    per_byte = figures.bits_per_byte(bundle, [TEXT, TEXT])
    assert per_byte == pytest.approx(nats / math.log(2) / len(TEXT), rel=1e-5)


def test_bits_of_a_text_longer_than_a_small_models_positions(bundles):
    bundle = runtime.open_bundle(bundles("gpt2"))
    limit = bundle.card.limit
    text = TEXT * 8
    ids = [bundle.card.generation.start, *figures.tokenizer_of(bundle).encode(text).ids]
    assert limit is not None and limit < bits.STRIDE and len(ids) > limit
    nats, known = 0.0, 0
    while known < len(ids) - 1:
        start = max(0, known - limit // 2)
        end = min(start + limit, len(ids) - 1)
        window = np.array([ids[start:end]])
        logits = bits.predicted(bundle, window, list(range(known - start, end - start)))[0]
        nats -= bits.log_probabilities(logits, np.array(ids[known + 1 : end + 1])).sum()
        known = end
    assert figures.text_bits(bundle, text) == pytest.approx(nats / math.log(2), rel=1e-5)


def test_fluent_counts_fours_and_sentence_ends():
    assert figures.fluent("He went home and he slept. Then he woke.")
    assert not figures.fluent("He went home and he slept and")
    assert not figures.fluent("It was a big dog. " * 3)
    assert figures.fluent("It was a big dog. " * 2)


def test_words_are_masked_whole_and_special_tokens_never():
    words = [None, 0, 1, 1, 2, None]
    rng = np.random.default_rng(0)
    chosen = np.stack([figures.chosen_words(words, share=0.3, rng=rng) for _ in range(2000)])
    assert not chosen[:, [0, 5]].any()
    assert (chosen[:, 2] == chosen[:, 3]).all()
    # 2,000 draws at 0.3: standard deviation 0.01.
    assert abs(chosen[:, 1].mean() - 0.3) < 0.05


def test_each_homonym_stands_once_in_each_of_its_twenty_sentences():
    assert len(HOMONYMS) == 5 and HOMONYMS[0].word == "bank"
    for homonym in HOMONYMS:
        sentences = {*homonym.first, *homonym.second}
        assert len(homonym.first) == len(homonym.second) == 10 and len(sentences) == 20
        for sentence in sentences:
            words = "".join(c if c.isalpha() else " " for c in sentence.lower()).split()
            assert words.count(homonym.word) == 1, sentence


def test_homonym_accuracy_is_perfect_for_vectors_that_show_the_sense(monkeypatch):
    homonym = HOMONYMS[0]

    def states(_, text, __):
        sign = 1.0 if text in homonym.first else -1.0
        noise = np.random.default_rng(abs(hash(text)) % 2**32).normal(size=(2, 8)) / 20
        return np.stack([np.ones(8), sign * np.ones(8)]) + noise

    monkeypatch.setattr(figures, "word_states", states)
    accuracy = figures.homonym_accuracy(None, homonym)  # type: ignore[arg-type]
    assert accuracy[1] == 1.0 and accuracy[0] < 0.9


def test_word_state_is_the_mean_over_the_words_pieces(bundles):
    bundle = runtime.open_bundle(bundles("bert"))
    found = figures.word_states(bundle, TEXT, "dog")
    read = tracing.hidden(bundle, Reading(bundle.card.name, TEXT))
    spans, at = read.tokens.spans, TEXT.index("dog")
    rows = [i for i, (a, b) in enumerate(spans.tolist()) if at <= a < b <= at + 3]
    assert rows and found == pytest.approx(read.states[:, rows].mean(axis=1))
    with pytest.raises(ValueError, match="'fox'"):
        figures.word_states(bundle, TEXT, "fox")


def test_translations_come_back_in_the_order_given(bundles):
    bundle = runtime.open_bundle(bundles("marian"))
    sentences = ["a long sentence with many words in it", "short", "not so long a one"]
    together = figures.translated(bundle, sentences, width=1, batch=2)
    assert together == [figures.translated(bundle, [text], width=1)[0] for text in sentences]


def test_a_card_takes_the_figures_between_its_marks(tmp_path):
    path = tmp_path / "README.md"
    path.write_text(f"# Model\n\n{evaluate.START}\nold\n{evaluate.END}\n\n## Limits\n")
    evaluate.write_card(path, [Figure("m", "BLEU", 12.345, ("a  b", "c"))])
    evaluate.write_card(path, [Figure("m", "BLEU", 54.321, ("a  b", "c"))])
    text = path.read_text()
    assert "| BLEU | 54.32 |" in text and "- a b\n- c" in text
    assert "old" not in text and "12.3" not in text
    assert text.startswith("# Model") and text.endswith("## Limits\n")


def test_a_translation_that_nobody_read_is_not_counted_right(monkeypatch):
    monkeypatch.setattr(everyday, "RIGHT", frozenset({"Thank you."}))
    monkeypatch.setattr(everyday, "WRONG", frozenset({"Tank you."}))
    verdicts = [everyday.verdict(text) for text in ("Thank you.", "Tank you.", "Thanks.")]
    assert verdicts == ["right", "wrong", "not read"]


def test_shipping_describes_the_model_and_keeps_its_readme(tmp_path: Path):
    old, fresh = tmp_path / "old", tmp_path / "fresh"
    old.mkdir()
    fresh.mkdir()
    (old / "README.md").write_text("words")
    (fresh / "card.json").write_text(
        json.dumps({"name": "fr-en", "title": "fr-en", "notes": [], "files": {}})
    )
    (fresh / vocabulary_layout.SPACE).write_bytes(b"a map")
    course = {"seconds": 1500.0, "step": 1234, "tokens": 5_600_000}
    shipping.describe(fresh / "card.json", "fr-en", course)
    shipping.keep_readme(old, fresh)
    card = json.loads((fresh / "card.json").read_text())
    assert card["notes"][0] == "Trained for 25 minutes: 1,234 steps, 5.6 million tokens."
    assert "tatoeba.org" in card["notes"][1] and card["title"] == "French to English"
    assert card["files"] == {"space.npz": hashlib.sha256(b"a map").hexdigest()}
    assert (fresh / "README.md").read_text() == "words"
