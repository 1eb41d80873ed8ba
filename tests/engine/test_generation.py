"""Generation on tiny bundles: with and without cache, against `generate`, line by line."""

from typing import Any

import numpy as np
import pytest

from engine.decoding import ranking, sampling
from engine.decoding.batch import encode
from engine.decoding.choosing import Ask, Chooser, Written, choose, choose_all
from engine.decoding.continuation import Line
from engine.decoding.generation import following, generate
from engine.decoding.next_token import banned
from engine.decoding.sampling import Sampling
from engine.errors import EmptyText, TextTooLong
from engine.models.runtime import Bundle, open_bundle
from engine.tokenizers.tokens import tokenize
from engine.trace import tracing
from engine.values import Reading
from tests.engine.reference import continued

PROMPT = "Once upon a time there was"
SETTINGS = [
    Sampling(temperature=0),
    Sampling(),
    Sampling(temperature=0.7),
    Sampling(top_k=40),
    Sampling(top_p=0.9),
    Sampling(min_p=0.05),
]
LINES = [Line(setting) for setting in SETTINGS]


@pytest.fixture(scope="module")
def bundle(bundles: Any) -> Bundle:
    return open_bundle(bundles("gpt2"))


@pytest.fixture(scope="module")
def prompt(bundle: Bundle) -> list[int]:
    return tokenize(bundle, PROMPT).ids.tolist()


def texts(bundle: Bundle, prompt: list[int], lines: list[Line], **options: Any) -> list[list[int]]:
    options = {"seed": 1, "limit": 24} | options
    steps = list(generate(bundle, prompt, lines, **options))
    return [[t.id for s in steps for t in s.written if t.line == i] for i in range(len(lines))]


def test_generation_with_the_cache_equals_generation_without(bundle: Bundle, prompt: list[int]):
    """Each token again from a run over the whole text; near-ties (1e-4) would be excepted."""
    for line, written in zip(LINES, texts(bundle, prompt, LINES), strict=True):
        ids = list(prompt)
        for token_id in written:
            logits = following(bundle, ids)
            changed = sampling.filtered(logits, line.sampling, ids, start=len(prompt))
            drawn = sampling.draw(changed, sampling.noise(1, 0, len(ids), len(logits)))
            best = np.sort(changed)[-2:]
            assert drawn == token_id or best[1] - best[0] < 1e-4
            ids.append(token_id)


def test_greedy_equals_generate_of_transformers(bundles: Any, bundle: Bundle):
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(bundles.checkpoint("gpt2")).eval()
    sentences = [PROMPT, "The cat", "a", "Le chat dort sur le tapis", "!!! 12", "She said <that>"]
    for setting in (Sampling(temperature=0), Sampling(temperature=0, repetition=1.4, no_repeat=2)):
        for sentence in sentences:
            ids = tokenize(bundle, sentence).ids.tolist()
            expected = continued(
                model,
                ids,
                20,
                repetition_penalty=setting.repetition,
                no_repeat_ngram_size=setting.no_repeat,
            )
            assert texts(bundle, ids, [Line(setting)], limit=20)[0] == expected


def test_columns_do_not_change_one_another(bundle: Bundle, prompt: list[int]):
    together = texts(bundle, prompt, LINES)
    assert together == [texts(bundle, prompt, [line])[0] for line in LINES]
    assert texts(bundle, prompt, LINES[::-2]) == together[::-2]


def test_equal_settings_write_equal_texts_and_runs_differ(bundle: Bundle, prompt: list[int]):
    one, same, other = texts(bundle, prompt, [Line(), Line(), Line(run=1)])
    assert one == same != other
    assert texts(bundle, prompt, [Line()], seed=2)[0] != one


def test_top_k_one_and_tiny_temperature_are_greedy(bundle: Bundle, prompt: list[int]):
    greedy, one, cold = texts(
        bundle,
        prompt,
        [
            Line(Sampling(temperature=0)),
            Line(Sampling(top_k=1)),
            Line(Sampling(temperature=0.01)),
        ],
    )
    assert greedy == one == cold


def test_a_forced_token_keeps_what_is_before_it(bundle: Bundle, prompt: list[int]):
    free, forced = texts(bundle, prompt, [Line(), Line(forced=((5, 77),))])
    assert free[:5] == forced[:5]
    assert forced[5] == 77


def test_a_forced_prefix_equals_that_prefix_as_a_prompt(bundle: Bundle, prompt: list[int]):
    greedy = Sampling(temperature=0)
    forced = texts(bundle, prompt, [Line(greedy, forced=((0, 50), (1, 60)))], limit=12)[0]
    assert forced[2:] == texts(bundle, [*prompt, 50, 60], [Line(greedy)], limit=10)[0]


def test_a_token_is_described_by_what_it_was_chosen_from(bundle: Bundle, prompt: list[int]):
    steps = list(generate(bundle, prompt, [Line(Sampling(top_k=3))], seed=3, limit=5))
    ids = list(prompt)
    for step in steps:
        (token,) = step.written
        own = ranking.probabilities(following(bundle, ids))
        assert token.probability == pytest.approx(own[token.id], abs=1e-5)
        assert own[token.best].tolist() == sorted(own.tolist(), reverse=True)[: len(token.best)]
        assert token.best_after[:3].sum() == pytest.approx(1, abs=1e-5)
        assert (token.best_cut[3:] == sampling.STAGES.index("top_k")).all()
        assert (token.kept, token.rank <= 3) == (3, True)
        assert token.entropy == pytest.approx(sampling.entropy(own), abs=1e-4)
        ids.append(token.id)


def test_the_first_logits_are_those_of_the_trace(bundle: Bundle, prompt: list[int]):
    traced = tracing.logits(bundle, Reading("gpt2", PROMPT), (len(prompt) - 1,)).logits[0]
    np.testing.assert_allclose(following(bundle, prompt), traced, atol=1e-5)


def test_lines_that_ended_leave_the_batch(bundle: Bundle, prompt: list[int]):
    end = bundle.card.generation.ends[0]
    lines = [Line(), Line(forced=((3, end),)), Line(Sampling(temperature=0))]
    steps = list(generate(bundle, prompt, lines, seed=4, limit=10))
    alone = texts(bundle, prompt, [lines[2]], seed=4, limit=10)[0]
    assert [t.line for t in steps[3].written] == [0, 1, 2]
    assert next(t for t in steps[3].written if t.line == 1).end == "end"
    assert all(t.line != 1 for step in steps[4:] for t in step.written)
    assert [t.id for step in steps for t in step.written if t.line == 2] == alone


def test_a_line_ends_at_the_limit_at_the_stop_text_and_at_the_last_position(
    bundle: Bundle, prompt: list[int]
):
    greedy = [Line(Sampling(temperature=0))]
    last = list(generate(bundle, prompt, greedy, seed=0, limit=7))[-1]
    assert (last.index, last.written[0].end) == (6, "limit")
    early = list(generate(bundle, prompt, greedy, seed=0, limit=7, ends=lambda ids: len(ids) == 3))
    assert (early[-1].index, early[-1].written[0].end) == (2, "stop")
    limit = bundle.card.limit
    assert limit is not None
    filled = list(generate(bundle, prompt, greedy, seed=0, limit=1000))
    assert filled[-1].written[0].end == "window"
    assert len(prompt) + len(filled) == limit


def test_generation_can_be_stopped_between_steps(bundle: Bundle, prompt: list[int]):
    steps = generate(bundle, prompt, LINES, seed=0, limit=20)
    next(steps)
    assert bundle.busy
    steps.close()
    assert not bundle.busy


def test_nothing_to_continue_and_no_room_are_sentences(bundle: Bundle):
    with pytest.raises(EmptyText, match="no text to continue"):
        list(generate(bundle, [], LINES, seed=0, limit=5))
    with pytest.raises(TextTooLong, match="64 tokens and .* 64 positions"):
        list(generate(bundle, [5] * 64, LINES, seed=0, limit=5))


BEAMS = [
    "beam 4, no-repeat 2",
    "beam 3, repetition penalty 1.5",
    "beam 4, length penalty -2",
    "beam 4, length penalty 4, repetition penalty 1.2, no-repeat 3",
]


@pytest.mark.parametrize("text", BEAMS)
def test_beam_search_obeys_penalties_and_length_penalty_as_generate_does(
    bundles: Any, bundle: Bundle, text: str
):
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(bundles.checkpoint("gpt2")).eval()
    line = Line.parse(text)
    for sentence in (PROMPT, "the cat the cat the", "a"):
        ids = tokenize(bundle, sentence).ids.tolist()
        expected = continued(
            model,
            ids,
            14,
            beams=line.beams,
            length_penalty=line.length_penalty,
            repetition_penalty=line.sampling.repetition,
            no_repeat_ngram_size=line.sampling.no_repeat,
        )
        assert texts(bundle, ids, [line], limit=14)[0] == expected


def test_beam_search_penalizes_new_tokens_alone_where_it_is_told(bundles: Any, bundle: Bundle):
    from transformers import AutoModelForCausalLM
    from transformers.generation import logits_process as theirs

    model = AutoModelForCausalLM.from_pretrained(bundles.checkpoint("gpt2")).eval()
    ids = tokenize(bundle, PROMPT).ids.tolist()
    own = theirs.RepetitionPenaltyLogitsProcessor(1.8, prompt_ignore_length=len(ids))
    for text, width in (
        ("beam 3, repetition penalty of new tokens 1.8", 3),
        ("greedy, repetition penalty of new tokens 1.8", 1),
    ):
        chain = theirs.LogitsProcessorList([own])
        expected = continued(model, ids, 14, beams=width, logits_processor=chain)
        assert texts(bundle, ids, [Line.parse(text)], limit=14)[0] == expected


@pytest.mark.parametrize("width", [2, 4])
def test_beam_search_equals_generate_of_transformers(
    bundles: Any, bundle: Bundle, prompt: list[int], width: int
):
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(bundles.checkpoint("gpt2")).eval()
    expected = continued(model, prompt, 12, beams=width)
    lines = [Line(), Line(beams=width), Line(Sampling(temperature=0))]
    free, beam, greedy = texts(bundle, prompt, lines, limit=12)
    assert beam == expected
    assert [free] == texts(bundle, prompt, [Line()], limit=12)
    assert [greedy] == texts(bundle, prompt, [lines[2]], limit=12)


def test_tokens_of_a_beam_search_are_described_like_all_others(bundle: Bundle, prompt: list[int]):
    steps = list(generate(bundle, prompt, [Line(beams=3)], seed=0, limit=8))
    tokens = [token for step in steps for token in step.written]
    assert [token.place for token in tokens] == list(range(len(tokens)))
    assert [bool(token.end) for token in tokens] == [False] * (len(tokens) - 1) + [True]
    ids = list(prompt)
    for token in tokens:
        own = ranking.probabilities(following(bundle, ids))
        assert token.probability == pytest.approx(own[token.id], abs=1e-5) and not token.forced
        ids.append(token.id)


def test_a_stop_text_cuts_what_a_beam_search_found(bundle: Bundle, prompt: list[int]):
    (whole,) = texts(bundle, prompt, [Line(beams=2)], limit=10)
    (cut,) = texts(bundle, prompt, [Line(beams=2)], limit=10, ends=lambda ids: len(ids) == 3)
    assert cut == whole[:3]


def test_beam_search_with_a_filter_is_refused():
    with pytest.raises(ValueError, match="takes penalties, and no top-k"):
        Line(Sampling(top_k=3), beams=4)
    with pytest.raises(ValueError, match="takes penalties, and no temperature"):
        Line.parse("beam 4, greedy")
    with pytest.raises(ValueError, match="takes penalties, and no forced token"):
        Line.parse("beam 4 @3=1")
    with pytest.raises(ValueError, match=r"length penalty must be in \[-2, 4\], got 5"):
        Line.parse("beam 4, length penalty 5")
    with pytest.raises(ValueError, match="length penalty needs a beam search"):
        Line.parse("top-k 3, length penalty 2")
    with pytest.raises(ValueError, match="beam must be in"):
        Line.parse("beam 99")
    for text in ("beam 4", *BEAMS):
        assert str(Line.parse(text)) == text


def test_negative_runs_and_offsets_are_refused():
    with pytest.raises(ValueError, match="0 or more, got -2"):
        Line(forced=((-2, 4),))


def test_a_line_reads_back_from_its_words():
    line = Line(Sampling(temperature=0.7, top_p=0.9)).branched(9, 40).branched(4, 77)
    assert str(line) == "temperature 0.7, top-p 0.9 @4=77"
    assert Line.parse(str(line)) == line
    assert Line.parse("greedy") == Line(Sampling(temperature=0))


@pytest.mark.parametrize("text", ["greedy @x=3", "greedy @3", "@-1=2", "greedy @1=" + "9" * 30])
def test_words_that_are_no_line_are_refused(text: str):
    with pytest.raises(ValueError, match="no forced token"):
        Line.parse(text)


def test_an_encoder_decoder_writes_as_generate_does(bundles: Any):
    import torch
    from transformers import AutoModelForSeq2SeqLM

    pair = open_bundle(bundles("marian"))
    model = AutoModelForSeq2SeqLM.from_pretrained(bundles.checkpoint("marian")).eval()
    ids = tokenize(pair, "Le chat dort sur le tapis.").ids
    start, rules = pair.card.generation.start, pair.card.generation
    assert start is not None
    expected = model.generate(
        torch.tensor(ids)[None].long(),
        attention_mask=torch.ones(1, len(ids), dtype=torch.long),
        do_sample=False,
        num_beams=1,
        max_new_tokens=15,
        bad_words_ids=[[i] for i in banned(pair.card)] or None,
        forced_eos_token_id=None,
    )[0, 1:].tolist()
    source = encode(pair, ids[None])
    steps = generate(
        pair, [start], [Line(Sampling(temperature=0))], seed=0, limit=15, source=source
    )
    written = [token.id for step in steps for token in step.written]
    assert written == expected
    assert not set(written[:-1]) & set(rules.ends)


def test_what_a_card_forbids_is_never_drawn(bundle: Bundle, prompt: list[int]):
    logits = following(bundle, prompt)
    best = int(np.argmax(logits))
    token = choose(
        logits, Line(Sampling(temperature=0)), prompt, start=len(prompt), seed=0, ban=(best,)
    )
    assert token.id != best and token.best_cut[0] == sampling.STAGES.index("banned")


CHOSEN = [
    *(str(line) for line in LINES),
    "typical 0.8",
    "temperature 1.5, top-p 0.3",
    "greedy, repetition penalty 1.4",
    "frequency penalty 1.5, no-repeat 2",
    "greedy @3=77",
    "top-k 5 @3=17",
]


def told(token: Written) -> list[Any]:
    """Everything that a token tells but whose it is."""
    values = [getattr(token, name) for name in token.__slots__ if name != "line"]
    return [value.tolist() if isinstance(value, np.ndarray) else value for value in values]


@pytest.mark.parametrize("ban", [(), (2, 3)], ids=["", "banned"])
@pytest.mark.parametrize("ruled_out", [False, True])
@pytest.mark.parametrize("vocabulary", [300, 6144])
def test_rows_of_a_step_are_chosen_as_if_each_were_alone(
    vocabulary: int, ruled_out: bool, ban: tuple[int, ...]
):
    rng, ids = np.random.default_rng(4), [1, 2, 3, 2, 1, 4]
    logits = 3 * rng.standard_normal((len(CHOSEN), vocabulary), dtype=np.float32)
    if ruled_out:
        logits[:, rng.integers(0, vocabulary, vocabulary // 3)] = -np.inf
    lines = [Line.parse(text) for text in CHOSEN]
    asks = [Ask(line, ids, 3, number) for number, line in enumerate(lines)]
    with np.errstate(invalid="ignore"):  # 0 x infinity
        together = choose_all(logits, asks, seed=5, ban=ban)
        alone = [
            choose(row, line, ids, start=3, seed=5, ban=ban)
            for row, line in zip(logits, lines, strict=True)
        ]
    assert [token.line for token in together] == list(range(len(lines)))
    assert [told(token) for token in together] == [told(token) for token in alone]
    for token, row in zip(together, logits, strict=True):
        own = ranking.probabilities(row)
        assert token.rank == 1 + np.count_nonzero(own > own[token.id])
        assert token.probability == pytest.approx(own[token.id], rel=1e-5)
        assert token.entropy == pytest.approx(sampling.entropy(own), abs=1e-4)


@pytest.mark.parametrize("forced", ["", " @3=77", " @3=5"])
def test_plain_greedy_tells_what_greedy_with_an_idle_penalty_tells(forced: str):
    """The first takes a short way, the second the way of all settings."""
    logits = np.random.default_rng(1).standard_normal(400).astype(np.float32)
    logits[[7, 9]] = logits.max() + 1  # two equal ones
    logits[11] = -np.inf
    with np.errstate(invalid="ignore"):
        plain, idle = (
            choose(logits, Line.parse(text + forced), [1, 2, 3, 4, 5, 6], start=3, seed=1)
            for text in ("greedy", "greedy, no-repeat 90")
        )
    assert told(plain) == told(idle)


def test_a_chooser_that_goes_on_tells_what_a_new_one_tells():
    """Its memory is used again, by steps of fewer rows and of more."""
    rng, lines = np.random.default_rng(6), [Line.parse(text) for text in CHOSEN]
    chooser = Chooser(seed=5)
    for count in (3, len(lines), 2, 4):
        logits = 3 * rng.standard_normal((count, 400), dtype=np.float32)
        asks = [Ask(line, [1, 2, 3, 4], 3, number) for number, line in enumerate(lines[:count])]
        ours = [told(token) for token in chooser.choose(logits, asks)]
        assert ours == [told(token) for token in choose_all(logits.copy(), asks, seed=5)]
