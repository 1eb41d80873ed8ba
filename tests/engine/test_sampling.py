"""Filters against transformers' own, by hand on four tokens, and the draw against its odds."""

import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.decoding import filters, ranking, sampling
from engine.decoding.sampling import Sampling

FOUR = np.log(np.array([0.5, 0.3, 0.1, 0.1], dtype=np.float32))


def kept(logits: np.ndarray) -> list[int]:
    return np.flatnonzero(logits > -np.inf).tolist()


def rows(count: int, size: int = 977) -> np.ndarray:
    return (np.random.default_rng(7).normal(size=(count, size)) * 3).astype(np.float32)


# --- By hand ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mass", "expected"), [(0.4, [0]), (0.7, [0, 1]), (0.85, [0, 1, 3]), (1.0, [0, 1, 2, 3])]
)
def test_top_p_keeps_the_smallest_set_that_reaches_the_mass(mass: float, expected: list[int]):
    assert kept(filters.top_p(FOUR, mass)) == expected


def test_top_p_stops_exactly_at_its_mass():
    exact = np.log(np.array([0.5, 0.4, 0.1], dtype=np.float32))
    assert kept(filters.top_p(exact, 0.9)) == [0, 1]


def test_top_k_keeps_ties_of_the_last_one():
    assert kept(filters.top_k(FOUR, 3)) == [0, 1, 2, 3]
    assert kept(filters.top_k(FOUR, 2)) == [0, 1]
    assert kept(filters.top_k(FOUR, 99)) == [0, 1, 2, 3]


def test_min_p_is_a_share_of_the_likeliest():
    assert kept(filters.min_p(FOUR, 0.5)) == [0, 1]  # 0.5 x 0.5 = 0.25


def test_frequency_penalty_counts_what_was_written():
    changed = filters.frequency_penalty(np.zeros(4, np.float32), [1, 1, 2], 0.5)
    assert changed.tolist() == [0, -1, -0.5, 0]


def test_no_repeat_cuts_the_token_that_would_close_a_known_pair():
    assert kept(filters.no_repeat_ngram(FOUR, [0, 1, 2, 0], 2)) == [0, 2, 3]
    assert kept(filters.no_repeat_ngram(FOUR, [0], 2)) == [0, 1, 2, 3]
    assert kept(filters.no_repeat_ngram(FOUR, [0, 2], 1)) == [1, 3]


def test_cuts_name_the_filter_that_cut():
    _, cut = sampling.cuts(FOUR, Sampling(top_k=3, top_p=0.7, min_p=0.7), [])
    names = [sampling.STAGES[i] if i >= 0 else None for i in cut]
    assert names == [None, "min_p", "top_p", "top_p"]


def test_greedy_leaves_one_token_whatever_else_is_set():
    setting = Sampling(temperature=0, top_k=3, top_p=0.9)
    assert kept(sampling.filtered(FOUR, setting, [])) == [0]
    assert setting.idle == ("top_k", "top_p")
    assert Sampling(top_k=3).idle == ()


# --- Against transformers -----------------------------------------------------------------------


START = 30  # ids of the prompt
THEIRS: dict[str, Callable[[Any, Any], Any]] = {
    "repetition": lambda theirs, value: theirs.RepetitionPenaltyLogitsProcessor(value),
    "repetition_new": lambda theirs, value: theirs.RepetitionPenaltyLogitsProcessor(
        value, prompt_ignore_length=START
    ),
    "no_repeat": lambda theirs, value: theirs.NoRepeatNGramLogitsProcessor(value),
    "temperature": lambda theirs, value: theirs.TemperatureLogitsWarper(value),
    "top_k": lambda theirs, value: theirs.TopKLogitsWarper(value),
    "top_p": lambda theirs, value: theirs.TopPLogitsWarper(value),
    "min_p": lambda theirs, value: theirs.MinPLogitsWarper(value),
    "typical": lambda theirs, value: theirs.TypicalLogitsWarper(value),
}


def reference(logits: np.ndarray, setting: Sampling, ids: list[int]) -> np.ndarray:
    """The same setting through transformers' processors, in the order of `generate`."""
    import torch
    from transformers.generation import logits_process as theirs

    chain = theirs.LogitsProcessorList()
    for name, make in THEIRS.items():
        if (value := getattr(setting, name)) != sampling.OFF[name]:
            chain.append(make(theirs, value))
    tokens: Any = torch.tensor([ids])
    return chain(tokens, torch.tensor(logits)[None])[0].numpy()


def test_every_filter_is_compared_with_transformers_or_checked_by_hand():
    by_hand = {"frequency"}  # not in transformers
    assert {one.name for one in filters.FILTERS} == set(THEIRS) | by_hand


SETTINGS = [
    Sampling(),
    Sampling(temperature=0.7),
    Sampling(temperature=1.9),
    Sampling(top_k=1),
    Sampling(top_k=40),
    Sampling(top_k=5000),
    Sampling(top_p=0.9),
    Sampling(top_p=0.0001),
    Sampling(top_p=0.9999),
    Sampling(min_p=0.05),
    Sampling(min_p=1.0),
    Sampling(typical=0.2),
    Sampling(typical=0.95),
    Sampling(repetition=1.3),
    Sampling(repetition=0.8),
    Sampling(repetition_new=1.3),
    Sampling(repetition=1.2, repetition_new=0.7, top_p=0.9),
    Sampling(no_repeat=1),
    Sampling(no_repeat=2),
    Sampling(
        temperature=0.8, top_k=200, top_p=0.95, min_p=0.01, typical=0.9, repetition=1.2, no_repeat=3
    ),
]


@pytest.mark.parametrize("setting", SETTINGS, ids=str)
def test_filters_equal_those_of_transformers(setting: Sampling):
    ids = np.random.default_rng(3).integers(0, 40, 60).tolist()
    for logits in rows(40):
        ours = sampling.filtered(logits, setting, ids, start=START)
        theirs = reference(logits, setting, ids)
        assert kept(ours) == kept(theirs)
        np.testing.assert_allclose(ours, theirs, rtol=1e-6)


@pytest.mark.parametrize("setting", [Sampling(top_p=0.6), Sampling(top_k=3), Sampling(typical=0.5)])
def test_ties_are_cut_as_in_transformers(setting: Sampling):
    for logits in (np.zeros(10, np.float32), np.repeat([2.0, 1.0, 0.0], 5).astype(np.float32)):
        assert kept(sampling.filtered(logits, setting, [])) == kept(reference(logits, setting, [0]))


def test_ids_beyond_the_output_layer_are_ignored():
    setting = Sampling(repetition=1.3, frequency=1, no_repeat=1)
    assert kept(sampling.filtered(FOUR, setting, [2, 400, 4])) == [0, 1, 3]


# --- The setting --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"top_p": 0.0}, r"top-p must be in \(0, 1\], got 0"),
        ({"top_p": 2.0}, r"top-p must be in \(0, 1\], got 2"),
        ({"temperature": -1.0}, r"temperature must be 0 \(greedy\) or in \[0.01, 10\], got -1"),
        ({"temperature": float("nan")}, "temperature must be .* got nan"),
        ({"top_k": -1}, "top-k must be 0"),
        ({"top_k": 1.5}, "top-k must be a whole number, got 1.5"),
        ({"min_p": 1.1}, "min-p must be in"),
        ({"repetition": 0.0}, "repetition penalty must be in"),
    ],
)
def test_a_setting_out_of_range_names_the_range_and_the_value(values: dict, sentence: str):
    with pytest.raises(ValueError, match=sentence):
        Sampling(**values)


def test_settings_are_hashable_keys():
    assert len({Sampling(), Sampling(), Sampling(top_k=1)}) == 2


def offered(one: filters.Filter) -> Any:
    """Values that the slider of a filter offers, and what is legal besides."""
    low, high, step, values = one.slider
    kind = int if one.range.whole else float
    offered = values or [kind(round(low + n * step, 6)) for n in range(round((high - low) / step))]
    extra = [] if one.range.also is None else [one.range.also]
    return st.sampled_from([*offered, *extra, one.off])


SAMPLINGS = st.builds(
    Sampling,
    temperature_last=st.booleans(),
    **{one.name: offered(one) for one in filters.FILTERS},
)


@given(SAMPLINGS)
def test_a_setting_reads_back_from_its_words(setting: Sampling):
    assert sampling.parse(str(setting)) == setting


@given(SAMPLINGS)
def test_a_setting_travels_as_its_values(setting: Sampling):
    assert pickle.loads(pickle.dumps(setting)) == setting


def test_a_setting_keeps_the_numbers_that_its_words_round():
    assert str(Sampling(top_p=0.12345678)) == "top-p 0.123457"
    assert Sampling(top_p=0.12345678).changed(top_k=4).top_p == 0.12345678


@pytest.mark.parametrize("one", filters.FILTERS, ids=lambda one: one.name)
def test_a_declaration_holds_together(one: filters.Filter):
    """Off changes nothing and is legal; what the slider and the preset offer is legal; a label is
    read back; help is one short sentence with how to switch it off."""
    assert one.range.holds(one.off) and Sampling(**{one.name: one.off}) == Sampling()
    values = [*(one.slider.values or one.slider[:2]), *([one.preset] if one.preset else [])]
    for value in values:
        legal: Any = value if one.range.holds(value) else one.range.also
        assert sampling.parse(str(Sampling(**{one.name: legal}))) == Sampling(**{one.name: legal})
    assert min(values) <= one.off <= max(values)
    assert len(one.help) <= 90 and one.help.endswith(".")


def test_temperature_comes_first_or_last():
    """By hand: 0.5, 0.3, 0.1, 0.1 at temperature 2 are 0.379, 0.294, 0.164, 0.164."""
    first, last = (
        Sampling(temperature=2, top_p=0.75),
        Sampling(temperature=2, top_p=0.75, temperature_last=True),
    )
    assert kept(sampling.filtered(FOUR, first, [])) == [0, 1, 3]
    ours = sampling.filtered(FOUR, last, [])
    assert kept(ours) == [0, 1]
    np.testing.assert_allclose(ours[:2], FOUR[:2] / 2, rtol=1e-6)
    assert [one.name for one, _ in last.stages] == ["top_p", "temperature"]
    assert [one.name for one, _ in first.stages] == ["temperature", "top_p"]


def test_penalties_and_bans_come_before_the_temperature_wherever_it_stands():
    for setting in (
        Sampling(temperature=2, top_k=3, no_repeat=1),
        Sampling(temperature=2, top_k=3, no_repeat=1, temperature_last=True),
        Sampling(temperature=0, top_k=3, no_repeat=1),
    ):
        names = [name for name, _ in sampling.stages(FOUR, setting, [2], ban=[3])]
        assert names[:2] == ["no_repeat", "banned"]


def test_an_unknown_filter_is_refused():
    with pytest.raises(TypeError, match="no setting 'heat'"):
        Sampling(heat=3)
    with pytest.raises(AttributeError, match="no setting 'heat'"):
        _ = Sampling().heat


@pytest.mark.parametrize(
    "text", ["temperature abc", "heat 3", "top-p", "top-k 1.5", "top-p 2", "top-k nan", "min-p inf"]
)
def test_words_that_are_no_setting_are_refused(text: str):
    with pytest.raises(ValueError, match=r"\w"):
        sampling.parse(text)


# --- Probabilities and draws --------------------------------------------------------------------


def test_entropy_of_equal_choices_is_the_logarithm_of_their_number():
    assert sampling.entropy(np.full(8, 1 / 8, np.float32)) == pytest.approx(3)
    assert sampling.entropy(np.array([1, 0, 0], np.float32)) == 0


def test_noise_depends_on_seed_run_and_position_alone():
    again = sampling.noise(1, 2, 3, 100)
    assert (sampling.noise(1, 2, 3, 500)[:100] == again).all()
    others = [(2, 2, 3), (1, 3, 3), (1, 2, 4)]
    assert all((sampling.noise(*other, 100) != again).all() for other in others)


def test_a_token_cut_far_away_does_not_change_the_draw():
    """The point of Gumbel noise by id: columns part only where their settings matter."""
    logits = rows(1)[0]
    for position in range(50):
        bits = sampling.noise(1, 0, position, len(logits))
        chosen = sampling.draw(logits, bits)
        unlikely = [i for i in np.argsort(logits)[:500].tolist() if i != chosen]
        assert sampling.draw(filters.banned(logits, unlikely), bits) == chosen


@pytest.mark.parametrize(
    "setting",
    [
        Sampling(),
        Sampling(temperature=0.7),
        Sampling(top_k=5),
        Sampling(top_p=0.8),
        Sampling(min_p=0.1),
        Sampling(typical=0.8),
        Sampling(repetition=1.5),
        Sampling(frequency=0.7),
        Sampling(no_repeat=1),
    ],
    ids=str,
)
@pytest.mark.parametrize("by", ["position", "run"])
def test_draws_fit_the_distribution(setting: Sampling, by: str):
    """Chi-square of 10,000 draws at p = 1e-6: one false alarm in 55,000 changes of the noise."""
    logits = rows(1, 12)[0] / 3
    changed = sampling.filtered(logits, setting, [0, 3])
    expected = 10_000 * ranking.probabilities(changed).astype(np.float64)
    spots = [(i, 9) if by == "run" else (0, i) for i in range(10_000)]
    drawn = [sampling.draw(changed, sampling.noise(5, *spot, 12)) for spot in spots]
    seen = np.bincount(drawn, minlength=12)
    assert (seen[expected == 0] == 0).all()
    held = expected > 0
    statistic = float((((seen - expected) ** 2)[held] / expected[held]).sum())
    # 99.9999 % quantiles of chi-square by degrees of freedom, from scipy.stats.chi2.ppf
    limit = [0, 23.9, 27.6, 30.7, 33.4, 35.9, 38.3, 40.5, 42.7, 44.8, 46.9, 48.9][held.sum() - 1]
    assert statistic < limit


def test_the_likeliest_of_many_rows_are_those_of_a_sort():
    """Rows of heaps, rows too short for them, ties (the higher id first) and what is ruled out."""
    many = np.vstack([rows(6, 977), np.zeros((1, 977), np.float32), np.round(rows(2, 977))])
    many[0, 5:400] = -np.inf
    for scores in (many, many[:, :40], ranking.probabilities(many[1])[None]):
        for row, found in zip(scores, ranking.likeliest_of(scores, 8), strict=True):
            assert found.tolist() == sorted(range(len(row)), key=lambda i: (-row[i], -i))[:8]


def test_what_lies_outside_a_head_is_less_than_all_in_it():
    many = np.vstack([rows(6, 6000), np.zeros((1, 6000), np.float32), np.round(rows(2, 6000))])
    for row, found in zip(many, ranking.heads_of(many, 20), strict=True):
        assert found.tolist() == sorted(range(len(row)), key=lambda i: (-row[i], -i))[: len(found)]
        assert len(found) >= 20 and np.delete(row, found).max(initial=-np.inf) < row[found[-1]]


@pytest.mark.parametrize("count", [1, 7, 60, 93, 94, 95, 5999])
def test_the_least_of_the_largest_is_that_of_a_sort(count: int):
    for row in (*rows(4, 6000), np.round(rows(1, 6000)[0]), rows(1, 70)[0]):
        if count < len(row):
            assert ranking.least_of(row, count) == np.sort(row)[-count]


@pytest.mark.parametrize("setting", [one for one in SETTINGS if one.stages], ids=str)
def test_what_is_known_of_logits_changes_nothing_that_is_kept(setting: Sampling):
    many = np.vstack([rows(20, 6000), np.round(rows(4, 6000)), np.zeros((1, 6000), np.float32)])
    many[0, 100:5900] = -np.inf
    shares = np.vstack([ranking.probabilities(row) for row in many])
    for row, own, head in zip(many, shares, ranking.heads_of(shares, 48), strict=True):
        known = filters.Known(row, own, head)
        with np.errstate(invalid="ignore"):  # 0 x infinity
            plain = list(sampling.stages(row, setting, [1, 2, 3]))
            quick = list(sampling.stages(row, setting, [1, 2, 3], known=known))
        assert [name for name, _ in plain] == [name for name, _ in quick]
        for (_, one), (_, other) in zip(plain, quick, strict=True):
            assert (one == other).all()


def test_noise_is_made_of_the_bits_of_philox_alone():
    bits = np.random.Philox(key=[7, 2], counter=[0, 5, 0, 0]).random_raw(300)
    uniform = ((bits >> np.uint64(11)).astype(np.float64) + 0.5) * 2.0**-53
    assert (sampling.noise(7, 2, 5, 300) == -np.log(-np.log(uniform))).all()
