"""One node of a cluster on this machine: started, looked at, ended.

    up(Plan())          # Ray's processes on 127.0.0.1, and the applications of cluster.yaml on them
    status()            # what each replica says of itself
    down()              # ends what `up` started, and nothing else

Whoever connects needs the token that `up` writes beside the models, readable by its owner alone.
Ray's own pages are off, its address is this machine's own, it tells nobody how it is used.
Applications carry the version in their name: `up` after an update puts the new ones beside the old,
and `retire` ends the old ones once every app is of the new version.
"""
# pyright: reportMissingImports=false

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from engine.cluster.link import Link, application, join
from engine.cluster.state import State, place, read, write
from engine.errors import EngineUnavailable
from engine.settings import cores, settings

ROOT = Path(__file__).resolve().parents[2]
PLAN = ROOT / "hosting" / "cluster.yaml"
STARTING = 120.0  # seconds that Ray is given to start
ENDING = 15.0  # seconds between asking it to end and killing it
HEAD = "from ray.scripts.scripts import main; main()"


@dataclass(frozen=True, slots=True)
class Plan:
    """What `up` starts: cores and MB of shared memory for results, 0: as many as there are."""

    path: Path = PLAN
    cores: int = 0
    memory_mb: int = 300
    replicas: int = 0  # of the application for texts; 0: as the file says


def up(plan: Plan) -> State:
    """Start a node where none is, and its applications; raises `EngineUnavailable`."""
    if sys.platform != "linux":
        raise EngineUnavailable("A node of a cluster is started on Linux only.")
    found = _running()
    if found is None:
        found = _start(plan)
    try:
        with contextlib.chdir(found.folder):  # Ray would let replicas import from where we stand
            join(found)
        _deploy(plan)
    except BaseException:
        _end(found)
        raise
    return found


def status() -> list[dict[str, Any]]:
    """What each replica that reads says of itself; raises `EngineUnavailable`."""
    join(read(settings().cluster))
    return Link().everyone()


def retire() -> list[str]:
    """End the applications of other versions; their names. What they have begun they finish."""
    join(read(settings().cluster))
    from ray import serve

    ours = {application(name) for name in ("reader", "mapper", "worker")}
    old = sorted(name for name in serve.status().applications if name not in ours)
    for name in old:
        serve.delete(name)
    return old


def down() -> bool:
    """End the node that `up` started here; False where none runs."""
    found = _running()
    if found is None:
        return False
    _end(found)
    return True


def _start(plan: Plan) -> State:
    folder = Path(tempfile.mkdtemp(prefix="atlas-"))  # short: sockets have long names in it
    token = folder / "token"
    token.touch(mode=0o600)
    token.write_text(secrets.token_hex(32))
    port = _free_port()
    state = State(f"127.0.0.1:{port}", str(token), 0, str(folder))
    argv = [
        *(sys.executable, "-c", HEAD, "start", "--head", "--block", "--disable-usage-stats"),
        *("--node-ip-address=127.0.0.1", f"--port={port}", "--include-dashboard=false"),
        f"--ray-client-server-port={_free_port()}",  # else a fixed one
        f"--dashboard-agent-listen-port={_free_port()}",
        *(f"--num-cpus={plan.cores or cores()}", f"--temp-dir={folder / 'ray'}"),
        f"--object-store-memory={plan.memory_mb * 10**6}",
    ]
    with open(folder / "log", "wb") as log:
        process = subprocess.Popen(
            argv,
            cwd=ROOT,
            env={**os.environ, **state.environment(), **_paths()},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    found = State(state.address, state.token, process.pid, state.folder)
    write(found)
    try:
        _wait(process, port, folder / "log")
    except BaseException:
        _end(found)
        raise
    return found


def _paths() -> dict[str, str]:
    """Where replicas find this code, and that they write their lines to files."""
    before = os.environ.get("PYTHONPATH", "")
    return {
        "PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), before])),
        "RAY_SERVE_LOG_TO_STDERR": "0",
    }


def _wait(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    """Until the node listens; raises `EngineUnavailable` where it ended, or takes too long."""
    latest = time.monotonic() + STARTING
    while time.monotonic() < latest:
        if process.poll() is not None:
            last = log.read_text(errors="replace").strip().splitlines()
            said = f": {last[-1][:200]}" if last else "."
            raise EngineUnavailable(f"Ray did not start, status {process.returncode}{said}")
        # Its last line of the start says that all of its processes are up.
        if "Ray runtime started" in log.read_text(errors="replace"):
            with socket.create_connection(("127.0.0.1", port), 5):
                return
        time.sleep(0.1)
    raise EngineUnavailable(f"Ray did not start within {STARTING:.0f} seconds; see {log}")


def _deploy(plan: Plan) -> None:
    """Run the applications of the plan, each under the name of this version."""
    import yaml
    from ray import serve

    serve.start(proxy_location="Disabled")
    for each in yaml.safe_load(plan.path.read_text())["applications"]:
        module, _, builder = each["import_path"].partition(":")
        (options,) = each["deployments"]  # one each
        del options["name"]
        if plan.replicas and each["name"] == "reader":
            options.pop("autoscaling_config", None)
            options["num_replicas"] = plan.replicas
        # The node may have been started by another version, from another folder.
        options["ray_actor_options"] = {
            **(options.get("ray_actor_options") or {}),
            "runtime_env": {"env_vars": _paths()},
        }
        given = {**(each.get("args") or {}), "deployment": options}
        built = getattr(import_module(module), builder)(given)
        serve.run(built, name=application(each["name"]), route_prefix=None)


def _running() -> State | None:
    """The node that `up` started here, while its process lives."""
    try:
        found = read()
    except EngineUnavailable:
        return None
    return found if found.process and _ours(found.process, found.folder) else None


def _ours(process: int, folder: str) -> bool:
    """Whether a process is the head of a node that lives in a folder of ours."""
    try:
        command = Path(f"/proc/{process}/cmdline").read_bytes().decode(errors="replace")
    except OSError:
        return False
    return f"--temp-dir={folder}/ray" in command


def _end(state: State) -> None:
    """Ask the node to end, then see to it; its folder goes with it."""
    ray = sys.modules.get("ray")
    if ray is not None and ray.is_initialized():
        ray.shutdown()
    left = list(processes(state))
    _signal([state.process], signal.SIGTERM)
    latest = time.monotonic() + ENDING
    while time.monotonic() < latest and any(map(_alive, left)):
        _reap(state.process)
        time.sleep(0.1)
    _signal([*left, *processes(state)], signal.SIGKILL)
    _reap(state.process)
    if place().exists() and read() == state:
        place().unlink()
    shutil.rmtree(state.folder, ignore_errors=True)


def processes(state: State) -> Iterator[int]:
    """Processes of a node: its head, what that started, and what names the node's folder."""
    parents, named = dict[int, int](), set[int]()
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                parents[int(entry.name)] = int(_stat(int(entry.name))[1])
                if f"{state.folder}/ray/".encode() in (entry / "cmdline").read_bytes():
                    named.add(int(entry.name))
            except OSError:
                continue
    found = {state.process, *named}
    while more := {one for one, parent in parents.items() if parent in found} - found:
        found |= more
    yield from found & set(parents)


def _stat(process: int) -> list[str]:
    """State, parent and more of a process; raises OSError where it is gone."""
    return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()


def _signal(processes: list[int], what: signal.Signals) -> None:
    for process in processes:
        try:
            os.kill(process, what)
        except ProcessLookupError:
            pass


def _alive(process: int) -> bool:
    try:
        return _stat(process)[0] != "Z"
    except OSError:
        return False


def _reap(process: int) -> None:
    try:
        os.waitpid(process, os.WNOHANG)
    except ChildProcessError:
        pass  # another process started it


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])
