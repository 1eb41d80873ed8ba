"""A model that was trained here as one file: its bundle in a ZIP, to be put into another app."""

from __future__ import annotations

import io
import zipfile

from engine.errors import NotOffered
from engine.models.bundle import read_card
from engine.models.catalog import Entry

TRAINED_HERE = "trained here"  # what a card says of where such a model is from
BYTES_AT_MOST = 64 * 10**6


def packed(entry: Entry) -> bytes:
    """The files of the bundle in a folder of its name. Raises `NotOffered` for other models."""
    if entry.source != TRAINED_HERE or entry.folder is None or entry.size > BYTES_AT_MOST:
        raise NotOffered(f"{entry.title} was not trained here, so it is not packed into a file.")
    names = ("card.json", *read_card(entry.folder).files)
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as file:
        for name in names:
            file.write(entry.folder / name, f"{entry.name}/{name}")
    return data.getvalue()
