"""A look at a model before it is exported: from its configuration and file list alone.

`Look` says what the card will say, how much there is to download, and, where a model cannot be
exported, the sentence that tells why. Nothing large is fetched and torch is not imported.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from engine.errors import EngineError, ExportFailed
from engine.export.families import Layout, layout
from engine.export.sources import gguf, hub, packages
from engine.export.sources.gguf_header import read as read_header
from engine.export.sources.origin import quantized
from engine.export.sources.place import check_disk, check_memory
from engine.export.sources.tokenizer import FILE, open_tokenizer
from engine.models.source import Source
from engine.values import Family

SHOWS: dict[Family, tuple[str, ...]] = {
    "decoder": ("Tokenization", "Embeddings", "Attention", "Decoding"),
    "encoder": ("Tokenization", "Embeddings", "Attention"),
    "encoder-decoder": ("Tokenization", "Embeddings", "Attention", "Translation", "Decoding"),
}


# What only configurations of models that see or hear have (CLIP, ViT, Whisper, wav2vec 2 ...).
SENSES = ("vision_config", "image_size", "audio_config", "num_mel_bins", "feat_extract_norm")


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


def look(asked: Source) -> Look:
    """Look at a folder or at a model of the Hub; raise `EngineError` where there is none."""
    source, folder = str(asked), asked.folder
    if folder is None and (package := packages.find(asked.id)) is not None:
        return _of_package(source, package)
    if folder is not None and (file := quantized(folder)) is not None:
        return _of_file(source, file)
    if folder is not None:
        config = hub.read_config(folder)
        sizes = {path.name: path.stat().st_size for path in folder.iterdir() if path.is_file()}
        files, licence = hub.wanted(sizes), hub.licence_of(folder)
        names, parameters = list(sizes), 0
    else:
        config, files, licence, parameters = hub.ask(asked.id, asked.revision)
        names = list(files)
    plan, refusal = _plan(config, names, source)
    if refusal is None and not parameters and folder is not None:
        parameters = hub.local(folder).parameters
    refusal = refusal or _too_large(source, parameters)
    return Look(
        source=source,
        architecture=str(config.get("model_type", "")),
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
        refusal=refusal,
    )


def _of_package(source: str, package: packages.Package) -> Look:
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
        refusal=_too_large(source, package.parameters),
    )  # fmt: skip


def _of_file(source: str, file: Path) -> Look:
    """What the header of a GGUF file says."""
    header = read_header(file)
    plan, refusal = None, None
    try:
        plan = layout(gguf.model_type(header, file.name))
    except ExportFailed as error:
        refusal = str(error)

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
        vocabulary=number("vocab_size") or gguf.words(header),
        parameters=header.elements,
        size=file.stat().st_size,
        licence=gguf.licence(header),
        shows=SHOWS[plan.family] if plan else (),
        notes=(gguf.note(header), *(plan.notes if plan else ())),
        refusal=refusal or _too_large(source, header.elements),
    )


def check_checkpoint(checkpoint: hub.Checkpoint, out: Path) -> None:
    """Refuse what cannot be exported to `out`, before PyTorch is loaded or anything large is."""
    layout_of(checkpoint.config, checkpoint.name)
    if (checkpoint.folder / FILE).is_file():
        open_tokenizer(checkpoint.folder / FILE)
    check_memory(checkpoint.name, checkpoint.parameters)
    check_disk(checkpoint.name, checkpoint.parameters, out)


def _too_large(source: str, parameters: int) -> str | None:
    try:
        check_memory(source, parameters)
    except ExportFailed as error:
        return str(error)
    return None


def _plan(
    config: dict[str, Any], names: list[str], source: str
) -> tuple[Layout | None, str | None]:
    try:
        plan = layout_of(config, source)
        hub.check_files(names, source)
    except EngineError as error:
        return None, str(error)
    return plan, None


def layout_of(config: dict[str, Any], source: str) -> Layout:
    """The layout for a configuration; raise `ExportFailed` where nothing here can run it."""
    if config.get("quantization_config"):
        raise ExportFailed(
            f"{source} is stored quantised, which cannot be exported. Choose the model it was "
            "made from."
        )
    try:
        return layout(str(config.get("model_type", "")))
    except ExportFailed:
        if config.get("auto_map"):
            raise ExportFailed(
                f"{source} needs code from its own repository, which is never run here. Choose a "
                "model of a family that transformers knows."
            ) from None
        if any(key in config for key in SENSES):
            raise ExportFailed(
                f"{source} is a vision or speech model; only models of text can be shown."
            ) from None
        raise


def _number(config: dict[str, Any], *names: str) -> int | None:
    found = (config.get(name) for name in names)
    return next((value for value in found if isinstance(value, int)), None)
