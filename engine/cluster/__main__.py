"""One node of a cluster, from a terminal.

python -m engine.cluster up --replicas 2
ATLAS_ENGINE=cluster streamlit run app.py
python -m engine.cluster status
python -m engine.cluster down
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from engine.cluster import nodes
from engine.errors import EngineError


def main(given: list[str]) -> str:
    """What a command has to say; raises `EngineError`."""
    parser = argparse.ArgumentParser(prog="python -m engine.cluster", description=__doc__)
    parser.add_argument("command", choices=("up", "status", "retire", "down"))
    parser.add_argument("--plan", type=Path, default=nodes.PLAN, help="the applications (YAML)")
    parser.add_argument("--cores", type=int, default=0, help="0: as many as there are")
    parser.add_argument("--memory-mb", type=int, default=300, help="shared memory for results")
    parser.add_argument("--replicas", type=int, default=0, help="for texts; 0: as the plan says")
    asked = parser.parse_args(given)
    if asked.command == "up":
        plan = nodes.Plan(asked.plan, asked.cores, asked.memory_mb, asked.replicas)
        return f"The cluster is up at {nodes.up(plan).address}. Start the app: ATLAS_ENGINE=cluster"
    if asked.command == "down":
        return "The cluster is down." if nodes.down() else "No cluster of this machine is up."
    if asked.command == "retire":
        return f"Ended: {', '.join(nodes.retire()) or 'nothing, all are of this version'}."
    return "\n".join(
        f"{one['replica']}: version {one['version'][:8]}, {one['runs']:.0f} model runs, "
        f"{one['streams']} streams, {one['waiting']} waiting, {one['memory_mb']:.0f} MB"
        for one in nodes.status()
    )


if __name__ == "__main__":
    try:
        print(main(sys.argv[1:]))
    except EngineError as error:
        sys.exit(str(error))
