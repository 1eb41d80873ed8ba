"""A look at a model before it is exported: from its configuration and file list alone.

`Look` says what the card will say, how much there is to download, and, where a model cannot be
exported, the sentence that tells why: what refuses here is what refuses the export. Nothing large
is fetched and torch is not imported.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from engine.errors import EngineError, ExportFailed, HubUnreachable
from engine.export.families import layout
from engine.export.sources import gguf, hub, packages
from engine.export.sources.gguf_header import read as read_header
from engine.export.sources.origin import quantized
from engine.export.sources.place import check_disk, check_memory
from engine.export.sources.rules import layout_of
from engine.export.sources.tokenizer import FILE, open_tokenizer
from engine.models.catalog import bundle_name
from engine.models.source import Source
from engine.settings import settings
from engine.values import Family

NAMED = 60  # characters of a type's name that are shown
SHOWS: dict[Family, tuple[str, ...]] = {
    "decoder": ("Tokenization", "Embeddings", "Attention", "Decoding"),
    "encoder": ("Tokenization", "Embeddings", "Attention"),
    "encoder-decoder": ("Tokenization", "Embeddings", "Attention", "Translation", "Decoding"),
}


@dataclass(frozen=True, slots=True)
class Look:
    """What is known of a model from its configuration; sizes are in bytes.

    `parameters` is 0 where the Hub does not say. `notes` are sentences on what the family cannot
    give; `refusal` is why it cannot be exported, None if it can.
    """

    source: str
    architecture: str
    family: Family | None
    layers: int | None
    heads: int | None
    width: int | None
    vocabulary: int | None
    parameters: int
    size: int
    licence: str
    shows: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    refusal: str | None = None

    def data(self) -> dict[str, Any]:
        """As JSON wants it."""
        return asdict(self)


def look(asked: Source, out: Path | None = None) -> Look:
    """Look at what a source names; raise `EngineError` where there is nothing.

    `out` is where the bundle would be (None: among the app's own): it would need room there.
    """
    out = out or settings().models / bundle_name(asked)
    source = str(asked)
    if asked.folder is not None:
        file = quantized(asked.folder)
        return (
            _of_folder(source, asked.folder, out) if file is None else _of_file(source, file, out)
        )
    package = packages.asked(asked)
    if package is None:
        return _of_hub(source, asked.id, asked.revision, out)
    if asked.revision is None:
        try:
            hub.check_answers(package.hub)
            return _of_hub(source, package.hub, None, out)
        except HubUnreachable:
            pass
    return _of_package(source, package, out)


def _of_folder(source: str, folder: Path, out: Path) -> Look:
    """What the configuration of a checkpoint in a folder says."""
    config = hub.read_config(folder)
    sizes = {path.name: path.stat().st_size for path in folder.iterdir() if path.is_file()}
    licence = hub.licence_of(folder)
    checkpoint = hub.Checkpoint(folder, source, source, "", licence, config)
    found = _of_config(source, config, hub.wanted(sizes), licence, checkpoint.parameters)

    def check() -> None:
        layout_of(config, source)
        hub.check_files(list(sizes), source)
        check_checkpoint(checkpoint, out)

    return replace(found, refusal=_refusal(check))


def _of_hub(source: str, name: str, revision: str | None, out: Path) -> Look:
    """What the Hub says of a model."""
    config, files, licence, parameters = hub.ask(name, revision)
    found = _of_config(source, config, hub.wanted(files) or files, licence, parameters)
    refusal = _refusal(lambda: hub.check(name, revision, config, files, parameters, out))
    return replace(found, refusal=refusal)


def _of_config(
    source: str, config: dict[str, Any], files: dict[str, int], licence: str, parameters: int
) -> Look:
    try:
        plan = layout_of(config, source)
    except ExportFailed:
        plan = None  # which the refusal says
    return Look(
        source=source,
        architecture=str(config.get("model_type", ""))[:NAMED],
        family=plan.family if plan else None,
        layers=_number(config, "num_hidden_layers", "n_layer", "num_layers", "encoder_layers"),
        heads=_number(config, "num_attention_heads", "n_head", "num_heads", "n_heads"),
        width=_number(config, "hidden_size", "n_embd", "d_model", "dim"),
        vocabulary=_number(config, "vocab_size"),
        parameters=parameters,
        size=sum(files.values()),
        licence=licence,
        shows=SHOWS[plan.family] if plan else (),
        notes=plan.notes if plan else (),
    )


def _of_package(source: str, package: packages.Package, out: Path) -> Look:
    """What is known of a package's model without downloading it."""
    plan = layout(package.architecture)
    return Look(
        source=source,
        architecture=package.architecture,
        family=plan.family,
        layers=package.layers,
        heads=package.heads,
        width=package.width,
        vocabulary=package.vocabulary,
        parameters=package.parameters,
        size=package.size,
        licence=package.licence,
        shows=SHOWS[plan.family],
        notes=(f"It comes in the package {package.project} {package.version}; none of its code "
               "is run.", *plan.notes),
        refusal=_refusal(lambda: packages.check_room(package, out)),
    )  # fmt: skip


def _of_file(source: str, file: Path, out: Path) -> Look:
    """What the header of a GGUF file says."""
    header = read_header(file)
    refusal = _refusal(lambda: gguf.check(header, file.name, out))
    kind = gguf.ARCHITECTURES.get(header.architecture)
    plan = layout(kind) if kind else None

    def number(name: str) -> int | None:
        found = header.fact(name)
        return found if isinstance(found, int) else None

    return Look(
        source=source,
        architecture=header.architecture,
        family=plan.family if plan else None,
        layers=number("block_count"),
        heads=number("attention.head_count"),
        width=number("embedding_length"),
        vocabulary=number("vocab_size") or header.vocabulary,
        parameters=header.elements,
        size=file.stat().st_size,
        licence=gguf.licence(header),
        shows=SHOWS[plan.family] if plan else (),
        notes=(gguf.note(header), *(plan.notes if plan else ())),
        refusal=refusal,
    )


def check_checkpoint(checkpoint: hub.Checkpoint, out: Path) -> None:
    """Refuse what cannot be exported to `out`, before PyTorch is loaded or anything large is."""
    layout_of(checkpoint.config, checkpoint.name)
    if (checkpoint.folder / FILE).is_file():
        open_tokenizer(checkpoint.folder / FILE)
    check_memory(checkpoint.name, checkpoint.parameters)
    check_disk(checkpoint.name, checkpoint.parameters, out)


def _refusal(check: Callable[[], object]) -> str | None:
    """The sentence with which an export would end; None where nothing speaks against it."""
    try:
        check()
    except EngineError as error:
        return str(error)
    return None


def _number(config: dict[str, Any], *names: str) -> int | None:
    found = (config.get(name) for name in names)
    return next((value for value in found if isinstance(value, int)), None)
