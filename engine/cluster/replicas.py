"""What runs where the models are: deployments of Ray Serve, each replica a whole `Local`.

    python -m engine.cluster up        # one node with these; hosting/cluster.yaml says how many

In: a `Question`. Out: a packed value, or the refusal that a `Local` gave; of what takes longer a
stream, its first item at once and the next ones every 40 ms. A replica answers a few questions at
once and lets `QUEUE` more wait; who comes then is told their place. Whoever listens to a stream no
longer ends its work before the next model run. Knows no pages, and nothing of other replicas.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import socket
import threading
from collections import Counter
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from engine import policy
from engine.api import local
from engine.cluster.link import node
from engine.cluster.monitoring import Counted, counted
from engine.cluster.origins import Origin, watch
from engine.cluster.packing import Packed, Refused, pack
from engine.cluster.places import Places
from engine.cluster.questions import ASKED, MAPS, TASKS, Question, QueueFull, version
from engine.decoding.choosing import Written
from engine.errors import BrokenBundle, EngineError, ModelNotExported, UnknownModel
from engine.hosting import figures
from engine.hosting.health import health
from engine.jobs.registry import Job
from engine.local.models import bundle
from engine.models.runtime import Bundle
from engine.settings import settings

if TYPE_CHECKING:
    from ray.serve import Application  # pyright: ignore[reportMissingImports]

T = TypeVar("T")
WORKERS = 8  # questions answered at once; how many models run is `ATLAS_RUNS`
QUEUE = 64  # questions that wait for a worker
STREAMS = 64  # texts and tasks that are followed at once
EVERY = 0.04  # seconds between two items of a stream
FIRST = 0.005  # seconds between two looks for the first one
ROUTER = "ray.serve.experimental.consistent_hash_router.ConsistentHashRouter"


@dataclass(frozen=True, slots=True)
class News:
    """What a line got since the last item: tokens from the place `start` on."""

    line: int
    start: int
    tokens: tuple[Written, ...]
    texts: tuple[str, ...]
    seconds: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Update:
    """How far a task is; `shown` is None where nothing new is shown, `done` brings the result."""

    progress: float
    stage: str
    shown: Any = None
    done: bool = False
    result: Any = None


class Replica:
    """One process that answers; every method but `check_health` takes a question."""

    answers: frozenset[str] = frozenset()  # methods that give a value
    tasks: frozenset[str] = frozenset()  # methods that begin what is followed

    def __init__(self, workers: int = WORKERS, queue: int = QUEUE) -> None:
        """Answer `workers` questions at once, and let `queue` wait."""
        from ray import serve  # pyright: ignore[reportMissingImports]

        _listen_here()
        self._node = node()
        self.name = f"{socket.gethostname()}/{os.getpid()}"
        self._engine: Any = local()
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="answer")
        self._places = Places(workers, queue)
        self._streams = 0
        self._origins, self._counting = Counter[Origin](), threading.Lock()
        self._numbers = itertools.count()
        self._opened = serve.multiplexed(max_num_models_per_replica=settings().open_models)(_open)

    async def answer(self, question: Question) -> Packed:
        """The value of a method of the engine."""
        try:
            question.check()
            async with self._places.one():
                if question.model:
                    await self._opened(question.model)
                return await self._in_thread(lambda: self._packed(question))
        except EngineError as error:
            return pack(Refused(error), self.name)

    async def write(self, question: Question, have: tuple[int, ...]) -> AsyncIterator[Packed]:
        """Lines as they are written, from the tokens on that the front has of each."""
        viewer = f"{question.viewer}#{next(self._numbers)}"
        task, lines = question.arguments["task"], question.arguments["lines"]
        sent, pause = list(have), FIRST

        def begin() -> Origin:
            before = self._engine.look(task, lines, viewer=viewer)
            self._engine.write(task, lines, viewer=viewer)
            return "kept" if all(one.end for one in before) else "run"

        try:
            self._admit(question)
            origin = self._count(await self._in_thread(begin))
        except Exception as error:
            yield pack(Refused(error), self.name)
            return
        self._streams += 1
        try:
            while True:
                found = self._engine.look(task, lines, viewer=viewer)
                news = [
                    News(line, at, one.tokens[at:], one.texts[at:], one.seconds[at:])
                    for line, (one, at) in enumerate(zip(found, sent, strict=True))
                    if len(one.tokens) > at
                ]
                for one in news:
                    sent[one.line] += len(one.tokens)
                    pause = EVERY
                if news or pause == EVERY:
                    # An empty one lets a front that left be noticed.
                    yield pack(news, self.name, origin)
                    origin = ""
                if problem := next((one.problem for one in found if one.problem), None):
                    yield pack(Refused(problem), self.name)
                    return
                if not any(one.writing for one in found):
                    if all(one.end for one in found):
                        return
                    # Stopped as unwatched: this process stood still. Somebody listens: go on.
                    try:
                        await self._in_thread(
                            lambda: self._engine.write(task, lines, viewer=viewer)
                        )
                    except Exception as error:
                        yield pack(Refused(error), self.name)
                        return
                await asyncio.sleep(pause)
        finally:
            self._streams -= 1
            self._engine.stop_writing(task, lines, viewer=viewer)

    async def follow(self, question: Question) -> AsyncIterator[Packed]:
        """A task as it goes on; the last `Update` is done and brings its result."""
        viewer = f"{question.viewer}#{next(self._numbers)}"
        job: Job | None = None
        shown: Any = None
        try:
            self._admit(question)
            if question.method not in self.tasks:
                raise ValueError(f"{question.method!r} is not followed at this replica")
            begin = getattr(self._engine, question.method)
            job = await self._in_thread(lambda: begin(**{**question.arguments, "viewer": viewer}))
            origin = self._count("run" if question.method in Reader.tasks else "made")
        except Exception as error:
            yield pack(Refused(error), self.name)
            return
        assert job is not None
        self._streams += 1
        try:
            while True:
                done = job.done  # before what it shows: it may end in between
                job.watch(viewer)
                if done and job.error is not None:
                    yield pack(Refused(job.error), self.name)
                    return
                new = None if job.partial is shown else job.partial
                shown = job.partial
                update = Update(job.progress, job.stage, new)
                if done:
                    update = replace(update, done=True, result=job.result)
                yield self._pack(question, update, origin)
                origin = ""
                if done:
                    return
                await asyncio.sleep(EVERY)
        finally:
            self._streams -= 1
            job.cancel(viewer)

    async def read_on(self, question: Question) -> AsyncIterator[Packed]:
        """A long text as it is read block by block: a `SoFar` for each block."""
        viewer = f"{question.viewer}#{next(self._numbers)}"
        reading, kind = question.arguments["reading"], question.arguments["kind"]
        job: Job | None = None
        layers, origin = -1, ""

        def look() -> Any:
            return self._engine.overview_so_far(reading, kind, viewer=viewer)

        self._streams += 1
        try:
            self._admit(question)
            found = await self._in_thread(look)
            origin = self._count("kept" if found.whole else "run")
            if found.job is not None and found.job.done:  # somebody had stopped it
                await self._in_thread(lambda: self._engine.read_on(reading, kind, viewer=viewer))
            while True:
                found = await self._in_thread(look)
                job = found.job or job
                if found.layers != layers:
                    layers = found.layers
                    yield self._pack(question, replace(found, job=None), origin)
                    origin = ""
                if found.whole:
                    return
                await asyncio.sleep(EVERY)
        except EngineError as error:
            yield pack(Refused(error), self.name)
        finally:
            self._streams -= 1
            if job is not None:
                job.cancel(viewer)

    async def told(self) -> dict[str, Any]:
        """How this replica is, for who asks all of them."""
        found = health()
        return {
            "replica": self.name,
            "version": version(),
            "waiting": self._places.waiting,
            "streams": self._streams,
            "runs": figures.value("atlas_runs_total"),
            "questions": self._origins.total(),
            "kept": self._origins["kept"],
            "cache_mb": found.cache_mb,
            "memory_mb": found.memory_mb,
        }

    async def counted(self) -> Counted:
        """The figures of this process, for who asks all of them."""
        return await self._in_thread(lambda: counted(self.name))

    def check_health(self) -> None:
        """Raise where models can no longer be run, so that Serve starts another in its place."""
        problems = [one for one in health().problems if "stood still" in one]
        if problems:
            raise RuntimeError(" ".join(problems))

    def _admit(self, question: Question) -> None:
        """Raise for a stream of another version, or one too many."""
        question.check()
        _check_models(question)
        if self._streams >= STREAMS:
            figures.refused("cluster streams")
            raise QueueFull(
                f"{self._streams} texts and tasks are under way at this engine: yours would be "
                f"number {self._streams + 1}. Try again in a few seconds.",
                5.0,
            )

    def _packed(self, question: Question) -> Packed:
        policy.serve(question.viewer)
        seen = watch()
        try:
            if question.method not in self.answers:
                raise ValueError(f"{question.method!r} is not asked of a replica")
            _check_models(question)
            value = getattr(self._engine, question.method)(**question.arguments)
            return self._pack(question, value, self._count(seen()))
        except Exception as error:
            return pack(Refused(error), self.name)
        finally:
            policy.serve("")

    def _pack(self, question: Question, value: Any, origin: Origin | Literal[""]) -> Packed:
        # On one node the memory that Ray shares is quicker than any file.
        return pack(value, self.name, origin, files=question.node not in ("", self._node))

    def _count(self, origin: Origin) -> Origin:
        with self._counting:
            self._origins[origin] += 1
        return origin

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._pool, work)


class Reader(Replica):
    """Reads and writes texts: all that is asked and followed, but for maps."""

    answers = ASKED
    tasks = frozenset(TASKS) - MAPS


class Mapper(Replica):
    """Lays out vocabularies in processes of its own; the maps are files in the shared folder."""

    tasks = MAPS


def reader(given: dict[str, Any]) -> Application:
    """The application that Serve runs for texts.

    `given` are arguments of `Reader`, and under "deployment" options of Serve's in place of ours.
    """
    return deployed(Reader, **given)


def mapper(given: dict[str, Any]) -> Application:
    """The application that Serve runs for maps, as `reader`."""
    return deployed(Mapper, **given)


def _listen_here() -> None:
    """On a node of one machine let Serve's own port of this replica be that machine's, too."""
    import ray  # pyright: ignore[reportMissingImports]
    from ray.serve._private import replica  # pyright: ignore[reportMissingImports]

    listen = replica.add_port_to_grpc_server
    if ray.util.get_node_ip_address() == "127.0.0.1":
        # Opened once this replica is made, on every interface, whoever may ask it.
        replica.add_port_to_grpc_server = lambda server, address: listen(
            server, address.replace("[::]", "127.0.0.1")
        )


def deployed(
    kind: type[Replica],
    *,
    workers: int = WORKERS,
    queue: int = QUEUE,
    deployment: dict[str, Any] | None = None,
) -> Application:
    """A deployment of replicas of a kind, with the bounds that all of them have."""
    from ray import serve  # pyright: ignore[reportMissingImports]
    from ray.serve.config import RequestRouterConfig  # pyright: ignore[reportMissingImports]

    # Serve's own bounds are above ours, so that a sentence is said and not only an error raised.
    most = workers + queue + STREAMS + 32
    options: dict[str, Any] = {
        "max_ongoing_requests": most,
        "max_queued_requests": most,
        "request_router_config": RequestRouterConfig(request_router_class=ROUTER),
        "health_check_period_s": 5,
        "graceful_shutdown_timeout_s": 60,
    }
    deployed = serve.deployment(kind, **options | (deployment or {}))
    return deployed.bind(workers=workers, queue=queue)


class _Opened:
    """A bundle in the list of those that a replica keeps; leaving it frees the memory."""

    def __init__(self, name: str) -> None:
        self._bundle, self._lock, self._left = _here(name), threading.Lock(), False

    def __del__(self) -> None:
        """Called by Serve for the one used least lately, and once more at the very end."""
        with self._lock:
            left, self._left = self._left, True
        if not left:
            self._bundle.close()


async def _open(model: str) -> _Opened:
    """A bundle by `name@digest`; what it holds is opened when a question needs it."""
    return await asyncio.to_thread(_Opened, model.rpartition("@")[0])


def _check_models(question: Question) -> None:
    """Raise `BrokenBundle` where a model is not here, or another one than the front sees."""
    for name, digest in question.models:
        if _here(name).digest != digest:
            raise BrokenBundle(
                f"{name} is another model here than where it was asked for: it was exported again, "
                "or the folders of models differ. Ask once more in a moment."
            )


def _here(name: str) -> Bundle:
    """The bundle of a model that the front has; raises `BrokenBundle` where it is not here."""
    try:
        return bundle(name)
    except (UnknownModel, ModelNotExported):
        raise BrokenBundle(
            f"The engine cannot read {name}: the folder of models that it shares with the app "
            "(ATLAS_MODELS) is lost, or another one. Try again once it is back."
        ) from None
