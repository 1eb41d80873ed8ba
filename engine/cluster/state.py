"""Where a cluster is: its address and the file with its token, as `up` wrote them down.

In: the setting ATLAS_CLUSTER, or nothing. Out: a `State`. The file lies beside the models, and only
its owner reads it. Knows nothing of Ray but its variables.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from engine.errors import EngineUnavailable
from engine.settings import settings


@dataclass(frozen=True, slots=True)
class State:
    """A cluster: `host:port` of its head, the file with its token, the head's process if ours."""

    address: str
    token: str = ""
    process: int = 0
    folder: str = ""

    def environment(self) -> dict[str, str]:
        """What Ray reads before it connects: the token, and to tell nobody how it is used.

        A node of this machine alone stays so: Ray would take 127.0.0.1 for the machine's address in
        its network, and listen there. The variable is what Ray has for systems without clusters.
        """
        found = {"RAY_USAGE_STATS_ENABLED": "0"}
        if self.address.startswith("127.0.0.1:"):
            found["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"
        if self.token:
            found |= {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN_PATH": self.token}
        return found


def place() -> Path:
    """The file in which `up` says where the cluster of this machine is."""
    return settings().models.parent / "cluster.json"


def read(address: str = "") -> State:
    """The cluster at an address, or the one that was started here; raises `EngineUnavailable`."""
    if address:
        return State(address, os.environ.get("RAY_AUTH_TOKEN_PATH", ""))
    try:
        return State(**json.loads(place().read_text()))
    except (OSError, ValueError, TypeError):
        raise EngineUnavailable(
            "The engine of this app is set to be a cluster's (ATLAS_ENGINE), and none was started "
            "here. Start one: python -m engine.cluster up, or say where it is: ATLAS_CLUSTER"
        ) from None


def write(state: State) -> None:
    """Note where the cluster is, for its owner alone."""
    path = place()
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_suffix(".new")
    aside.unlink(missing_ok=True)
    with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump(asdict(state), file)
    aside.replace(path)
