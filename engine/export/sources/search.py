"""`python -m engine.export.sources.search WORDS`: text models of the Hub with these in their names.

Prints JSON lines for `engine.jobs.registry`; the result is `{"found": [...], "of": n}`: models of
families that can be shown, the most downloaded first, and how many the Hub named in all. One
question and no second try, bounded in time and in bytes: somebody is typing. What the Hub says of
a model is foreign text: names are ids or they are left out, all else is bounded here and escaped
where it is shown.
"""

from __future__ import annotations

import json
import re
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import httpx2

from engine.errors import EngineError, ExportFailed, HubUnreachable
from engine.export.sources.hub import retry_after
from engine.export.sources.rules import layout_of
from engine.models.source import ID, query
from engine.policy import OFFLINE, own_rule

ASKED = 100  # models that the Hub is asked for
SHOWN = 12
LARGEST = 8 * 10**6  # bytes of an answer
CONNECT, READ, WHOLE = 4.0, 6.0, 8.0  # seconds: to reach the Hub, for its next bytes, for all
EXPAND = ["downloads", "gated", "safetensors", "config", "tags"]
BYTES = {
    "F64": 8, "I64": 8, "F32": 4, "I32": 4, "F16": 2, "BF16": 2, "I16": 2,
    "F8_E4M3": 1, "F8_E5M2": 1, "I8": 1, "U8": 1, "BOOL": 1,
}  # fmt: skip
MOST = 10**15  # what counts as a number of downloads, parameters or bytes
WORD = re.compile(r"[\w.+ -]{1,40}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Found:
    """A model of the Hub. `size` is in bytes of its weights, 0 where the Hub does not say."""

    id: str
    family: str
    architecture: str
    downloads: int
    licence: str
    parameters: int
    size: int
    gated: bool


def search(words: str) -> tuple[list[Found], int]:
    """Models with these words in their names, and how many the Hub named; `EngineError` if none.

    Of what the Hub named, those of unknown families are left out.
    """
    from huggingface_hub import HfApi, constants, set_client_factory

    if constants.is_offline_mode():
        raise HubUnreachable(OFFLINE)
    set_client_factory(lambda: _Client(time.monotonic() + WHOLE))
    try:
        named = HfApi().list_models(
            search=words,
            filter="safetensors",
            sort="downloads",
            limit=ASKED,
            expand=EXPAND,  # type: ignore[arg-type]
        )
        infos = list(named)
    except EngineError:
        raise
    except Exception as error:  # whatever an answer that is none leads the library to
        raise ExportFailed(
            f"The Hub's answer cannot be read ({type(error).__name__}). Try again, or type the "
            "model's whole id."
        ) from None
    models = [found for info in infos if (found := _found(vars(info))) is not None]
    return models[:SHOWN], len(infos)


def _found(said: dict[str, Any]) -> Found | None:
    """What the Hub says of a model; None for what cannot be added."""
    name = said.get("id")
    if not isinstance(name, str) or not ID.fullmatch(name):
        return None
    config = said.get("config")
    config = config if isinstance(config, dict) else {}
    kind = config.get("model_type")
    if not isinstance(kind, str):
        return None
    try:
        plan = layout_of(config, name)
    except ExportFailed:
        return None
    weights = said.get("safetensors")
    stored = getattr(weights, "parameters", None)
    stored = stored if isinstance(stored, dict) else {}
    sizes = [_number(count) * BYTES.get(str(kind_of), 0) for kind_of, count in stored.items()]
    return Found(
        id=name,
        family=plan.family,
        architecture=kind[:40],
        downloads=_number(said.get("downloads")),
        licence=_licence(said.get("tags")),
        parameters=_number(getattr(weights, "total", None)),
        size=min(sum(sizes), MOST),
        gated=said.get("gated") not in (None, False),
    )


def _number(said: Any) -> int:
    """A count as the Hub says it; 0 for what is none."""
    good = isinstance(said, int) and not isinstance(said, bool) and 0 <= said <= MOST
    return said if good else 0


def _licence(tags: Any) -> str:
    for tag in tags[:200] if isinstance(tags, list) else ():
        if isinstance(tag, str) and tag.startswith("license:"):
            name = tag.removeprefix("license:")
            return name if WORD.fullmatch(name) else ""
    return ""


class _Client(httpx2.Client):
    """A client for one question: no redirect to elsewhere, nothing slow, nothing large."""

    def __init__(self, until: float) -> None:
        super().__init__(event_hooks={"response": [self._check]}, follow_redirects=False)
        self.until = until

    def send(self, request: httpx2.Request, **options: Any) -> httpx2.Response:
        """Send it with our times, whatever the caller's; what fails is not tried again.

        Only the list of models is asked for: the library would like to know other things, too.
        """
        if not request.url.path.endswith("/api/models"):
            raise httpx2.UnsupportedProtocol(f"{request.url.path} is not asked for here")
        request.extensions["timeout"] = {
            "connect": CONNECT, "read": READ, "write": READ, "pool": CONNECT,
        }  # fmt: skip
        try:
            return super().send(request, **options)
        except httpx2.TimeoutException:
            raise HubUnreachable(SLOW) from None
        except httpx2.ConnectError:
            raise HubUnreachable(
                "The Hub cannot be reached. Connect to the network; what is suggested below from a "
                "package, folders and GGUF files can be added without it."
            ) from None
        except httpx2.HTTPError:
            raise HubUnreachable(
                "The Hub's answer broke off. Type on, or try again in a moment."
            ) from None

    def _check(self, response: httpx2.Response) -> None:
        status = response.status_code
        if status != 200:
            raise refused(status, retry_after(response.headers))
        response.stream = _Bounded(response.stream, self.until)  # type: ignore[arg-type]


SLOW = (
    f"The Hub did not answer within {WHOLE:.0f} seconds. Try again in a moment, or type the "
    "model's whole id."
)


def refused(status: int, wait: int | None) -> EngineError:
    """The sentence for an answer that is a refusal; `wait` are seconds to the next question."""
    if status == 429:
        when = f"in {wait:,} seconds" if wait else "in a while"
        return HubUnreachable(
            f"The Hub answers no more questions from here for now (429). Try again {when}, or type "
            "the model's whole id."
        )
    if status in (401, 403):
        return ExportFailed(
            f"The Hub refuses the search ({status}). If HF_TOKEN is set, it may have expired: "
            "renew it or remove it."
        )
    return HubUnreachable(
        f"The Hub has a fault ({status}). Try again in a minute, or type the model's whole id."
    )


class _Bounded(httpx2.SyncByteStream):
    """The bytes of an answer, as long as they are not too many and do not come too late."""

    def __init__(self, stream: httpx2.SyncByteStream, until: float) -> None:
        self.stream, self.until = stream, until

    def __iter__(self) -> Iterator[bytes]:
        arrived = 0
        for chunk in self.stream:
            arrived += len(chunk)
            if arrived > LARGEST:
                raise ExportFailed(
                    f"The Hub's answer is larger than {LARGEST / 1e6:.0f} MB, which no list of "
                    "models is. Type more of the name."
                )
            if time.monotonic() > self.until:
                raise HubUnreachable(SLOW)
            yield chunk

    def close(self) -> None:
        self.stream.close()


def main(arguments: list[str]) -> int:
    """Search for the words given last and return the exit status."""
    try:
        words = query(arguments[-1], own_rule())
        if not words:
            raise ExportFailed("Type two letters or more of a model's name.")
        found, count = search(words)
    except EngineError as error:
        print(json.dumps({"error": str(error)}), flush=True)
        return 1
    result = {"found": [asdict(one) for one in found], "of": count}
    print(json.dumps({"result": result}), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
