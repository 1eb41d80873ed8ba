"""A stand-in for the Hub on this machine: repositories are folders, refusals as on the Hub."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

SHA = "0123456789abcdef0123456789abcdef01234567"


@contextmanager
def hub(
    repositories: dict[str, Path], gated: tuple[str, ...] = (), private: tuple[str, ...] = ()
) -> Iterator[str]:
    """Serve `{"maker/model": folder}`; the address to be set as HF_ENDPOINT.

    Who sends the token "host-token" has accepted the terms of those of `gated`, and alone sees
    those of `private`.
    """

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None: ...

        def do_HEAD(self) -> None:
            self._answer()

        def do_GET(self) -> None:
            self._answer()

        def _answer(self) -> None:
            path = unquote(urlsplit(self.path).path).lstrip("/")
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
            data = file.read_bytes()
            self._send(200, data, {"ETag": f'"{digest(data)}"', "X-Repo-Commit": SHA})

        def _refuse(self, status: int, code: str) -> None:
            self._send(status, b"{}", {"X-Error-Code": code, "X-Error-Message": code})

        def _json(self, value: object) -> None:
            self._send(200, json.dumps(value).encode(), {"Content-Type": "application/json"})

        def _send(self, status: int, data: bytes, headers: dict[str, str]) -> None:
            self.send_response(status)
            for key, value in {**headers, "Content-Length": str(len(data))}.items():
                self.send_header(key, value)
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(data)

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
