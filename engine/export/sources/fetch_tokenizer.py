"""`python -m engine.export.sources.fetch_tokenizer ID`: fetch a `tokenizer.json` alone, to compare.

Prints JSON lines for `engine.jobs.registry`; a refusal is one sentence. Neither weights nor any
code of the repository are fetched. The file is put where `engine.tokenizers.external_tokenizers`
looks for it.
"""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

from engine.errors import EngineError, ExportFailed
from engine.export.sources.hub import explained
from engine.export.sources.tokenizer import FILE
from engine.models.source import Source, parse
from engine.policy import own_rule
from engine.tokenizers import external_tokenizers


def main(arguments: list[str]) -> int:
    """Fetch the tokenizer of the id given last and return the exit status."""
    try:
        # Never a folder: whoever asks, and whatever stands in the working folder.
        rule = own_rule()
        asked = parse(arguments[-1], "hub" if rule == "all" else rule)
        _say(stage=f"Asking the Hub for the tokenizer of {str(asked)[:80]}", progress=0.1)
        with explained(str(asked)):
            path = _fetched(asked)
        name = _kept(path, str(asked))
    except EngineError as error:
        _say(error=str(error))
        return 1
    _say(stage="Done", progress=1.0, result=name)
    return 0


def _fetched(asked: Source) -> Path:
    from huggingface_hub import constants, errors, get_hf_file_metadata, hf_hub_download, hf_hub_url

    source, revision = asked.id, asked.revision
    try:
        if not constants.is_offline_mode():
            size = get_hf_file_metadata(hf_hub_url(source, FILE, revision=revision)).size or 0
            if size > external_tokenizers.LIMIT:
                raise ExportFailed(
                    f"The {FILE} of {source} has {size / 1e6:,.0f} MB; at most "
                    f"{external_tokenizers.LIMIT / 1e6:,.0f} MB are taken."
                )
        _say(stage=f"Fetching the tokenizer of {source[:80]}", progress=0.4)
        return Path(hf_hub_download(source, FILE, revision=revision))
    except errors.RemoteEntryNotFoundError:
        raise ExportFailed(
            f"{source} has no {FILE}. Export the model on the home page: its tokenizer is "
            "converted there."
        ) from None


def _kept(path: Path, source: str) -> str:
    name = external_tokenizers.hub_name(source)
    out = external_tokenizers.kept(name)
    out.parent.mkdir(parents=True, exist_ok=True)
    aside = out.with_suffix(".part")
    shutil.copyfile(path, aside)
    aside.replace(out)
    external_tokenizers.tidy()
    return name


def _say(**event: object) -> None:
    print(json.dumps(event), flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
