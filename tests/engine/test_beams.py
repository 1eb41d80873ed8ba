"""Beam search against a slow reference search, against `transformers.generate`, and by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from engine.decoding import beams, ranking
from engine.decoding.beams import FINISHED, KEPT, PRUNED, ROOT, Beam, Found, Search
from engine.decoding.ranking import largest
from engine.models.bundle import Generation
from tests.engine.reference import searching

END, VOCABULARY = 0, 12
GENERATION = Generation(start=1, ends=(END,), pad=1)


def logits_after(path: tuple[int, ...], seed: int = 0) -> np.ndarray:
    """Logits that depend on the whole path, as a decoder's do; the end grows likelier."""
    rng = np.random.default_rng([seed, len(path), *path])
    logits = rng.normal(scale=2.0, size=VOCABULARY).astype(np.float32)
    logits[END] += 0.4 * len(path) - 1.0
    return logits


def search_with(search: Search, generation: Generation = GENERATION, seed: int = 0) -> Found:
    beam, paths = Beam([1], search, generation), [()]
    while not beam.done:
        beam.advance(np.stack([logits_after(path, seed) for path in paths]))
        paths = [(*paths[row], int(token)) for row, token in zip(beam.rows, beam.ids, strict=True)]
    return beam.found()


def slow_search(search: Search, seed: int = 0) -> list[tuple[tuple[int, ...], float]]:
    """The same search from its definition: lists of whole paths, double precision, no sharing."""
    running: list[tuple[tuple[int, ...], float]] = [((), 0.0)]
    done: list[tuple[float, tuple[int, ...]]] = []
    for length in range(1, search.limit + 1):
        every = []
        for path, total in running:
            logits = [float(x) for x in logits_after(path, seed)]
            norm = math.log(sum(math.exp(x) for x in logits))
            every += [((*path, t), total + x - norm) for t, x in enumerate(logits)]
        every.sort(key=lambda pair: -pair[1])
        every = every[: 2 * search.width]
        last = length == search.limit
        for path, total in every[: search.width]:
            if path[-1] == END or last:
                done.append((total / length**search.length_penalty, path))
        done = sorted(done, key=lambda pair: -pair[0])[: search.width]
        running = [pair for pair in every if pair[0][-1] != END and not last][: search.width]
        if not running:
            break
        if len(done) == search.width:
            reach = length
            if search.early_stopping == "never" and search.length_penalty > 0:
                reach = search.limit
            hopeless = running[0][1] / reach**search.length_penalty <= done[-1][0]
            if search.early_stopping is True or search.width == 1 or hopeless:
                break
    return [(path, score) for score, path in done]


@pytest.mark.parametrize("early", [True, False, "never"])
@pytest.mark.parametrize("penalty", [0.0, 0.6, 1.0, 2.0])
@pytest.mark.parametrize("width", range(1, 9))
def test_hypotheses_are_exactly_those_of_the_slow_search(width, penalty, early) -> None:
    search = Search(width, penalty, early, limit=14)
    for seed in range(5):
        found, expected = search_with(search, seed=seed), slow_search(search, seed)
        assert [h.ids for h in found.hypotheses] == [path for path, _ in expected]
        assert np.allclose([h.score for h in found.hypotheses], [s for _, s in expected], atol=1e-5)


@pytest.mark.parametrize("width", [1, 3, 8])
def test_every_number_of_the_tree_follows_from_its_path(width) -> None:
    search = Search(width, 0.7, limit=9)
    tree = search_with(search).tree
    assert (tree.fate == PRUNED).any()
    for node in range(len(tree.token)):
        nodes = tree.path(node)
        ids = tuple(int(i) for i in tree.token[nodes])
        logits = logits_after(ids[:-1]).astype(np.float64)
        log = logits[ids[-1]] - np.log(np.exp(logits).sum())
        assert tree.log[node] == pytest.approx(log, abs=1e-5)
        assert tree.running[node] == pytest.approx(float(tree.log[nodes].sum()), abs=1e-4)
        assert tree.score[node] == pytest.approx(tree.running[node] / len(ids) ** 0.7, abs=1e-4)
        assert tree.step[node] == len(ids) - 1
        assert all(tree.fate[n] == KEPT for n in nodes[:-1])


def test_a_step_keeps_at_most_the_width_and_weighs_twice_as_many() -> None:
    tree = search_with(Search(4, limit=9)).tree
    for step in range(int(tree.step.max()) + 1):
        here = tree.step == step
        assert here.sum() == 8
        assert (tree.fate[here] == KEPT).sum() <= 4
        assert (tree.fate[here] == FINISHED).sum() <= 4


def test_options_are_the_best_next_tokens_of_every_running_hypothesis() -> None:
    tree = search_with(Search(3, limit=7)).tree
    assert tree.expanded[0] == ROOT
    for row, node in enumerate(tree.expanded):
        path = tuple(int(i) for i in tree.token[tree.path(int(node))])
        logits = logits_after(path).astype(np.float64)
        probabilities = np.exp(logits) / np.exp(logits).sum()
        assert list(tree.option_ids[row]) == list(np.argsort(-probabilities)[:10])
        assert np.allclose(np.exp(tree.option_logs[row]), np.sort(probabilities)[::-1][:10])
        assert tree.entropy[row] == pytest.approx(-(probabilities * np.log2(probabilities)).sum())
        assert tree.row(int(node)) == row


def test_greedy_takes_the_likeliest_token_until_the_end() -> None:
    found = search_with(Search(1, limit=20))
    path: tuple[int, ...] = ()
    while not path or path[-1] != END:
        path = (*path, int(np.argmax(logits_after(path))))
    assert found.hypotheses[0].ids == path and found.hypotheses[0].ended


def test_the_limit_cuts_and_says_so() -> None:
    found = search_with(Search(2, limit=2))
    assert all(len(h.ids) <= 2 for h in found.hypotheses)
    assert not all(h.ended for h in found.hypotheses)


def test_banned_and_forced_ids_are_obeyed() -> None:
    banned = tuple(range(1, 8))
    rules = Generation(ends=(END,), banned=banned, forced_first=5, forced_last=END)
    for found in (search_with(Search(w, limit=5), rules) for w in (1, 4)):
        for hypothesis in found.hypotheses:
            assert hypothesis.ids[0] == 5
            assert not set(hypothesis.ids[1:]) & set(banned)
            assert hypothesis.ids[-1] == END


@pytest.mark.parametrize(
    "bad",
    [{"width": 0}, {"length_penalty": 99.0}, {"early_stopping": "soon"}, {"limit": 0}],
)
def test_settings_that_make_no_sense_are_refused(bad) -> None:
    with pytest.raises(ValueError, match=next(iter(bad))):
        Search(**bad)


@pytest.fixture(scope="module")
def marian():
    """A tiny Marian with random weights: the model that `generate` is asked about."""
    import torch
    from transformers import MarianConfig, MarianMTModel

    torch.manual_seed(11)
    config = MarianConfig(
        vocab_size=40,
        d_model=16,
        encoder_layers=2,
        decoder_layers=2,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        encoder_ffn_dim=32,
        decoder_ffn_dim=32,
        max_position_embeddings=64,
        pad_token_id=39,
        eos_token_id=0,
        bos_token_id=None,
        decoder_start_token_id=39,
        forced_eos_token_id=0,
        init_std=0.6,
        # Tied to the input vectors, a random model says its last token again and again.
        tie_word_embeddings=False,
    )
    model = MarianMTModel(config).eval()
    for name, weight in model.named_parameters():
        if weight.ndim == 2 and "positions" not in name:
            # Vectors far apart, sub-layers weaker than they: what was written last matters.
            torch.nn.init.normal_(weight, std=1.0 if "shared" in name else 0.25)
    model.final_logits_bias[0, 0] = 1.0  # ends are likely enough to come at many lengths
    return model


SOURCES = [[5, 9, 17, 22, 0], [8, 3, 0], [30, 31, 32, 33, 34, 35, 36, 0]]
PAD = 39
MARIAN = Generation(start=PAD, ends=(0,), pad=PAD, forced_last=0, banned=(PAD,))


def padded_sources():
    import torch

    length = max(map(len, SOURCES))
    ids = torch.tensor([s + [PAD] * (length - len(s)) for s in SOURCES])
    return ids, (ids != PAD).long()


def generated(model, search: Search, prompt: list[int]):
    """What `generate` makes of the padded batch, our settings written out."""
    ids, mask = padded_sources()
    out = model.generate(
        input_ids=ids,
        attention_mask=mask,
        bad_words_ids=[[PAD]],
        forced_eos_token_id=0,
        **searching(search, prompt, len(SOURCES)),
    )
    rows = out.sequences.reshape(len(SOURCES), search.width, -1)[:, :, len(prompt) :].tolist()
    scores = out.sequences_scores.reshape(len(SOURCES), -1) if search.width > 1 else None
    return rows, scores


def searched(model, search: Search, prompt: list[int]) -> list[Found]:
    """Our search over the same model without a cache, each source on its own."""
    import torch

    results = []
    for source in SOURCES:
        beam, paths = Beam(prompt, search, MARIAN), [[]]
        while not beam.done:
            with torch.no_grad():
                logits = model(
                    input_ids=torch.tensor([source] * len(paths)),
                    decoder_input_ids=torch.tensor([prompt + path for path in paths]),
                ).logits[:, -1]
            beam.advance(logits.numpy())
            paths = [[*paths[row], int(t)] for row, t in zip(beam.rows, beam.ids, strict=True)]
        results.append(beam.found())
    return results


@pytest.mark.parametrize("prompt", [[PAD], [PAD, 11, 4]], ids=["start", "forced prefix"])
@pytest.mark.parametrize("early", [True, False, "never"])
@pytest.mark.parametrize("penalty", [0.0, 1.0, 2.5])
@pytest.mark.parametrize("width", [1, 2, 4, 7])
def test_search_equals_generate_in_a_padded_batch(marian, width, penalty, early, prompt) -> None:
    search = Search(width, penalty, early, limit=12)
    rows, scores = generated(marian, search, prompt)
    for index, found in enumerate(searched(marian, search, prompt)):
        ours = [list(h.ids) for h in found.hypotheses]
        theirs = [[i for i in row if i != PAD] for row in rows[index]]
        assert ours == theirs
        if scores is not None:
            assert np.allclose([h.score for h in found.hypotheses], scores[index], atol=1e-4)


@pytest.mark.parametrize("cells", [1, 7, 63, 64, 65, 700, 5000])
def test_the_largest_are_found_wherever_they_lie(cells: int) -> None:
    rng = np.random.default_rng(cells)
    for count in {1, min(5, cells), min(40, cells), cells}:
        values = rng.normal(size=cells).astype(np.float32)
        values[rng.random(cells) < 0.1] = -np.inf
        found = largest(values, count)
        assert len(set(found)) == count
        np.testing.assert_array_equal(np.sort(values[found]), np.sort(values)[cells - count :])


def test_log_probabilities_and_entropy_equal_pytorchs() -> None:
    logits = np.random.default_rng(0).normal(size=(3, 500)).astype(np.float32) * 4
    logits[1, 100:] = -np.inf
    own, entropy = beams.predicted(logits)
    law = torch.distributions.Categorical(logits=torch.from_numpy(logits).double())
    expected = torch.log_softmax(torch.from_numpy(logits).double(), dim=-1)
    np.testing.assert_allclose(own, expected, atol=1e-5)
    shares = law.probs.numpy()
    safe = np.log2(shares, out=np.zeros_like(shares), where=shares > 0)
    np.testing.assert_allclose(entropy, -(shares * safe).sum(1), atol=1e-5)


@pytest.mark.parametrize("decimals", [0, 1, 6])
def test_the_best_continuations_are_those_of_all_cells_wherever_heads_can_tell(decimals: int):
    """Rounded to whole numbers most are equal to others, in a head and outside."""
    rng, told = np.random.default_rng(decimals), 0
    for _ in range(60):
        scores = np.round(rng.standard_normal((4, 2000)) * 3, decimals).astype(np.float32)
        sums = np.round(-5 * rng.random(4), decimals).astype(np.float32)
        banned = rng.integers(0, 2000, 3).tolist()
        heads = ranking.heads_of(scores, 10, ties="low")
        found = ranking.best_of_heads(scores, sums, heads, 8, banned)
        used = scores.copy()
        used[:, banned] = -np.inf
        if found is not None:
            told += 1
            totals = (used + sums[:, None]).ravel()
            order = np.argsort(-totals, kind="stable")[:8]  # of equals the lower row and id first
            for one, other in zip(found, (*np.divmod(order, 2000), totals[order]), strict=True):
                assert one.tolist() == other.tolist()
    assert told > 50 or decimals < 6


def test_a_continuation_that_no_head_holds_is_left_to_the_search_of_all_cells():
    scores = np.zeros((1, 2000), np.float32)
    scores[0, :9] = np.arange(9, 0, -1)
    heads = ranking.heads_of(scores, 9, ties="low")
    banned = list(range(4))  # five are left in the head, and eight are wanted
    assert ranking.best_of_heads(scores, np.zeros(1, np.float32), heads, 8, banned) is None
