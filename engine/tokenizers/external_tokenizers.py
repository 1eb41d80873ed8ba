"""Tokenizers from outside: a `tokenizer.json` that somebody gives, or one fetched from the Hub.

In: the bytes of a file, or a Hub id whose file was fetched by
`engine.export.sources.fetch_tokenizer`. Out: what the tokenizer is (`Facts`) and texts cut by it
(`Tokens`). Such a file may be anything, so it is opened and run in a process of its own with bounds
on memory and time: a pattern in it could keep a thread of the app busy for ever. Files are kept on
disk, the newest `KEPT` of them.

    python -m engine.tokenizers.external_tokenizers PATH      the process: JSON lines in (texts),
    JSON lines out (tokens)
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
import tempfile
import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from engine.errors import BrokenBundle, EngineError, NotOffered
from engine.jobs import processes
from engine.settings import settings
from engine.tokenizers.reader import Reader
from engine.tokenizers.tokens import read
from engine.values import Tokens

ROOT = Path(__file__).resolve().parents[2]
LIMIT = 40 * 10**6
"""Bytes of a file; the largest of known models (Gemma's) has 33 MB."""
KEPT = 16
OPEN = 4
SECONDS = 10.0
START_SECONDS = 30.0
MEMORY = 4 * 10**9


@dataclass(frozen=True, slots=True)
class Facts:
    """What a tokenizer is: its algorithm and how many tokens it knows."""

    algorithm: str
    vocabulary: int


def kept(name: str) -> Path:
    """Where the file of that name lies, there or not."""
    digest = hashlib.blake2b(name.encode(), digest_size=10).hexdigest()
    return settings().models.parent / "tokenizers" / f"{digest}.json"


def known(name: str) -> bool:
    """Whether the file of that name is here."""
    return name.startswith(("hub:", "file:")) and kept(name).is_file()


def hub_name(source: str) -> str:
    """The name of a Hub id: `hub_name("maker/model")` is `"hub:maker/model"`."""
    return f"hub:{source.strip()}"


def keep(data: bytes, title: str) -> str:
    """Keep a file that somebody gave, if it is a tokenizer; return its name."""
    if len(data) > LIMIT:
        raise NotOffered(
            f"The file has {len(data) / 1e6:,.0f} MB; a tokenizer.json of at most "
            f"{LIMIT / 1e6:,.0f} MB is taken."
        )
    stem = re.sub(r"[^A-Za-z0-9._-]+", "-", title.removesuffix(".json"))[:30].strip("-") or "file"
    name = f"file:{stem}-{hashlib.blake2b(data, digest_size=3).hexdigest()}"
    path = kept(name)
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, aside = tempfile.mkstemp(dir=path.parent, suffix=".part")
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        os.replace(aside, path)
    try:
        facts(name)
    except EngineError:
        path.unlink(missing_ok=True)
        raise
    tidy()
    return name


def tidy() -> None:
    """Remove the oldest files beyond `KEPT`."""
    folder = kept("").parent
    files = sorted(folder.glob("*.json"), key=lambda path: path.stat().st_mtime, reverse=True)
    for path in files[KEPT:]:
        path.unlink(missing_ok=True)


def facts(name: str) -> Facts:
    """What the tokenizer of that name is; raise `NotOffered` where its file is none."""
    return _worker(name).facts


def cut(name: str, texts: Sequence[str]) -> list[Tokens]:
    """Texts cut by the tokenizer of that name, with what it adds at their ends."""
    return [_tokens(one) for one in _worker(name).ask(list(texts))]


def _tokens(data: dict[str, Any]) -> Tokens:
    count = len(data["ids"])
    return Tokens(
        text=data["text"],
        ids=np.array(data["ids"], dtype=np.int64),
        pieces=tuple(data["pieces"]),
        spans=np.array(data["spans"], dtype=np.int64).reshape(-1, 2),
        special=np.array(data["special"], dtype=bool),
        unknown=np.array(data["unknown"], dtype=bool),
        segments=np.zeros(count, dtype=np.int64),
        data=tuple(bytes.fromhex(part) for part in data["data"]),
        left_out=np.frombuffer(bytes.fromhex(data["left_out"]), dtype=np.uint8).copy(),
    )


# ---------------------------------------------------------------------------- processes

_workers: OrderedDict[str, _Worker] = OrderedDict()
_guard = threading.Lock()


def _worker(name: str) -> _Worker:
    """The process of a tokenizer, started when needed; the one unused longest is ended."""
    with _guard:
        found = _workers.get(name)
        if found is not None and found.alive:
            _workers.move_to_end(name)
            return found
        if not known(name):
            raise NotOffered(f"The tokenizer {name[:80]} is not here any more. Add it again.")
        _workers[name] = found = _Worker(kept(name))
        while len(_workers) > OPEN:
            _workers.popitem(last=False)[1].end()
    try:
        found.start()
    except EngineError:
        with _guard:
            _workers.pop(name, None)
        raise
    return found


class _Worker:
    """A process that holds one tokenizer; it ends with the app, or when it takes too long."""

    def __init__(self, path: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "engine.tokenizers.external_tokenizers", str(path)],
            cwd=ROOT,
            env={**os.environ, "TOKENIZERS_PARALLELISM": "false", "PYTHONIOENCODING": "utf-8"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            encoding="utf-8",
        )
        self._lock = threading.Lock()
        self._facts: Facts | None = None

    @property
    def alive(self) -> bool:
        """Whether it can be asked."""
        return self.process.poll() is None

    @property
    def facts(self) -> Facts:
        """What its tokenizer is."""
        self.start()
        assert self._facts is not None
        return self._facts

    def start(self) -> None:
        """Wait until the file is read."""
        with self._lock:
            if self._facts is None:
                said = self._answer(START_SECONDS)
                self._facts = Facts(said["algorithm"], said["vocabulary"])

    def ask(self, texts: list[str]) -> list[dict[str, Any]]:
        """Tokens of each text."""
        with self._lock:
            assert self.process.stdin is not None
            try:
                self.process.stdin.write(json.dumps({"texts": texts}) + "\n")
                self.process.stdin.flush()
            except OSError:
                pass  # it ended: there will be no answer
            return self._answer(SECONDS)["texts"]

    def _answer(self, seconds: float) -> dict[str, Any]:
        assert self.process.stdout is not None
        clock = threading.Timer(seconds, self.process.kill)
        clock.start()
        try:
            line = self.process.stdout.readline()
        finally:
            clock.cancel()
        if not line:
            self.end()
            raise NotOffered(
                f"This tokenizer was stopped: it took more than {seconds:.0f} seconds or more "
                "memory than one is given here. Shorten the text or choose another."
            )
        said = json.loads(line)
        if "error" in said:
            self.end()
            raise NotOffered(str(said["error"]))
        return said

    def end(self) -> None:
        """End the process and close what leads to it."""
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            try:
                if pipe is not None:
                    pipe.close()
            except OSError:
                pass


def main() -> None:
    """Read the file named on the command line, say what it is, then cut the texts that come."""
    processes.bound(MEMORY)
    try:
        reader = _opened(Path(sys.argv[1]))
    except EngineError as error:
        _say(error=str(error))
        return
    _say(
        algorithm=type(reader.tokenizer.model).__name__,
        vocabulary=reader.tokenizer.get_vocab_size(with_added_tokens=True),
    )
    for line in sys.stdin:
        texts = json.loads(line)["texts"]
        try:
            _say(texts=[_data(read(reader, text)) for text in texts])
        except Exception as error:  # the library raises bare Exception
            _say(error=f"This tokenizer cannot cut the text ({str(error)[:120]}).")


def _opened(path: Path) -> Reader:
    try:
        plan = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise NotOffered(
            f"The file is not a tokenizer.json: it is no JSON ({str(error)[:80]})."
        ) from None
    if not isinstance(plan, dict) or not isinstance(plan.get("model"), dict):
        raise NotOffered("The file is JSON, but not a tokenizer.json: it has no “model” in it.")
    try:
        return Reader(path)
    except BrokenBundle as error:
        why = str(error).partition("(")[2].rpartition(")")[0]
        raise NotOffered(f"This tokenizer.json cannot be read ({why}).") from None


def _data(tokens: Tokens) -> dict[str, Any]:
    return {
        "text": tokens.text,
        "ids": tokens.ids.tolist(),
        "pieces": tokens.pieces,
        "spans": tokens.spans.tolist(),
        "special": tokens.special.tolist(),
        "unknown": tokens.unknown.tolist(),
        "data": [part.hex() for part in tokens.data],
        "left_out": tokens.left_out.tobytes().hex(),
    }


def _say(**event: Any) -> None:
    print(json.dumps(event), flush=True)


if __name__ == "__main__":
    main()
