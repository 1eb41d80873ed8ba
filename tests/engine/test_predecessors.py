"""A recurrent network equals PyTorch, influence a slow reference, and both stand in the catalog."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from engine.api import Local
from engine.decoding.divergence import divergence
from engine.errors import BrokenBundle, EmptyText, NotOffered, TextTooLong
from engine.models import catalog, runtime
from engine.predecessors import bundles as files
from engine.predecessors import comparing, counting, gru
from engine.predecessors.gru import Network
from engine.predecessors.influence import DRAWS, FARTHEST, draw, influence
from engine.predecessors.predictors import Predictor, Recurrence, Transformer, Window
from engine.settings import settings
from engine.store import store
from engine.training import corpora, predecessors, tales_ngrams, tales_rnn, tokenizers
from engine.training.fit.loop import Limits, train
from engine.training.fit.recurrent import Recurrent, RecurrentConfig
from engine.training.measures import figures
from engine.values import Reading

MODEL, TEXT = "tales-gpt", "The milk is bad, my tea tastes"
TINY = tales_rnn.Settings(width=16, hidden=24, positions=32, batch_tokens=128)


@pytest.fixture(scope="module")
def shipped(corpus, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the shipped tales-gpt, and a table and a network made from a small corpus."""
    corpus_folder, fraction = corpus
    place = tmp_path_factory.mktemp("predecessors")
    folder, work = place / "models", place / "work"
    shutil.copytree(catalog.SHIPPED / MODEL, folder / MODEL)
    task = tales_rnn.prepare(corpus_folder, work / "tales-rnn", TINY, fraction=fraction)
    train(task, work / "tales-rnn", Limits(minutes=1, steps=3))
    predecessors.pack(work=work, shipped=folder)
    texts = corpora.prose(corpus_folder, fraction=fraction).train
    chosen = tales_ngrams.Settings(worth=0.0)
    path = tokenizers.path(MODEL)
    tales_ngrams.ship(tales_ngrams.make(texts, path, chosen), path, chosen, shipped=folder)
    return folder


@pytest.fixture
def here(shipped: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The engine with these models alone."""
    monkeypatch.setattr(catalog, "SHIPPED", shipped)
    monkeypatch.setenv("ATLAS_MODELS", str(shipped.parent / "exported"))
    settings.cache_clear()
    store().clear()
    yield shipped
    settings.cache_clear()


def tiny_network(seed: int = 0) -> tuple[Network, Recurrent]:
    """A network with random weights, ours and PyTorch's."""
    torch.manual_seed(seed)
    model = Recurrent(RecurrentConfig(40, 8, 12)).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(torch.randn_like(parameter) * 0.4)  # biases too
    one = {name: value.detach().numpy() for name, value in model.named_parameters()}
    network = Network(
        embedding=one["embedding.weight"],
        from_token=one["gru.weight_ih_l0"],
        from_state=one["gru.weight_hh_l0"],
        token_bias=one["gru.bias_ih_l0"],
        state_bias=one["gru.bias_hh_l0"],
        project=one["project.weight"],
        project_bias=one["project.bias"],
    )
    return network, model


# -- the recurrent network ------------------------------------------------------------------------


def test_states_and_logits_equal_pytorch() -> None:
    network, model = tiny_network()
    ids = torch.from_numpy(np.random.default_rng(1).integers(0, 40, (3, 50)))
    with torch.no_grad():
        states, logits = model.states(ids).numpy(), model(ids).numpy()
    found = network.read(ids.numpy())
    assert np.abs(found.states - states).max() < 1e-5
    assert np.abs(network.logits(found.states) - logits).max() < 1e-5


def test_reading_on_from_a_state_equals_reading_at_once() -> None:
    network, _ = tiny_network()
    ids = np.random.default_rng(2).integers(0, 40, (2, 20))
    whole = network.read(ids).states
    first = network.read(ids[:, :7]).states
    rest = network.read(ids[:, 7:], first[:, -1]).states
    assert np.abs(np.concatenate([first, rest], axis=1) - whole).max() < 1e-6
    state = network.start(2)
    for place in range(20):
        state = network.step(state, ids[:, place])
        assert np.abs(state - whole[:, place]).max() < 1e-6


def test_gates_say_what_stayed() -> None:
    network, _ = tiny_network()
    shut = np.concatenate([np.zeros(12), np.full(12, 60.0), np.zeros(12)]).astype(np.float32)
    kept = Network(**{**fields(network), "token_bias": shut})
    found = kept.read(np.array([[1, 2, 3]]), np.full((1, 12), 0.5, dtype=np.float32))
    assert found.update.min() > 0.999 and np.abs(found.states - 0.5).max() < 1e-3
    assert ((found.reset > 0) & (found.reset < 1)).all()


def fields(network: Network) -> dict[str, np.ndarray]:
    return {name: getattr(network, name) for name in Network.__dataclass_fields__}


def test_weights_that_do_not_fit_are_refused() -> None:
    network, _ = tiny_network()
    with pytest.raises(ValueError, match="from_state has shape"):
        Network(**{**fields(network), "from_state": network.from_token})


def test_the_bundle_equals_the_checkpoint_it_was_made_of(shipped: Path) -> None:
    card = files.read_card(shipped / "tales-rnn")
    assert 0 < max(card.errors.values()) < 1e-5 and set(card.errors) == {"hidden", "logits"}
    network = files.network(shipped / "tales-rnn")
    model = Recurrent.from_pretrained(shipped.parent / "work" / "tales-rnn" / "checkpoint").eval()
    ids = np.random.default_rng(3).integers(0, network.vocabulary, (1, 30))
    with torch.no_grad():
        logits = model(torch.from_numpy(ids)).numpy()
    # int8 rounds a weight by half a 127th of its row's largest at most: near, not equal.
    found = network.logits(network.read(ids).states)
    assert 0 < np.abs(found - logits).max() < 0.05 * max(1.0, np.abs(logits).max())
    assert card.parameters == sum(one.numel() for one in model.parameters())
    size = (shipped / "tales-rnn" / "weights.bin").stat().st_size
    assert size < 1.3 * card.parameters


def test_a_network_that_differs_from_pytorch_leaves_no_bundle(
    shipped: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gru, "_sigmoid", lambda values: 1 / (1 + np.exp(-values)) + 1e-3)
    with pytest.raises(SystemExit, match="differs from PyTorch"):
        predecessors.pack(work=shipped.parent / "work", shipped=tmp_path)
    assert not (tmp_path / "tales-rnn").exists()


# -- all predictors alike -------------------------------------------------------------------------


def predictors(bundle: runtime.Bundle) -> dict[str, Predictor]:
    """One of each kind over the tiny model's 400 tokens."""
    rng = np.random.default_rng(4)
    texts = [rng.integers(1, 12, 300) for _ in range(3)]
    size = bundle.card.vocabulary
    table = counting.count(counting.stream(texts, 0), vocabulary=size, window=4, worth=0.0)
    shapes = {
        "embedding": (size, 8), "from_token": (36, 8), "from_state": (36, 12),
        "token_bias": (36,), "state_bias": (36,), "project": (8, 12), "project_bias": (8,),
    }  # fmt: skip
    parts = {name: rng.normal(0, 0.5, one).astype(np.float32) for name, one in shapes.items()}
    every: dict[str, Predictor] = {f"window {n}": Window(table, n) for n in (0, 1, 2, 4)}
    return {**every, "recurrent": Recurrence(Network(**parts)), "decoder": Transformer(bundle)}


@pytest.mark.parametrize("length", [1, 2, 11, 40])
def test_influence_equals_a_slow_reference(bundles, length: int) -> None:
    every = predictors(runtime.open_bundle(bundles("gpt2")))
    rng = np.random.default_rng(length)
    ids = rng.integers(1, 12, length)
    tokens = draw(ids, np.arange(1, 12), seed=0)
    assert tokens.shape == (DRAWS, length)
    for name, predictor in every.items():
        found = influence(predictor, ids, tokens)
        own = predictor.along(ids)[-1:]
        for one in range(DRAWS):
            for back in range(length):
                changed = ids.copy()
                changed[length - 1 - back] = tokens[one, back]
                assert changed[length - 1 - back] != ids[length - 1 - back]
                slow = divergence(own, predictor.along(changed)[-1:]).bits[0]
                assert found[one, back] == pytest.approx(slow, abs=2e-6), (name, one, back)


def test_a_table_feels_nothing_beyond_its_window(bundles) -> None:
    every = predictors(runtime.open_bundle(bundles("gpt2")))
    ids = np.random.default_rng(5).integers(1, 12, 30)
    tokens = draw(ids, np.arange(1, 12), seed=1)
    for window in (0, 1, 2, 4):
        found = influence(every[f"window {window}"], ids, tokens)
        assert (found[:, window:] == 0).all()
        assert window == 0 or found[:, :window].max() > 0
    assert influence(every["recurrent"], ids, tokens).min() > 0


def test_predictions_along_a_text_are_those_of_its_beginnings(bundles) -> None:
    ids = np.random.default_rng(6).integers(1, 12, 9)
    for name, predictor in predictors(runtime.open_bundle(bundles("gpt2"))).items():
        found = predictor.along(ids)
        assert np.exp(found).sum(axis=1) == pytest.approx(1.0, abs=1e-6), name
        for end in range(1, 10):
            alone = predictor.along(ids[:end])[-1]
            assert found[end - 1] == pytest.approx(alone, abs=1e-5), name


def test_replacements_are_others_and_the_same_for_a_seed() -> None:
    ids = np.array([5, 6] * 60)
    first, again = (draw(ids, np.array([5, 6]), seed=3) for _ in range(2))
    assert first.tolist() == again.tolist() and first.shape == (DRAWS, FARTHEST)
    assert (first != ids[::-1][:FARTHEST]).all()
    many = draw(ids, np.arange(100), seed=4)
    assert many.tolist() != draw(ids, np.arange(100), seed=5).tolist()
    with pytest.raises(ValueError, match="two tokens"):
        draw(ids, np.array([5]), seed=0)


# -- the engine -----------------------------------------------------------------------------------


def test_the_catalog_lists_them_and_opens_them_nowhere(here: Path) -> None:
    found = {entry.name: entry for entry in catalog.entries() if entry.folder}
    assert set(found) == {MODEL, "tales-rnn", "tales-ngrams"}
    for name in ("tales-rnn", "tales-ngrams"):
        assert not found[name].ready and found[name].problem is None and found[name].size > 1000
        assert found[name].family is None
        with pytest.raises(NotOffered, match="compared with tales-gpt, not opened as a model"):
            catalog.find(name)
        with pytest.raises(NotOffered, match="compared with tales-gpt"):
            Local().tokens(Reading(name, TEXT))
    assert found[MODEL].ready and not found[MODEL].apart


def test_the_standings_have_sizes_and_what_was_measured(here: Path) -> None:
    texts = ["The cat sat on the mat.", "A dog lay down and slept, and so did the cat."]
    before = {one.name: one for one in Local().standings(MODEL)}
    assert list(before) == ["window-1", "window-2", "window-4", "recurrent", "transformer"]
    assert all(one.bits_per_byte is None and not one.missing for one in before.values())
    predecessors.measure(texts, shipped=here)
    after = {one.name: one for one in Local().standings(MODEL)}
    opened = runtime.open_bundle(here / MODEL)
    size = sum(map(len, texts))
    assert after["transformer"].bits_per_byte == figures.bits_per_byte(opened, texts)
    start = opened.card.generation.start
    table, network = files.table(here / "tales-ngrams"), files.network(here / "tales-rnn")
    for name, predictor in (
        ("window-2", Window(table, 2)), ("window-4", Window(table, 4)),
        ("recurrent", Recurrence(network)),
    ):  # fmt: skip
        bits = 0.0
        for text in texts:
            ids = np.array([start, *figures.tokenizer_of(opened).encode(text).ids])
            log = predictor.along(ids)[np.arange(len(ids) - 1), ids[1:]]
            bits -= log.sum() / np.log(2)
        assert after[name].bits_per_byte == pytest.approx(bits / size, rel=1e-6)
    grams = [after[f"window-{window}"].numbers for window in (1, 2, 4)]
    assert grams[0] < grams[1] < grams[2]
    assert after["recurrent"].numbers == files.read_card(here / "tales-rnn").parameters


def test_network_bits_do_not_depend_on_how_documents_are_read_together() -> None:
    network, _ = tiny_network()
    rng = np.random.default_rng(7)
    documents = [rng.integers(0, 40, length) for length in (2, 3, 9, 40, 41, 17)]
    found = predecessors.network_bits(network, documents, rows=3, piece=5)
    slow = 0.0
    for ids in documents:
        log = Recurrence(network).along(ids)
        slow -= log[np.arange(len(ids) - 1), ids[1:]].sum() / np.log(2)
    assert found == pytest.approx(slow, rel=1e-6)


def test_continuations_are_the_best_of_each_distribution(here: Path) -> None:
    found = Local().continuations(MODEL, TEXT, 10)
    assert found.predictors == ("window-1", "window-2", "window-4", "recurrent", "transformer")
    count = len(found.tokens)
    assert found.best.shape == found.shares.shape == (5, count, 10)
    assert (np.diff(found.shares, axis=2) <= 0).all() and (found.shares.sum(axis=2) <= 1).all()
    # The transformer's are those that every other view shows.
    logits = Local().logits(Reading(MODEL, TEXT), tuple(range(count))).logits
    assert found.best[4].tolist() == np.argsort(-logits, axis=1, kind="stable")[:, :10].tolist()
    table = files.table(here / "tales-ngrams")
    own = table.distribution(found.tokens.ids[: count - 1], 4)
    cost = -np.log2(own[found.tokens.ids[count - 1]])
    assert found.surprise[2, count - 2] == pytest.approx(cost)
    assert np.isnan(found.surprise[:, -1]).all() and (found.surprise[:, :-1] > 0).all()


def test_influence_of_a_sentence(here: Path) -> None:
    found = Local().influence(MODEL, TEXT)
    count = len(Local().tokens(Reading(MODEL, TEXT)))
    assert found.bits.shape == (5, DRAWS, count) and found.mean.shape == (5, count)
    assert (found.bits[0, :, 1:] == 0).all() and found.bits[4].max() > 0
    words = Local().vocabulary(MODEL).texts
    assert all(words[token].startswith(" ") for token in found.tokens.ravel())
    other = Local().influence(MODEL, TEXT, seed=1)
    assert other.tokens.tolist() != found.tokens.tolist()


def test_the_hidden_state_moves_with_every_token(here: Path) -> None:
    found = Local().hidden_states(MODEL, TEXT)
    count = len(found.tokens)
    assert found.states.shape == found.update.shape == (count, TINY.hidden)
    network = files.network(here / "tales-rnn")
    state = network.start(1)
    for place, token in enumerate(found.tokens.ids):
        after = network.step(state, np.array([token]))
        moved = np.linalg.norm(after - state) / np.linalg.norm(after)
        assert found.moved[place] == pytest.approx(moved, rel=1e-4)
        state = after
    assert found.states[-1] == pytest.approx(state[0], abs=1e-6)
    assert ((found.kept > 0) & (found.kept < 1)).all()


def test_without_files_it_says_how_to_make_them(
    here: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(here / MODEL, tmp_path / MODEL)
    monkeypatch.setattr(catalog, "SHIPPED", tmp_path)
    ngrams, recurrent, transformer = Local().standings(MODEL)
    assert "python -m engine.training.tales_ngrams" in ngrams.missing
    assert "python -m engine.training tales-rnn" in recurrent.missing
    assert not transformer.missing and transformer.numbers > 10**6
    assert Local().continuations(MODEL, TEXT).predictors == ("transformer",)
    assert Local().influence(MODEL, TEXT).predictors == ("transformer",)
    with pytest.raises(NotOffered, match="Recurrent network: not here"):
        Local().hidden_states(MODEL, TEXT)


def test_a_model_with_other_tokens_is_not_compared(
    here: Path, bundles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    exported = here.parent / "exported"
    shutil.copytree(bundles("gpt2"), exported / "other", dirs_exist_ok=True)
    shutil.copytree(bundles("bert"), exported / "reader", dirs_exist_ok=True)
    ngrams, recurrent, _ = Local().standings("other")
    assert "counts in the tokens of tales-gpt" in ngrams.missing and recurrent.missing
    assert Local().continuations("other", TEXT).predictors == ("transformer",)
    for ask in (Local().standings, lambda name: Local().continuations(name, TEXT)):
        with pytest.raises(NotOffered, match="only a decoder is compared"):
            ask("reader")


def test_texts_that_cannot_be_compared_are_refused_in_a_sentence(here: Path) -> None:
    with pytest.raises(EmptyText):
        Local().continuations(MODEL, "")
    with pytest.raises(TextTooLong, match=f"at most {comparing.LONGEST} are compared"):
        Local().influence(MODEL, "word " * 300)
    with pytest.raises(NotOffered, match="1 to 20"):
        Local().continuations(MODEL, TEXT, 21)


@pytest.mark.parametrize("name", ["tales-rnn", "tales-ngrams"])
def test_a_damaged_one_is_named_and_breaks_nothing_else(
    here: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    shutil.copytree(here, tmp_path / "models")
    monkeypatch.setattr(catalog, "SHIPPED", tmp_path / "models")
    file = "weights.bin" if name == "tales-rnn" else "tables.npz"
    (tmp_path / "models" / name / file).write_bytes(b"nothing")
    store().clear()
    with pytest.raises(BrokenBundle, match=f"{file} of {name} is not the file"):
        Local().continuations(MODEL, TEXT)
    (tmp_path / "models" / name / file).unlink()
    (broken,) = (entry for entry in catalog.entries() if entry.name == name)
    assert broken.problem == f"{file} of {name} is missing."
    assert Local().continuations(MODEL, TEXT).predictors[-1] == "transformer"


@pytest.mark.parametrize(
    "changed",
    [{"kind": "oracle"}, {"format": 2}, {"files": {"../x": "0"}}, {"unknown": 1}, {"matrices": 3}],
)
def test_a_card_that_makes_no_sense_is_a_broken_bundle(
    here: Path, tmp_path: Path, changed: dict[str, object]
) -> None:
    card = json.loads((here / "tales-rnn" / files.CARD).read_text())
    (tmp_path / files.CARD).write_text(json.dumps(card | changed))
    with pytest.raises(BrokenBundle):
        files.read_card(tmp_path)
