"""The models there are: shipped with the app, exported here, and suggestions to export.

In: the folders of bundles. Out: `Entry` values, which say what a model is without opening it. A
damaged or half-written bundle is listed with the sentence that names its file, and is never
opened. Facts of the suggestions are their makers' (model cards on the Hub).
"""

from __future__ import annotations

import os
import re
import shutil
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

from engine.errors import BrokenBundle, ModelNotExported, NotOffered, UnknownModel
from engine.models import runtime
from engine.models.bundle import Card, Precision, identity, read_card, stamp
from engine.models.packed import entries as packing
from engine.models.source import Source
from engine.predecessors import bundles as predecessors
from engine.settings import settings
from engine.tokenizers import reader_pool
from engine.values import Family

SHIPPED = Path(__file__).resolve().parents[2] / "assets" / "models"
MOMENTS = Path(__file__).resolve().parents[2] / "assets" / "moments"
UNTRAINED = "untrained"  # the moment before the first step
_MOMENT = re.compile(r"(?P<of>[a-z][a-z0-9-]*)-(?P<step>\d{6})")
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,119}")


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the catalog.

    `folder` is None while a suggestion has no bundle; `problem` is the sentence that says why a
    bundle cannot be opened. `size` is in bytes: on disk, or to be downloaded for a suggestion;
    `packed` are those of its weights that are kept packed beside it (`engine.models.packed`).
    `source` is the Hub id where there is one; `gated` models ask for an account and a consent.
    `apart` is the sentence that says why one that is whole is not opened as a model all the same.
    """

    name: str
    title: str
    family: Family | None
    folder: Path | None
    shipped: bool = False
    problem: str | None = None
    licence: str = ""
    parameters: int = 0
    size: int = 0
    packed: int = 0
    source: str = ""
    gated: bool = False
    about: str = ""
    apart: str = ""

    @property
    def ready(self) -> bool:
        """Whether the model can be opened."""
        return self.folder is not None and self.problem is None and not self.apart


def entries() -> tuple[Entry, ...]:
    """All models: shipped, then exported, then suggestions without a bundle, each by name."""
    found = {entry.name: entry for entry in _bundles(settings().models, shipped=False)}
    # A shipped model cannot be replaced by a folder of the same name.
    shipped = {entry.name: entry for entry in _bundles(SHIPPED, shipped=True)}
    exported = [found[name] for name in sorted(found) if name not in shipped]
    here = {*found, *shipped}
    rest = [entry for entry in SUGGESTIONS if entry.name not in here]
    return (*(shipped[name] for name in sorted(shipped)), *exported, *rest)


def find(name: str) -> Entry:
    """The entry of a model that can be opened.

    Raises `UnknownModel`, `ModelNotExported`, `BrokenBundle`, or `NotOffered` for what is no
    transformer.
    """
    for entry in entries():
        if entry.name == name:
            if entry.problem is not None:
                raise BrokenBundle(entry.problem)
            if entry.apart:
                raise NotOffered(entry.apart)
            if entry.folder is None:
                raise ModelNotExported(
                    f"{entry.title} is not exported yet. Add it on the home page, or run: "
                    f"python -m engine.export {entry.source}"
                )
            return entry
    if (found := moment(name)) is not None:
        return found
    here = ", ".join(entry.name for entry in entries() if entry.ready) or "none"
    raise UnknownModel(f"There is no model called {name[:80]!r} here. Models at hand: {here}.")


def moment(name: str) -> Entry | None:
    """A moment of a training that is kept here: `tales-mini-000133`, or `untrained`.

    Moments are found by name and not listed: nine models of one training would crowd every list.
    """
    if name == UNTRAINED:
        folder = next(iter(sorted(MOMENTS.glob("*/000000"))), None)
    else:
        parts = _MOMENT.fullmatch(name)
        folder = None if parts is None else MOMENTS / parts["of"] / parts["step"]
    if folder is None or not folder.is_dir():
        return None
    return replace(_entry(folder, True), name=name)


def delete(name: str) -> None:
    """Remove an exported bundle from memory and disk, a broken one too; shipped ones stay."""
    entry = next((e for e in entries() if e.name == name and e.folder), None)
    if entry is None or entry.folder is None:
        raise UnknownModel(f"There is no exported model called {name[:80]!r}.")
    if entry.shipped:
        raise ValueError(f"{name} is shipped with the app and cannot be deleted")
    runtime.forget(entry.folder)
    reader_pool.close(entry.folder)
    # Renamed first: a folder that is half deleted must not be listed as a broken model.
    _forget_packed(entry.folder)
    doomed = entry.folder.with_name(f".deleted-{entry.folder.name}")
    shutil.rmtree(doomed, ignore_errors=True)
    entry.folder.rename(doomed)
    shutil.rmtree(doomed, ignore_errors=True)


def _forget_packed(folder: Path) -> None:
    try:
        packing.remove(packing.place(identity(read_card(folder))))
    except BrokenBundle:
        return  # whose it was is not to be told: it is the oldest some day


def slug(source: str) -> str:
    """The catalog's name of a Hub id or folder; `slug("openai-community/gpt2")` is `"gpt2"`."""
    last = source.replace("\\", "/").rstrip("/").rsplit("/", 1)[-1]
    return re.sub(r"[^A-Za-z0-9._-]+", "-", last).strip(".-_")[:120] or "model"


def bundle_name(source: Source, precision: Precision = "fp32") -> str:
    """The catalog's name of what is exported; of "maker/gpt2" in int8 it is gpt2-int8."""
    name = slug(source.last)
    return name if precision == "fp32" else f"{name}-{precision}"


def check_name(name: str) -> str:
    """The name that somebody gave a bundle, as it is; raise `UnknownModel` where it cannot be."""
    if not NAME.fullmatch(name):
        raise UnknownModel(
            f"A model cannot be called {name[:80]!r}. Use up to 120 letters, digits, dots, dashes "
            "and underscores, a letter or digit first."
        )
    if any(entry.shipped and entry.name == name for entry in entries()):
        raise UnknownModel(f"{name} ships with the app. Give the new model another name.")
    return name


def _bundles(folder: Path, *, shipped: bool) -> list[Entry]:
    """Entries of the bundles in a folder; names that start with a dot are unfinished work."""
    try:
        with os.scandir(folder) as found:
            names = sorted(one.name for one in found if one.is_dir())
    except OSError:
        return []
    return [_entry(folder / name, shipped) for name in names if NAME.fullmatch(name)]


def _entry(folder: Path, shipped: bool) -> Entry:
    try:
        card = _card(folder, _changed(folder))
        if isinstance(card, predecessors.Card):
            return _apart(folder, card, shipped)
        size = sum(size for _, size, _ in stamp(folder, card))
    except BrokenBundle as error:
        return Entry(
            folder.name, folder.name, None, folder=folder, shipped=shipped, problem=str(error)
        )
    return Entry(
        name=folder.name,
        title=card.title,
        family=card.family,
        folder=folder,
        shipped=shipped,
        licence=card.licence,
        parameters=card.parameters,
        size=size,
        packed=0 if shipped else packing.size(packing.place(identity(card))),
        source=card.source,
    )


def _apart(folder: Path, card: predecessors.Card, shipped: bool) -> Entry:
    return Entry(
        name=folder.name,
        title=card.title,
        family=None,
        folder=folder,
        shipped=shipped,
        licence=card.licence,
        parameters=card.parameters,
        size=predecessors.size(folder, card),
        source=card.source,
        apart=card.said,
    )


def predecessor(entry: Entry) -> predecessors.Card | None:
    """The card of an n-gram table or a recurrent network; None for everything else."""
    if not entry.apart or entry.folder is None:
        return None
    card = _card(entry.folder, _changed(entry.folder))
    return card if isinstance(card, predecessors.Card) else None


@lru_cache(maxsize=256)
def _card(folder: Path, _changed_at: int) -> Card | predecessors.Card:
    """The card, read again only when it changed: pages ask for the catalog at every click."""
    if predecessors.is_predecessor(folder):
        return predecessors.read_card(folder)
    return read_card(folder)


def _changed(folder: Path) -> int:
    try:
        return os.stat(f"{folder}/card.json").st_mtime_ns
    except OSError:
        return 0


def _suggestion(
    source: str,
    title: str,
    family: Family,
    parameters: int,
    megabytes: int,
    licence: str,
    about: str,
    *,
    gated: bool = False,
) -> Entry:
    return Entry(
        name=slug(source),
        title=title,
        family=family,
        folder=None,
        licence=licence,
        parameters=parameters * 10**6,
        size=megabytes * 10**6,
        source=source,
        gated=gated,
        about=about,
    )


_APACHE = "Apache-2.0"
SUGGESTIONS: tuple[Entry, ...] = (
    _suggestion(
        "smollm2", "SmolLM2 135M Instruct", "decoder", 135, 93, _APACHE,
        "Answers in a chat. It comes in a Python package, for where the Hub is out of reach.",
    ),
    _suggestion(
        "all-MiniLM-L6-v2", "all-MiniLM-L6-v2", "encoder", 23, 84, _APACHE,
        "Gives a sentence's meaning as a vector. It comes in a Python package, too.",
    ),
    _suggestion(
        "distilbert/distilgpt2", "DistilGPT-2", "decoder", 82, 353, _APACHE,
        "GPT-2 at half its layers: the quickest real writer of English.",
    ),
    _suggestion(
        "openai-community/gpt2", "GPT-2", "decoder", 124, 548, "MIT",
        "The model that most courses draw: 12 layers of 12 heads.",
    ),
    _suggestion(
        "HuggingFaceTB/SmolLM2-135M", "SmolLM2 135M", "decoder", 135, 269, _APACHE,
        "A small LLaMA-shaped model of 2024: rotary positions, shared keys.",
    ),
    _suggestion(
        "bigscience/bloom-560m", "BLOOM 560M", "decoder", 559, 1118, "BigScience RAIL 1.0",
        "Writes in 46 languages; its positions are a slope on the scores (ALiBi).",
    ),
    _suggestion(
        "Qwen/Qwen3-0.6B", "Qwen3 0.6B", "decoder", 596, 1503, _APACHE,
        "A model of 2025 in many languages, with normalized queries and keys.",
    ),
    _suggestion(
        "meta-llama/Llama-3.2-1B", "Llama 3.2 1B", "decoder", 1236, 2472, "Llama 3.2 Community",
        "Four query heads share each key head. Asks for an account and a consent.",
        gated=True,
    ),
    _suggestion(
        "google-bert/bert-base-uncased", "BERT base", "encoder", 110, 440, _APACHE,
        "Reads in both directions and fills in masked words.",
    ),
    _suggestion(
        "distilbert/distilbert-base-uncased", "DistilBERT", "encoder", 67, 268, _APACHE,
        "BERT at half its layers.",
    ),
    _suggestion(
        "google/flan-t5-small", "FLAN-T5 small", "encoder-decoder", 77, 308, _APACHE,
        "Follows instructions, translates and sums up; positions are a learned bias.",
    ),
    _suggestion(
        "Helsinki-NLP/opus-mt-fr-en", "Opus-MT French to English", "encoder-decoder", 75, 301,
        _APACHE, "A translator in the shape of the 2017 paper.",
    ),
    _suggestion(
        "Helsinki-NLP/opus-mt-en-fr", "Opus-MT English to French", "encoder-decoder", 75, 301,
        _APACHE, "The same, the other way round.",
    ),
)  # fmt: skip
