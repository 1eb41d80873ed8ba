"""`python -m engine.export.borrow ID`: fetch a model's `tokenizer.json` alone, for comparisons.

Prints JSON lines for `engine.jobs`; a refusal is one sentence. Neither weights nor any code of the
repository are fetched. The file is put where `engine.borrowed` looks for it.
"""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

from engine import borrowed
from engine.errors import EngineError, ExportFailed
from engine.export.hub import explained
from engine.export.tokenizer import FILE


def main(arguments: list[str]) -> int:
    """Fetch the tokenizer of the id given last and return the exit status."""
    source = arguments[-1].strip()
    _say(stage=f"Asking the Hub for the tokenizer of {source[:80]}", progress=0.1)
    try:
        with explained(source):
            path = _fetched(source)
        name = _kept(path, source)
    except EngineError as error:
        _say(error=str(error))
        return 1
    _say(stage="Done", progress=1.0, result=name)
    return 0


def _fetched(source: str) -> Path:
    from huggingface_hub import constants, errors, get_hf_file_metadata, hf_hub_download, hf_hub_url

    try:
        if not constants.is_offline_mode():
            size = get_hf_file_metadata(hf_hub_url(source, FILE)).size or 0
            if size > borrowed.LIMIT:
                raise ExportFailed(
                    f"The {FILE} of {source} has {size / 1e6:,.0f} MB; at most "
                    f"{borrowed.LIMIT / 1e6:,.0f} MB are taken."
                )
        _say(stage=f"Fetching the tokenizer of {source[:80]}", progress=0.4)
        return Path(hf_hub_download(source, FILE))
    except errors.RemoteEntryNotFoundError:
        raise ExportFailed(
            f"{source} has no {FILE}. Export the model on the home page: its tokenizer is "
            "converted there."
        ) from None


def _kept(path: Path, source: str) -> str:
    name = borrowed.hub_name(source)
    out = borrowed.kept(name)
    out.parent.mkdir(parents=True, exist_ok=True)
    aside = out.with_suffix(".part")
    shutil.copyfile(path, aside)
    aside.replace(out)
    borrowed.tidy()
    return name


def _say(**event: object) -> None:
    print(json.dumps(event), flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
