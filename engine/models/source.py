"""What a person typed to name a model: an id or address of the Hub, a folder, a GGUF file.

    parse("https://huggingface.co/maker/model/tree/main", "hub")   maker/model
    parse("maker/model@v1", "hub")                                 the same at a revision
    parse("../checkpoint", "all")                                  a folder of this machine
    parse("../model.gguf", "all")                                  a GGUF file of this machine

In: the text, and the rule for who typed it (`engine.policy`). Out: a `Source`. Under the rule "hub"
no text means a folder or file, whatever stands in the working folder. Knows nothing of what is on
the Hub.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from engine.errors import NotAllowed, UnknownModel
from engine.policy import HUB_ONLY, REFUSED, Rule

ID = re.compile(r"(?!.*\.\.)[A-Za-z0-9_][\w.-]{0,95}(/[A-Za-z0-9_][\w.-]{0,95})?", re.ASCII)
QUERY = re.compile(r"[A-Za-z0-9_][\w. -]{1,94}(/[\w.-]{0,95})?", re.ASCII)
REVISION = re.compile(r"(?!.*\.\.)\w[\w./-]{0,199}", re.ASCII)
HOSTS = ("huggingface.co", "www.huggingface.co", "hf.co", "www.hf.co")
PARTS = {"tree", "blob", "resolve", "raw", "commit", "commits", "discussions", "edit"}
OTHERS = {"datasets", "spaces", "papers", "docs", "collections", "blog", "learn", "join", "login"}
GGUF = ".gguf"
INVISIBLE = dict.fromkeys(map(ord, "\u200b\u200c\u200d\u2060\ufeff"))


@dataclass(frozen=True, slots=True)
class Source:
    """A model's id with its revision (None: the newest), or its folder or GGUF file."""

    id: str = ""
    revision: str | None = None
    folder: Path | None = None

    def __str__(self) -> str:
        """As one would type it."""
        if self.folder is not None:
            return str(self.folder)
        return self.id if self.revision is None else f"{self.id}@{self.revision}"

    @property
    def last(self) -> str:
        """The part that names the model: the id's last, or the folder's or file's own name."""
        if self.folder is None:
            return self.id.rsplit("/", 1)[-1]
        name = self.folder.resolve().name
        return name[: -len(GGUF)] if name.lower().endswith(GGUF) else name


def parse(text: str, rule: Rule) -> Source:
    """What a text names; raise `NotAllowed` or `UnknownModel` with a sentence."""
    if rule == "no":
        raise NotAllowed(REFUSED)
    given = _bare(text)
    path = _address(given)
    folder = _folder(given) if path is None and rule == "all" else None
    if folder is not None:
        return Source(folder=folder)
    found = _id(given.removesuffix("/")) if path is None else _page(path)
    if found is None and path is None and "://" in given:
        raise UnknownModel(
            f"{given[:80]!r} is no address of the Hugging Face Hub. Give a model's page or its id."
        )
    if found is None and path is None and _is_path(given):
        if rule == "hub":
            raise NotAllowed(HUB_ONLY)
        raise UnknownModel(
            f"There is no folder or GGUF file {given[:80]!r} on this machine. Give its whole path, "
            "or a Hub id."
        )
    if found is None:
        raise UnknownModel(
            f"The Hub has no model called {given[:80]!r}. Check the spelling: an id is like "
            "openai-community/gpt2."
        )
    return found


def query(text: str, rule: Rule) -> str:
    """What of a text may be looked for on the Hub; empty where it names something by itself.

    Addresses, revisions, and whatever is or could be a path of this machine are sent nowhere.
    Raises `NotAllowed` for who may add nothing.

    >>> query(" gpt2 ", "hub"), query("hf.co/gpt2", "hub"), query("~/models", "hub")
    ('gpt2', '', '')
    """
    if rule == "no":
        raise NotAllowed(REFUSED)
    given = _bare(text)
    if not QUERY.fullmatch(given) or _is_path(given) or _address(given) is not None:
        return ""
    if given.lower().endswith(GGUF) or (rule == "all" and _folder(given) is not None):
        return ""
    return given


def _bare(text: str) -> str:
    """Without what comes along when an id is copied: quotes, spaces, `git clone`."""
    text = text.translate(INVISIBLE).strip().strip("\"'`<>").strip()
    return text.removeprefix("git clone ").strip()


def _address(text: str) -> str | None:
    """The path of an address of the Hub; None for a text that is none."""
    scheme, _, rest = text.rpartition("://")
    if scheme.lower() == "hf":
        return rest
    if scheme and scheme.lower() not in ("http", "https"):
        return None
    try:
        parts = urlsplit(f"https://{rest.lstrip('/')}")
        host = parts.hostname or ""
    except ValueError:
        return None
    mirror = urlsplit(os.environ.get("HF_ENDPOINT", "")).hostname
    if host not in HOSTS and (not scheme or host != mirror):
        return None
    return parts.path


def _page(path: str) -> Source | None:
    """The id and revision in the path of an address: maker/model/tree/v1/file is maker/model@v1."""
    parts = [part for part in path.split("/") if part]
    if parts[:2] == ["api", "models"]:
        parts = parts[2:]
    if parts and parts[0] in OTHERS:
        raise UnknownModel(
            f"This address of the Hub is of its {parts[0]}, not of a model. Give a model's."
        )
    size = 2 if len(parts) > 1 and parts[1] not in PARTS else 1
    rest = parts[size:]
    revision = rest[1] if len(rest) > 1 and rest[0] in PARTS - {"discussions"} else ""
    return _id("/".join(parts[:size]).removesuffix(".git"), revision)


def _id(text: str, revision: str = "") -> Source | None:
    """An id as it stands, `maker/model` or `maker/model@revision`; None for what cannot be one."""
    name, _, given = text.partition("@")
    revision = unquote(given or revision)
    if not ID.fullmatch(name) or (revision and not REVISION.fullmatch(revision)):
        return None
    return Source(id=name, revision=None if revision in ("", "main") else revision)


def _folder(text: str) -> Path | None:
    """The folder or GGUF file of that path, if there is one."""
    try:
        path = Path(text).expanduser()
        here = path.is_dir() or (path.suffix.lower() == GGUF and path.is_file())
        return path if text and here else None
    except (OSError, ValueError, RuntimeError):  # too long, a null in it, an unknown "~user"
        return None


def _is_path(text: str) -> bool:
    """Whether a text looks like the path of a folder rather than like an id."""
    return (
        text.startswith((".", "/", "~", "\\")) or "\\" in text or text.count("/") > 1
        or re.match(r"[A-Za-z]:", text) is not None
    )  # fmt: skip
