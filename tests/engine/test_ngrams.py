"""n-gram probabilities equal a slow count, sum to 1, and survive being written and read."""

from __future__ import annotations

import io
import json
import math
import random
import zipfile
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as bounded
from hypothesis import strategies as st

from engine.errors import BrokenBundle
from engine.models.bundle import digest
from engine.predecessors import bundles, counting, ngrams
from engine.predecessors.counting import SEEN, stream
from engine.predecessors.ngrams import Order, Table

END, VOCABULARY = 0, 12


def documents(seed: int, *, count: int = 6, length: int = 60) -> list[np.ndarray]:
    """Texts with patterns in them: the next token often depends on the two before."""
    rng = random.Random(seed)
    found = []
    for _ in range(count):
        ids = [1, 2]
        for _ in range(rng.randint(5, length)):
            likely = 1 + (3 * ids[-1] + 5 * ids[-2]) % (VOCABULARY - 1)
            ids.append(likely if rng.random() < 0.7 else rng.randint(1, VOCABULARY - 1))
        found.append(np.array(ids))
    return found


class Slow:
    """The same model as its formula reads: dictionaries, one token at a time."""

    def __init__(self, texts: list[np.ndarray], window: int, worth: float) -> None:
        framed = [(END, *text.tolist(), END) for text in texts]
        self.followed = Counter(token for text in framed for token in text[:-1])
        words = Counter(token for text in framed for token in text[1:])
        self.seen = sum(words.values())
        self.kept = [{(word,): words.get(word, 0) for word in range(VOCABULARY)}]
        self.given = [self.discount(list(self.kept[0].values()))]
        for length in range(2, window + 2):
            grams = Counter(
                text[at - length + 1 : at + 1]
                for text in framed
                for at in range(length - 1, len(text))
            )
            open_ = {g: c for g, c in grams.items() if length == 2 or g[:-1] in self.kept[-1]}
            self.given.append(self.discount(list(open_.values())))
            self.kept.append(dict(open_))
            worths = {g: c * self.gain(g, length - 1) for g, c in open_.items()}
            self.kept[-1] = {g: c for g, c in open_.items() if c >= SEEN and worths[g] > worth}

    @staticmethod
    def discount(counts: list[int]) -> float:
        once, twice = counts.count(1), counts.count(2)
        return once / (once + 2 * twice) if once else 0.5

    def gain(self, gram: tuple[int, ...], window: int) -> float:
        longer = self.probability(gram[:-1], gram[-1], window)
        return math.log(longer / self.probability(gram[1:-1], gram[-1], window - 1))

    def probability(self, before: tuple[int, ...], word: int, window: int) -> float:
        """P(word | the last `window` tokens), from the shortest context to the longest."""
        found = 1 / VOCABULARY
        for length in range(min(window, len(before)) + 1):
            context = tuple(before[len(before) - length :])
            here = {g[-1]: c for g, c in self.kept[length].items() if g[:-1] == context}
            known = length < 2 or context in self.kept[length - 1]
            total = self.followed[context[0]] if length == 1 else self.seen
            total = self.kept[length - 1].get(context, 0) if length > 1 else total
            if not known or not total:
                continue
            less = self.given[length]
            shares = {w: max(c - less, 0) / total for w, c in here.items()}
            found = shares.get(word, 0.0) + (1 - sum(shares.values())) * found
        return found


@pytest.mark.parametrize(("seed", "window", "worth"), [(0, 1, 0.0), (1, 2, 0.7), (2, 4, 0.2)])
def test_probabilities_equal_a_slow_count(seed: int, window: int, worth: float) -> None:
    texts = documents(seed)
    slow = Slow(texts, window, worth)
    table = counting.count(stream(texts, END), vocabulary=VOCABULARY, window=window, worth=worth)
    assert [len(order.words) for order in table.orders] == [len(kept) for kept in slow.kept]
    assert any(len(order.words) for order in table.orders[1:])
    rng = random.Random(seed)
    for _ in range(60):
        before = tuple(rng.randrange(VOCABULARY) for _ in range(rng.randint(0, window + 1)))
        found = table.distribution(np.array(before, dtype=np.int64), window)
        wanted = [slow.probability(before, word, window) for word in range(VOCABULARY)]
        assert found == pytest.approx(wanted, rel=1e-9)
    # And where the text itself goes: contexts that were seen, and so are in the tables.
    for end in range(3, 40):
        before = tuple(texts[0][:end].tolist())
        found = table.distribution(np.array(before), window)
        wanted = [slow.probability(before, word, window) for word in range(VOCABULARY)]
        assert found == pytest.approx(wanted, rel=1e-9)


@bounded(deadline=None, max_examples=40)
@given(
    seed=st.integers(0, 3),
    worth=st.sampled_from([0.0, 0.5, 3.0]),
    before=st.lists(st.integers(0, VOCABULARY - 1), max_size=6),
    window=st.integers(0, 4),
)
def test_every_distribution_sums_to_one_and_leaves_nothing_out(
    seed: int, worth: float, before: list[int], window: int
) -> None:
    table = counting.count(
        stream(documents(seed), END), vocabulary=VOCABULARY, window=4, worth=worth
    )
    found = table.distribution(np.array(before, dtype=np.int64), window)
    assert found.sum() == pytest.approx(1.0, abs=1e-12) and (found > 0).all()


def test_nothing_counted_is_an_even_guess() -> None:
    table = counting.count(stream([], END), vocabulary=VOCABULARY, window=2, worth=0.0)
    assert table.distribution(np.array([3, 4]), 2) == pytest.approx(np.full(12, 1 / 12))


def test_a_hand_checked_count() -> None:
    # "a b a b a c": b follows a twice, c once; discount of pairs 0.5 given here.
    words = Order(np.arange(3), np.array([3, 2, 1]), np.array([0, 3]), 0.0)
    pairs = Order(np.array([1, 2, 0]), np.array([2, 1, 2]), np.array([0, 2, 3, 3]), 0.5)
    table = Table(3, (words, pairs))
    # P(b | a) = (2 - 0.5) / 3 + (2 * 0.5 / 3) * 2/6
    assert table.distribution(np.array([0]), 1)[1] == pytest.approx(0.5 + 1 / 3 * 1 / 3)
    # After c nothing was counted: the words alone.
    assert table.distribution(np.array([2]), 1) == pytest.approx([3 / 6, 2 / 6, 1 / 6])


def test_probabilities_of_many_places_are_those_of_each_distribution() -> None:
    texts = documents(5)
    table = counting.count(stream(texts, END), vocabulary=VOCABULARY, window=4, worth=0.3)
    ids = documents(6)[0]
    for window in (0, 1, 2, 4):
        padded = np.concatenate([np.full(4, -1), ids])
        contexts = np.stack([padded[at : at + 4] for at in range(len(ids))])
        found = table.probabilities(contexts, ids, window)
        one_by_one = [
            table.distribution(ids[max(0, at - window) : at], window)[ids[at]]
            for at in range(len(ids))
        ]
        assert found == pytest.approx(one_by_one)


def test_no_ngram_reaches_over_the_end_of_a_document() -> None:
    table = counting.count(
        stream([np.array([1, 2])] * 3 + [np.array([3, 4])] * 3, END),
        vocabulary=VOCABULARY, window=2, worth=0.0,
    )  # fmt: skip
    assert table.entries(np.array([[2, END]])).item() >= 0
    assert table.entries(np.array([[2, END, 3]])).item() == -1
    assert table.entries(np.array([[END, 3, 4]])).item() >= 0


def test_pruning_keeps_less_and_costs_bits() -> None:
    texts, other = documents(7, count=30), documents(8, count=10)
    sizes, costs = [], []
    for worth in (0.0, 2.0, 20.0):
        table = counting.count(stream(texts, END), vocabulary=VOCABULARY, window=2, worth=worth)
        sizes.append(sum(len(order.words) for order in table.orders[1:]))
        rows = [
            table.probabilities(np.stack([text[:-2], text[1:-1]], axis=1), text[2:], 2)
            for text in other
        ]
        costs.append(ngrams.bits(np.concatenate(rows)))
    assert sizes[0] > sizes[1] > sizes[2]
    assert costs[0] < costs[2]


def test_a_table_is_read_as_it_was_written(tmp_path: Path) -> None:
    table = counting.count(stream(documents(9), END), vocabulary=VOCABULARY, window=4, worth=0.1)
    folder = bundle_of(tmp_path, table)
    again = bundles.table(folder)
    for before in ([], [1], [3, 4, 5, 6, 7]):
        row = np.array(before, dtype=np.int64)
        assert again.distribution(row, 4).tolist() == table.distribution(row, 4).tolist()
    twice = tmp_path / "twice.npz"
    bundles.write_table(twice, ngrams.pack(table))
    assert twice.read_bytes() == (folder / bundles.TABLES).read_bytes()


def bundle_of(place: Path, table: Table, **changed: object) -> Path:
    """A bundle's folder with a table in it."""
    folder = place / "grams"
    folder.mkdir(exist_ok=True)
    bundles.write_table(folder / bundles.TABLES, ngrams.pack(table) | changed)
    card = {
        "kind": "ngrams", "name": "grams", "title": "Grams", "licence": "", "source": "",
        "tokens_of": "tales-gpt", "tokenizer": "0", "vocabulary": table.vocabulary,
        "parameters": 1, "files": {bundles.TABLES: digest(folder / bundles.TABLES)},
    }  # fmt: skip
    (folder / bundles.CARD).write_text(json.dumps(card))
    return folder


@pytest.mark.parametrize(
    "changed",
    [
        {"2.lengths": np.array([1], np.uint8)},
        {"2.words": np.array([1], np.uint8)},
        {"2.discount": np.float64(7.0)},
        {"vocabulary": np.int64(5)},
        {"2.counts": np.array([object()])},
    ],
)
def test_a_damaged_table_is_refused_with_its_file_named(
    tmp_path: Path, changed: dict[str, np.ndarray]
) -> None:
    table = counting.count(stream(documents(9), END), vocabulary=VOCABULARY, window=2, worth=0.1)
    if "2.counts" in changed:
        data = io.BytesIO()
        np.savez(data, **(ngrams.pack(table) | changed), allow_pickle=True)
        folder = bundle_of(tmp_path, table)
        (folder / bundles.TABLES).write_bytes(data.getvalue())
        card = json.loads((folder / bundles.CARD).read_text())
        card["files"][bundles.TABLES] = digest(folder / bundles.TABLES)
        (folder / bundles.CARD).write_text(json.dumps(card))
    else:
        folder = bundle_of(tmp_path, table, **changed)
    with pytest.raises(BrokenBundle, match=r"tables\.npz of grams"):
        bundles.table(folder)


def test_a_table_that_unpacks_to_much_is_not_unpacked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = counting.count(stream(documents(9), END), vocabulary=VOCABULARY, window=2, worth=0.1)
    folder = bundle_of(tmp_path, table)
    monkeypatch.setattr(bundles, "LARGEST", 100)
    with pytest.raises(BrokenBundle, match="larger than any table"):
        bundles.table(folder)


def test_an_edited_file_is_not_opened(tmp_path: Path) -> None:
    table = counting.count(stream(documents(9), END), vocabulary=VOCABULARY, window=2, worth=0.1)
    folder = bundle_of(tmp_path, table)
    with zipfile.ZipFile(folder / bundles.TABLES, "a") as packed:
        packed.writestr("more.npy", b"x")
    with pytest.raises(BrokenBundle, match="is not the file that was made"):
        bundles.table(folder)


def test_windows_that_a_table_does_not_have_are_refused() -> None:
    table = counting.count(stream(documents(9), END), vocabulary=VOCABULARY, window=2, worth=0.1)
    with pytest.raises(ValueError, match="a window of 3 tokens"):
        table.distribution(np.array([1]), 3)
