"""What listens: a node of one machine is reached from this machine alone."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Iterable, Iterator
from ipaddress import ip_address
from pathlib import Path

import pytest

from engine.api import Engine
from engine.cluster import nodes, state
from tests.cluster.asked import ONE

LISTENS = "0A"  # in the column `st` of /proc/net/tcp


def sockets(process: int) -> set[str]:
    """Numbers (inodes) of the sockets that a process holds."""
    found = set[str]()
    try:
        for entry in Path(f"/proc/{process}/fd").iterdir():
            try:
                target = os.readlink(entry)
            except FileNotFoundError:
                continue  # it was closed meanwhile
            if target.startswith("socket:["):
                found.add(target[8:-1])
    except FileNotFoundError:
        pass  # it has ended
    return found


def listening(processes: Iterable[int]) -> Iterator[tuple[int, str, int]]:
    """Process, address and port of everything that processes listen on."""
    owners = {number: one for one in processes for number in sockets(one)}
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            _, local, _, status, *_, number = line.split()[:10]
            if status == LISTENS and number in owners:
                address, port = local.split(":")
                words = bytes.fromhex(address)
                # Each word of 32 bits is written as this machine keeps it: turned round.
                turned = b"".join(words[k : k + 4][::-1] for k in range(0, len(words), 4))
                found = ip_address(turned)
                mapped = getattr(found, "ipv4_mapped", None)
                yield owners[number], str(mapped or found), int(port, 16)


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("address", ["0.0.0.0", "127.0.0.1", "::", "::1"])
def test_what_listens_is_seen_with_its_address(address: str) -> None:
    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET) as open_to:
        try:
            open_to.bind((address, 0))
        except OSError:
            pytest.skip(f"this machine has no {address}")
        port = open_to.getsockname()[1]
        assert (os.getpid(), address, port) not in set(listening([os.getpid()]))
        open_to.listen()
        assert (os.getpid(), address, port) in set(listening([os.getpid()]))


def test_no_process_of_a_node_listens_to_other_machines(remote: Engine) -> None:
    remote.tokens(ONE)  # what a replica listens on, it does by now
    processes = list(nodes.processes(state.read()))
    found = list(listening(processes))
    assert len(found) >= 5  # the head, its node, workers
    commands = {
        one: Path(f"/proc/{one}/cmdline").read_text().replace("\0", " ")[:120] for one, *_ in found
    }
    others = [
        f"{address}:{port} of {commands[one]}"
        for one, address, port in found
        if not ip_address(address).is_loopback
    ]
    assert not others, "\n".join(others)
