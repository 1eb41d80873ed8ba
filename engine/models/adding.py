"""Models and tokenizers added and deleted at somebody's wish: rules, and the processes started.

In: what a person typed, and who they are (`engine.policy.Visitor`). Out: the job that does it; its
process checks the rule again. Nothing is started before the rule was checked here. The host and a
guest never share a job, as the host's token may open what a guest is not to see.
"""

from __future__ import annotations

import os
import sys

from engine import installing, policy
from engine.errors import HubUnreachable, NotAllowed, NotOffered
from engine.jobs import registry
from engine.jobs.registry import Job
from engine.models import catalog
from engine.models.bundle import Precision
from engine.models.source import Source, parse
from engine.models.source import query as parse_query
from engine.policy import Visitor
from engine.tokenizers import external_tokenizers

INSTALL = "install:exporter"


def source(text: str, visitor: Visitor) -> Source:
    """What the text names, as far as this person may add it; else `NotAllowed` or `UnknownModel`.

    A folder is given whole: the process works in another one.
    """
    found = parse(text, policy.check_adding(visitor))
    return found if found.folder is None else Source(folder=found.folder.resolve())


def look(text: str, visitor: Visitor) -> Job:
    """Look at a model: the job's result is a `Look`'s data."""
    asked = source(text, visitor)
    return _start(_key("look", asked, visitor), ["--look"], asked, visitor)


def looked(text: str, visitor: Visitor) -> Job | None:
    """The look at a model that this person was given, under way or done."""
    return registry.find(_key("look", source(text, visitor), visitor))


def query(text: str, visitor: Visitor) -> str:
    """What is searched for on the Hub while this is typed; empty: nothing."""
    return parse_query(text, policy.check_searching(visitor))


def search(text: str, visitor: Visitor) -> Job | None:
    """Search the Hub for models; the job's result has those found as dictionaries of `Found`.

    None where there is nothing to search for. An earlier search that failed is made again.
    Raises `HubUnreachable` where the app is to work without a network.
    """
    words = query(text, visitor)
    if not words:
        return None
    if os.environ.get("HF_HUB_OFFLINE", "").strip().lower() in ("1", "true", "yes", "on"):
        raise HubUnreachable(policy.OFFLINE)
    argv = [sys.executable, "-m", "engine.export.sources.search", "--", words]
    return registry.start_process(
        _search_key(words, visitor),
        argv,
        viewer=visitor.viewer,
        environment=policy.handed_on(visitor),
    )


def searched(text: str, visitor: Visitor) -> Job | None:
    """The search that this person began with this text, under way or done."""
    words = query(text, visitor)
    return registry.find(_search_key(words, visitor)) if words else None


def export(text: str, visitor: Visitor, *, precision: Precision, name: str) -> Job:
    """Export a model under a name; the job's result names the bundle.

    Raises `NotOffered` where what exporting needs is not installed.
    """
    asked = source(text, visitor)
    if lacking := installing.told("models"):
        raise NotOffered(lacking)
    options = ["--precision", precision, "--name", _new_name(name, visitor)]
    if not policy.may_delete(visitor):
        options.append("--new")
    return _start(_export_key(name, asked, visitor), options, asked, visitor)


def exporting(text: str, visitor: Visitor, name: str) -> Job | None:
    """The export of a model under that name, under way or done."""
    return registry.find(_export_key(name, source(text, visitor), visitor))


def full(visitor: Visitor) -> str | None:
    """Why no further export can begin now, as a sentence; None where one can."""
    return registry.room("export", visitor.viewer)


def install(visitor: Visitor) -> Job:
    """Install what exporting needs, for who may."""
    if not policy.may_install(visitor):
        raise NotAllowed(policy.REFUSED)
    argv = [sys.executable, "-m", "engine.installing", "exporter", "--json"]
    return registry.start_process(INSTALL, argv, viewer=visitor.viewer)


def installing_now() -> Job | None:
    """That job, under way or done."""
    return registry.find(INSTALL)


def proposed_name(asked: Source, precision: Precision) -> str:
    """A name for a bundle: the model's own, its maker before it where another model has that."""
    plain = catalog.bundle_name(asked, precision)
    taken = next((e for e in catalog.entries() if e.folder and e.name == plain), None)
    if taken is None or not asked.id or (not taken.shipped and taken.source in ("", asked.id)):
        return plain
    whole = catalog.slug(asked.id.replace("/", "-"))
    return whole if precision == "fp32" else f"{whole}-{precision}"


def delete(name: str, visitor: Visitor) -> None:
    """Remove an exported model from memory and disk."""
    policy.check_deleting(visitor)
    catalog.delete(name)


def fetch_tokenizer(text: str, visitor: Visitor) -> Job:
    """Fetch the tokenizer of a model on the Hub; the job's result is its name."""
    asked = _on_hub(text, visitor)
    argv = [sys.executable, "-m", "engine.export.sources.fetch_tokenizer", "--", str(asked)]
    key = _key("borrow", asked, visitor)
    return registry.start_process(
        key, argv, viewer=visitor.viewer, environment=policy.handed_on(visitor)
    )


def fetching_tokenizer(text: str, visitor: Visitor) -> Job | None:
    """That job, under way or done."""
    return registry.find(_key("borrow", _on_hub(text, visitor), visitor))


def keep_tokenizer(data: bytes, title: str, visitor: Visitor) -> str:
    """Keep a `tokenizer.json` that somebody gave; its name."""
    policy.check_adding(visitor)
    return external_tokenizers.keep(data, title)


def _on_hub(text: str, visitor: Visitor) -> Source:
    """A model of the Hub, whatever folders there are: tokenizers come from there or as a file."""
    policy.check_adding(visitor)
    return parse(text, "hub")


def _new_name(name: str, visitor: Visitor) -> str:
    """The name for a bundle, which who may not delete may not take from another."""
    catalog.check_name(name)
    taken = any(entry.folder and entry.name == name for entry in catalog.entries())
    if taken and not policy.may_delete(visitor):
        raise NotAllowed(f"A model called {name} is here already. Give yours another name.")
    return name


def _start(key: str, options: list[str], asked: Source, visitor: Visitor) -> Job:
    # What a person typed comes last and can be no option.
    argv = [sys.executable, "-m", "engine.export", "--json", *options, "--", str(asked)]
    return registry.start_process(
        key, argv, viewer=visitor.viewer, environment=policy.handed_on(visitor)
    )


def _search_key(words: str, visitor: Visitor) -> str:
    return f"search:{'host' if policy.is_host(visitor) else 'guest'}:{words.lower()}"


def _key(kind: str, asked: Source, visitor: Visitor) -> str:
    """Equal questions share a job, but not with who may see more."""
    return f"{kind}:{'host' if policy.is_host(visitor) else 'guest'}:{asked}"


def _export_key(name: str, asked: Source, visitor: Visitor) -> str:
    return f"{_key('export', asked, visitor)}:{name}"
