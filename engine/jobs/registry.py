"""Work that takes longer than a click: one home, whoever asks.

    job = start("generate:...", work, viewer=session)      # work(report) runs in a thread
    job = start_process("export:gpt2", [python, "-m", ...]) # JSON lines on stdout, one per event
    job = find(key)                                         # what a page asks at each redraw

Equal keys share one running job. A viewer who cancels leaves it; the job ends when no other viewer
has looked at it lately. A process prints {"stage", "progress", "partial", "result", "error"} in
any combination; with the result the job is done. Cancelling kills it with its children, and what it
leaves behind is its own care (the exporter writes aside and renames). The registry is bounded:
finished jobs expire, and `engine.policy` says how many of a kind (the key's part before the colon)
may run at once, in all and for one viewer, and what each may take.

It knows nothing of what the work is.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from engine import policy
from engine.errors import Busy, EngineError, ExportFailed, Stopped
from engine.hosting import figures, logs
from engine.jobs.processes import Child
from engine.store import size

RUNNING_AT_MOST = 64
FINISHED_AT_MOST = 64
FINISHED_BYTES = 32 * 10**6  # of what they found, beside the store's bound
FINISHED_SECONDS = 900.0  # a page that comes back within a quarter of an hour finds the result
WATCHED_SECONDS = 10.0  # a viewer who has not looked for so long no longer counts
MINDED_SECONDS = 1.0  # between two looks at whether anybody still looks

Work = Callable[["Report"], Any]
Runner = Callable[[str, Sequence[str], Mapping[str, str]], Work | None]  # key, argv, environment


class Job:
    """One piece of work, seen from outside; every attribute may be read at any time.

    `progress` is in 0..1, `stage` a short text, `partial` what the work has shown so far,
    `result` its value once `done`; `error` is an `EngineError` to show, or a bug to raise.
    """

    def __init__(self, key: str, *, owner: str = "", patience: float | None = None) -> None:
        """Make a job that has not begun; unwatched for `patience` seconds, it stops by itself.

        `owner` is the viewer who began it.
        """
        self.key = key
        self.owner = owner
        self.progress = 0.0
        self.stage = ""
        self.partial: Any = None
        self.result: Any = None
        self.error: Exception | None = None
        self.started = time.monotonic()
        self.ended: float | None = None
        self.nbytes = 0  # held by its result and by what it showed, once it is done
        self._patience = patience
        self._finished = threading.Event()
        self._cancelled = threading.Event()
        self._lock = threading.Lock()
        self._viewers: dict[str, float] = {}
        self._last_seen = self.started
        self._kill: Callable[[], None] | None = None

    @property
    def done(self) -> bool:
        """Whether the work has ended, well or not."""
        return self._finished.is_set()

    @property
    def stopped(self) -> bool:
        """Whether it ended because a person cancelled it."""
        return isinstance(self.error, Stopped)

    @property
    def cancelled(self) -> bool:
        """Whether it was asked to end; soon it will be `done`."""
        return self._cancelled.is_set()

    @property
    def kind(self) -> str:
        """What the policy knows it by: the key's part before the colon."""
        return self.key.partition(":")[0]

    @property
    def seconds(self) -> float:
        """How long it has taken so far, or took."""
        return (self.ended or time.monotonic()) - self.started

    def wait(self, seconds: float | None = None) -> bool:
        """Wait for the end; False when it has not come within `seconds`."""
        return self._finished.wait(seconds)

    def outcome(self, viewer: str, stopped: str) -> Any:
        """Wait for the end as one who looks on, and give what was found.

        Raises the error that ended it, and `Stopped` in these words where nothing was found.
        """
        while not self.wait(MINDED_SECONDS):
            self.watch(viewer)
        if self.error is not None:
            raise self.error
        if self.result is None:
            raise Stopped(stopped)
        return self.result

    def watch(self, viewer: str = "") -> None:
        """Count a viewer: pages call this whenever they draw the job."""
        with self._lock:
            self._viewers[viewer] = self._last_seen = time.monotonic()

    def cancel(self, viewer: str = "") -> bool:
        """Leave the job, and end it when no other viewer looks on; True when it is ending."""
        with self._lock:
            self._viewers.pop(viewer, None)
            recent = time.monotonic() - WATCHED_SECONDS
            if self.done or any(seen > recent for seen in self._viewers.values()):
                return False
        self.kill()
        return True

    def kill(self) -> None:
        """End the job whoever looks on."""
        self._cancelled.set()
        kill = self._kill
        if kill is not None:
            kill()

    def _abandoned(self) -> bool:
        if self._patience is None:
            return False
        return time.monotonic() - self._last_seen > self._patience

    def _finish(self, result: Any = None, error: Exception | None = None) -> None:
        self.result, self.error = result, error
        self.nbytes = size((result, self.partial))
        if error is None:
            self.progress = 1.0
        self.ended = time.monotonic()
        outcome = "done" if error is None else "stopped" if self.stopped else "failed"
        figures.JOBS.labels(self.kind, outcome).inc()
        logs.event("job", kind=self.kind, outcome=outcome, seconds=round(self.seconds, 1))
        self._finished.set()


class Report:
    """What the work tells its job; handed to the work of a thread."""

    def __init__(self, job: Job) -> None:
        """Report to `job`."""
        self._job = job

    @property
    def cancelled(self) -> bool:
        """Whether to end: someone cancelled, or nobody has looked for longer than its patience."""
        return self._job.cancelled or self._job._abandoned()

    def check(self) -> None:
        """Raise `Stopped` if the work is to end; to be called between its steps."""
        if self.cancelled:
            raise Stopped("Stopped.")

    def progress(self, share: float) -> None:
        """Say how much is done, 0 to 1."""
        self._job.progress = min(1.0, max(0.0, share))

    def stage(self, text: str) -> None:
        """Say what is being done."""
        self._job.stage = text

    def show(self, partial: Any) -> None:
        """Show what there is so far: a value that is not changed afterwards."""
        self._job.partial = partial


_jobs: dict[str, Job] = {}
_runners: dict[str, Runner] = {}
_guard = threading.Lock()


def start(key: str, work: Work, *, viewer: str = "", patience: float | None = None) -> Job:
    """Run `work(report)` in a thread, or join the running job of that key."""
    return _start(key, viewer, patience, lambda job: _in_thread(job, work))


def start_process(
    key: str,
    argv: Sequence[str],
    *,
    viewer: str = "",
    environment: Mapping[str, str] | None = None,
    fails_as: type[EngineError] = ExportFailed,
) -> Job:
    """Run a Python program that prints JSON lines, or join the running job of that key.

    `argv` is `[python, "-m", module, ...]`; it runs in the project's folder, or where
    `run_elsewhere` says.
    """
    extra = dict(environment or {})
    runner = _runners.get(key.partition(":")[0])
    work = None if runner is None else runner(key, argv, extra)
    if work is not None:
        return _start(key, viewer, None, lambda job: _in_thread(job, work))
    return _start(key, viewer, None, lambda job: _in_process(job, list(argv), extra, fails_as))


def run_elsewhere(kind: str, runner: Runner | None) -> None:
    """Ask `runner` for the work in the place of a process of that kind; it may say None: here."""
    if runner is None:
        _runners.pop(kind, None)
    else:
        _runners[kind] = runner


def find(key: str) -> Job | None:
    """The job of a key, running or finished lately."""
    with _guard:
        _expire()
        return _jobs.get(key)


def running() -> tuple[Job, ...]:
    """Jobs that have not ended, the oldest first."""
    with _guard:
        return tuple(job for job in _jobs.values() if not job.done)


def of_kind(kind: str) -> tuple[Job, ...]:
    """Jobs of a kind, running or finished lately, the oldest first."""
    with _guard:
        _expire()
        return tuple(job for job in _jobs.values() if job.kind == kind)


def room(kind: str, viewer: str = "") -> str | None:
    """Why no further job of a kind can begin now, as a sentence; None where one can."""
    with _guard:
        return _full(kind, viewer)


def _start(key: str, viewer: str, patience: float | None, body: Callable[[Job], None]) -> Job:
    with _guard:
        _expire()
        job = _jobs.get(key)
        if job is None or job.done or job.cancelled:
            job = Job(key, owner=viewer, patience=patience)
            if job._patience is None:
                job._patience = policy.kind(job.kind).patience
            _yield(job.kind, viewer)
            if full := _full(job.kind, viewer):
                figures.refused("tasks")
                raise Busy(full)
            _jobs.pop(key, None)
            _jobs[key] = job
            threading.Thread(target=body, args=(job,), name=f"job {key}"[:60], daemon=True).start()
        job.watch(viewer)
        return job


def _full(kind: str, viewer: str) -> str | None:
    under_way = [job for job in _jobs.values() if not job.done]
    if len(under_way) >= RUNNING_AT_MOST:
        return f"{RUNNING_AT_MOST} long tasks are running already. Try again in a minute."
    alike = sum(job.kind == kind for job in under_way)
    return policy.kind(kind).full(alike, len(_own(kind, viewer)))


def _own(kind: str, viewer: str) -> list[Job]:
    """A viewer's jobs of a kind, the oldest first, without those that were asked to end."""
    return [
        job
        for job in _jobs.values()
        if viewer and job.kind == kind and job.owner == viewer and not (job.done or job.cancelled)
    ]


def _yield(kind: str, viewer: str) -> None:
    """End a viewer's oldest jobs of a kind for their next one, where that is the kind's rule."""
    rule, own = policy.kind(kind), _own(kind, viewer)
    if rule.yields:
        for job in own[: max(0, len(own) - rule.each + 1)]:
            job.cancel(viewer)


def _expire() -> None:
    """Drop finished jobs that are old, too many or hold too much; the newest stays for its page."""
    finished = sorted((j for j in _jobs.values() if j.done), key=lambda j: -(j.ended or 0.0))
    oldest, held = time.monotonic() - FINISHED_SECONDS, 0
    for place, job in enumerate(finished):
        held += job.nbytes
        much = place >= FINISHED_AT_MOST or (place and held > FINISHED_BYTES)
        if much or (job.ended or 0.0) < oldest:
            del _jobs[job.key]


def _in_thread(job: Job, work: Work) -> None:
    policy.serve(job.owner)
    try:
        job._finish(result=work(Report(job)))
    except Exception as error:
        # Kept for the page: it shows an EngineError's sentence and raises anything else.
        job._finish(error=error)
    except BaseException as error:
        # A thread that leaves by SystemExit says nothing: the job would be waited for for ever.
        job._finish(error=RuntimeError(f"The work of {job.key[:60]} left by {error!r}."))


def _in_process(
    job: Job, argv: list[str], extra: dict[str, str], fails_as: type[EngineError]
) -> None:
    try:
        job._finish(result=_follow(job, argv, extra, fails_as))
    except Exception as error:
        job._finish(error=error)


def _follow(job: Job, argv: list[str], extra: dict[str, str], fails_as: type[EngineError]) -> Any:
    """Start the command, pass on what it prints, and return the result that it printed."""
    try:
        child = Child(argv, limits=policy.kind(job.kind).limits, extra=extra)
    except OSError as error:
        raise fails_as(f"{argv[0]} could not be started ({error}).") from None
    job._kill = child.end
    if job.cancelled:
        child.end()
    threading.Thread(target=_mind, args=(job,), name=f"mind {job.key}"[:60], daemon=True).start()
    result, problem = _told(job, child)
    if result is not None and problem is None:
        child.leave()  # libraries may take a second or two to go; nobody waits for that
        return result
    failed = child.finish()
    if job.cancelled:
        raise Stopped("Stopped.")
    if problem or failed:
        raise fails_as(problem or failed)
    return None


def _mind(job: Job) -> None:
    """End a process that nobody has looked at for longer than its patience."""
    while not job.wait(MINDED_SECONDS):
        if job._abandoned():
            job.kill()
            return


def _told(job: Job, child: Child) -> tuple[Any, str | None]:
    """Pass on what it says until its result, or its end: that result, or the last error."""
    problem = None
    report = Report(job)
    for event in child.events():
        if isinstance(event.get("stage"), str):
            report.stage(event["stage"])
        if isinstance(event.get("progress"), int | float):
            report.progress(float(event["progress"]))
        if event.get("partial") is not None:
            report.show(event["partial"])
        if event.get("error"):
            problem = str(event["error"])
        if event.get("result") is not None:
            return event["result"], problem
    return None, problem
