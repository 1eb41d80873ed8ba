"""The model of a cluster against queues whose answers are known from books."""

from __future__ import annotations

import math

import numpy as np
import pytest

from bench.loads import EVERY, PICTURE, one_link, own_texts, public, school
from bench.simulation import Act, Clock, Cluster, Cores, Costs, Found, Ring, Size

SERVICE = 0.01  # seconds


def arrivals(count: int, each: float, seed: int = 1) -> list[Act]:
    """Questions of as many texts, `each` seconds apart on average, at random (Poisson)."""
    at = np.random.default_rng(seed).exponential(each, count).cumsum()
    return [Act(float(t), k, f"text {k}", ("layer",)) for k, t in enumerate(at)]


def one(kind: str = "layer", seconds: float = SERVICE) -> Costs:
    return Costs({kind: (seconds,)}, {})


@pytest.mark.parametrize("load", [0.3, 0.8])
def test_one_worker_waits_as_pollaczek_and_khinchine_say(load: float) -> None:
    """M/D/1: the mean time in the queue is load / (2 (1 - load)) services."""
    size = Size(replicas=1, workers=1, queue=10**9)
    found = Cluster(size, one()).run(arrivals(10_000, SERVICE / load))
    expected = SERVICE * (1 + load / (2 * (1 - load)))
    # 60,000 arrivals; at load 0.8 the standard error is about 1.5 %.
    assert np.mean(found.waits) == pytest.approx(expected, rel=0.08)


@pytest.mark.parametrize("load", [0.3, 0.8])
def test_many_workers_on_one_core_share_it(load: float) -> None:
    """M/G/1 with shared time: the mean time is one service / (1 - load), whatever the services."""
    size = Size(replicas=1, workers=10**6, cores=1)
    costs = Costs({"layer": (0.2 * SERVICE, 1.8 * SERVICE)}, {})
    found = Cluster(size, costs).run(arrivals(10_000, SERVICE / load))
    assert np.mean(found.waits) == pytest.approx(SERVICE / (1 - load), rel=0.1)


def test_without_a_queue_as_many_are_refused_as_erlang_says() -> None:
    """Erlang B of 8 workers, each with a core, offered the work of 6: 12.2 % are refused."""
    workers, offered = 8, 6.0
    terms = [offered**k / math.factorial(k) for k in range(workers + 1)]
    blocked = terms[-1] / sum(terms)
    assert blocked == pytest.approx(0.122, abs=0.001)
    size = Size(replicas=1, workers=workers, queue=0, cores=workers, others=1)
    found = Cluster(size, one()).run(arrivals(10_000, SERVICE / offered))
    assert found.refused / found.acts == pytest.approx(blocked, rel=0.06)


def test_the_lock_of_an_interpreter_lets_one_at_a_time_through() -> None:
    """Ten services at once on ten cores: all locked, they take ten times as long as none locked."""
    acts = [Act(0.0, k, f"text {k}", ("layer",)) for k in range(10)]
    for serial, last in ((0.0, SERVICE), (0.5, 5.5 * SERVICE), (1.0, 10 * SERVICE)):
        costs = Costs({"layer": (SERVICE,)}, {}, serial=serial)
        found = Cluster(Size(replicas=1, workers=10, cores=10), costs).run(acts)
        assert max(found.waits) == pytest.approx(last)


def test_a_class_on_one_link_costs_one_answer_of_each_kind() -> None:
    acts = [Act(0.0, k, "the same", ("names", "map")) for k in range(100)]
    costs = Costs({"names": (0.001,), "map": (0.02,)}, {}, way=(0.004,), kept=0.0001)
    found = Cluster(Size(replicas=8), costs).run(acts)
    assert (found.asked, found.computed, found.kept) == (2, 2, 198)
    assert len(found.waits) == 100
    # 100 looks of the front; meanwhile the names are answered. Then one look and the map.
    assert found.waits == pytest.approx([100 * 0.0001 + 0.0001 + 0.004 + 0.02] * 100)


def test_fronts_that_ask_the_same_wait_for_one_computation() -> None:
    acts = [Act(0.0, k, "the same", ("map",)) for k in range(4)]
    costs = Costs({"map": (0.02,)}, {"map": 0.001})
    found = Cluster(Size(replicas=3, fronts=4), costs).run(acts)
    assert (found.asked, found.computed) == (4, 1) and found.waits == pytest.approx([0.02] * 4)
    late = [Act(0.0, 0, "the same", ("map",)), Act(1.0, 1, "the same", ("map",))]
    found = Cluster(Size(replicas=3, fronts=2), costs).run(late)
    assert (found.asked, found.computed) == (2, 1) and found.waits == pytest.approx([0.02, 0.001])


def test_what_a_replica_kept_is_forgotten_when_others_came() -> None:
    acts = [Act(float(k), k, text, ("map",)) for k, text in enumerate("abcab")]
    costs = Costs({"map": (0.02,)}, {"map": 0.001}, texts=2)
    found = Cluster(Size(replicas=1, fronts=5), costs).run(acts)
    assert found.computed == 5  # a and b went when c came
    found = Cluster(Size(replicas=1, fronts=5), Costs({"map": (0.02,)}, {}, texts=3)).run(acts)
    assert found.computed == 3


@pytest.mark.parametrize("seed", range(3))
def test_no_question_is_lost_and_none_made(seed: int) -> None:
    """Of everybody who came some were answered and the others told to come again."""
    size = Size(replicas=3, fronts=2, workers=2, queue=3)
    costs = Costs({"names": (0.001,), "map": (0.01, 0.03)}, {"map": 0.002}, front=0.0005,
                  kept=0.0001, replica=0.001, way=(0.001, 0.005), serial=0.3)  # fmt: skip
    random = np.random.default_rng(seed)
    acts = [
        Act(float(at), k, f"text {int(random.integers(900))}", ("names", "map"))
        for k, at in enumerate(np.sort(random.uniform(0, 5, 3000)))
    ]
    found = Cluster(size, costs, seed).run(acts)
    assert found.acts == 3000 == len(found.waits) + found.refused and found.refused > 0
    assert min(found.waits) > 0 and sum(found.busy) > 0
    again = Cluster(size, costs, seed).run(acts)
    assert again.waits == found.waits and again.refused == found.refused
    # Each act asks once or twice: twice where it was not refused before.
    assert 3000 < found.asked + found.kept <= 6000


def test_waits_are_kept_of_the_part_that_is_looked_at() -> None:
    found = Cluster(Size(replicas=1), one()).run(arrivals(100, 1.0), since=20.0, until=50.0)
    assert 10 < len(found.waits) < 50 and found.acts == 100
    assert Found(waits=[1.0, 2.0, 3.0]).within(0.5) == 2.0 and Found().within(0.5) == 0.0


def test_cores_are_shared_evenly_while_there_are_too_few() -> None:
    clock, ends = Clock(), list[tuple[str, float]]()
    cores = Cores(clock, 2)
    for name, seconds in (("a", 1.0), ("b", 2.0), ("c", 3.0)):
        cores.spend(seconds, lambda name=name: ends.append((name, clock.now)))
    clock.run()
    # Three on two cores: 2/3 each until a ends at 1.5, then one core each.
    assert [name for name, _ in ends] == ["a", "b", "c"]
    assert [at for _, at in ends] == pytest.approx([1.5, 2.5, 3.5])


@pytest.mark.parametrize("replicas", [2, 8, 64])
def test_a_ring_spreads_texts_and_moves_few_when_one_is_added(replicas: int) -> None:
    keys = [f"key {k}" for k in range(5_000)]
    before, after = Ring(replicas), Ring(replicas + 1)
    shares = np.bincount([before.of(one) for one in keys], minlength=replicas) / len(keys)
    assert shares.max() < 1.5 / replicas and shares.min() > 0.5 / replicas
    moved = [one for one in keys if before.of(one) != after.of(one)]
    assert all(after.of(one) == replicas for one in moved)  # to the new one, and nowhere else
    assert len(moved) / len(keys) == pytest.approx(1 / (replicas + 1), rel=0.4)


def test_the_loads_are_what_the_docs_say() -> None:
    assert {act.text for act in one_link(0)} == {"one link"} and len(one_link(0)) == 100
    assert len({act.text for act in own_texts(0)}) == 100
    pupils = school(3)
    assert len(pupils) == 1000 and len({act.text for act in pupils}) == 5 + 500
    assert 0 <= min(act.at for act in pupils) and max(act.at for act in pupils) < 10
    acts = public(200, 100.0)(3)
    assert [act.at for act in acts] == sorted(act.at for act in acts)
    # 200 visitors, 100 seconds, one act each 8 seconds: 2,500, give or take 50 (Poisson).
    assert len(acts) == pytest.approx(200 * 100 / EVERY, abs=200)
    new = [act for act in acts if act.kinds == PICTURE]
    assert len(new) / len(acts) == pytest.approx(1 / 3, abs=0.04)
    samples = sum(act.text.startswith("sample") for act in new)
    assert samples / len(new) == pytest.approx(0.3, abs=0.06)
    assert public(200, 100.0)(3) == acts != public(200, 100.0)(4)
