"""A stand-in for the Hub on this machine: repositories are folders, refusals as on the Hub.

It answers searches, sends files from any byte on, and can be slow, refuse or break off (`Manners`).
"""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

SHA = "0123456789abcdef0123456789abcdef01234567"


@dataclass
class Manners:
    """How the Hub answers, to be changed while it runs; what it was asked stands in `asked`.

    `status` refuses everything, with `retry_after` as its header; `delay` are seconds before each
    answer; `cut` is after how many bytes of an answer the connection breaks off; `listed` are the
    models that a search finds, as the Hub's API has them, whatever is searched for if `raw` is the
    answer's very bytes. `sent` counts the bytes of files.
    """

    status: int = 0
    retry_after: str = ""
    delay: float = 0.0
    cut: int | None = None
    listed: list[Any] = field(default_factory=list)
    raw: bytes | None = None
    asked: list[str] = field(default_factory=list)
    ranges: list[str] = field(default_factory=list)
    sent: int = 0


@contextmanager
def hub(
    repositories: dict[str, Path],
    gated: tuple[str, ...] = (),
    private: tuple[str, ...] = (),
    *,
    busy: bool = False,
    manners: Manners | None = None,
) -> Iterator[str]:
    """Serve `{"maker/model": folder}`; the address to be set as HF_ENDPOINT.

    Who sends the token "host-token" has accepted the terms of those of `gated`, and alone sees
    those of `private`. `busy` answers everything with 429, as the Hub does who asks too often.
    """
    how = manners or Manners()
    if busy:
        how.status = 429

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None: ...

        def do_HEAD(self) -> None:
            self._answer()

        def do_GET(self) -> None:
            self._answer()

        def _answer(self) -> None:
            how.asked.append(self.path)
            time.sleep(how.delay)
            if how.status:
                return self._refuse(how.status, "TooManyRequests" if how.status == 429 else "Fault")
            path = unquote(urlsplit(self.path).path).lstrip("/")
            if path == "api/models":
                return self._list()
            name = next((n for n in repositories if f"{n}/" in f"{path}/"), None)
            known = self.headers["Authorization"] == "Bearer host-token"
            if name in private and not known:
                name = None
            if name is None:
                return self._refuse(401, "RepoNotFound")
            if name in gated and not known and not path.startswith("api/"):
                return self._refuse(403, "GatedRepo")
            folder = repositories[name]
            if path.startswith("api/models/"):
                if "/revision/" in path and not path.endswith((SHA, "main")):
                    return self._refuse(404, "RevisionNotFound")
                return self._json(tree(folder) if "/tree/" in path else about(name, folder))
            revision, _, rest = path.partition("/resolve/")[2].partition("/")
            if revision not in (SHA, "main"):
                return self._refuse(404, "RevisionNotFound")
            file = folder / rest
            if not file.is_file():
                return self._refuse(404, "EntryNotFound")
            self._file(file.read_bytes())

        def _list(self) -> None:
            if how.raw is not None:
                return self._send(200, how.raw, {"Content-Type": "application/json"})
            asked = parse_qs(urlsplit(self.path).query)
            words, most = asked.get("search", [""])[0], int(asked.get("limit", ["1000"])[0])
            known = self.headers["Authorization"] == "Bearer host-token"
            found = [
                one for one in how.listed
                if words.lower() in str(one.get("id", "")).lower()
                and (known or one.get("id") not in private)
            ]  # fmt: skip
            self._json(found[:most])

        def _file(self, data: bytes) -> None:
            headers = {"ETag": f'"{digest(data)}"', "X-Repo-Commit": SHA, "Accept-Ranges": "bytes"}
            wanted = self.headers["Range"]
            if not wanted or self.command == "HEAD":
                return self._send(200, data, headers, file=True)
            how.ranges.append(wanted)
            first = int(wanted.removeprefix("bytes=").partition("-")[0])
            headers["Content-Range"] = f"bytes {first}-{len(data) - 1}/{len(data)}"
            self._send(206, data[first:], headers, file=True)

        def _refuse(self, status: int, code: str) -> None:
            headers = {"X-Error-Code": code, "X-Error-Message": code}
            if how.retry_after:
                headers["Retry-After"] = how.retry_after
            self._send(status, b"{}", headers)

        def _json(self, value: object) -> None:
            self._send(200, json.dumps(value).encode(), {"Content-Type": "application/json"})

        def _send(
            self, status: int, data: bytes, headers: dict[str, str], *, file: bool = False
        ) -> None:
            self.send_response(status)
            for key, value in {**headers, "Content-Length": str(len(data))}.items():
                self.send_header(key, value)
            self.end_headers()
            if self.command != "GET":
                return
            cut = how.cut is not None and len(data) > how.cut
            part = data[: how.cut] if cut else data
            self.wfile.write(part)
            how.sent += len(part) if file else 0
            if cut:
                self.wfile.flush()
                self.close_connection = True

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def digest(data: bytes) -> str:
    return hashlib.sha1(data).hexdigest()


def tree(folder: Path) -> list[dict[str, object]]:
    return [
        {"type": "file", "path": f.name, "size": f.stat().st_size, "oid": digest(f.read_bytes())}
        for f in sorted(folder.iterdir())
    ]


def about(name: str, folder: Path) -> dict[str, object]:
    siblings = [{"rfilename": f.name, "size": f.stat().st_size} for f in sorted(folder.iterdir())]
    return {
        "_id": "1",
        "id": name,
        "sha": SHA,
        "private": False,
        "siblings": siblings,
        "cardData": {"license": "mit"},
        "safetensors": {"parameters": {"F32": 1234}, "total": 1234},
        "tags": [],
        "downloads": 0,
        "likes": 0,
    }


def listed(
    name: str,
    kind: str = "gpt2",
    *,
    downloads: int = 1000,
    licence: str = "mit",
    numbers: int = 10**8,
    stored: str = "F32",
    gated: bool | str = False,
) -> dict[str, Any]:
    """A model as a search of the Hub has it, with what is asked for in `expand`."""
    return {
        "_id": "1",
        "id": name,
        "downloads": downloads,
        "gated": gated,
        "safetensors": {"parameters": {stored: numbers}, "total": numbers},
        "config": {"model_type": kind, "architectures": ["Model"]},
        "tags": ["transformers", "safetensors", kind, f"license:{licence}"],
    }
