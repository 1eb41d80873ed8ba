"""What a stranger may do: rules that hold where the work is done, whatever a page shows.

In: a `Visitor`, as the page that serves them sees them. Out: whether they may add a model, delete
one, use the host's access token; how many jobs of a kind run at once, and what each may take. A
rule is checked when a job is asked for and again in the process that does it, to which the app
hands the rule that holds for the visitor in ATLAS_ADD_MODELS.

    ATLAS_ADD_MODELS    here, on the host's own computer     from elsewhere
    auto                adds all, deletes                    nothing
    all                 adds all, deletes                    adds all, deletes
    hub                 adds Hub ids, deletes                adds Hub ids
    no                  nothing                              nothing

Who knows ATLAS_ADMIN_KEY may do everything from everywhere. The host's token (HF_TOKEN, or the one
that huggingface_hub keeps) serves who sits at the host's computer, and the holder of the key. In
public mode (ATLAS_MODE) nobody counts as sitting there: a proxy beside the app makes everybody so.

What a text, a writing, a minute may cost is checked here too, by those who do the work:
`check_text` where a text is read, `check_writing` where one is begun, `check_run` before a model
runs, `check_call` where a program asks over HTTP, `check_class` and `check_code` where a class is
opened and looked for. `serve` says for whom a thread works.
"""

from __future__ import annotations

import hmac
import math
import os
import threading
import time
from dataclasses import dataclass, field
from typing import Literal

from engine.errors import Busy, NotAllowed, TextTooLong
from engine.hosting import figures
from engine.hosting.rates import Rates
from engine.jobs.processes import Limits
from engine.settings import cores, settings

Rule = Literal["all", "hub", "no"]
GB = 10**9
TRAINING_BYTES = 16 * GB  # of address space, most of which PyTorch maps and never touches
STEPS_MEASURED = 512  # tokens, wherever it is

REFUSED = "Models are added and deleted by the host of this app only."
HUB_ONLY = "Folders of this machine cannot be added here. Give a Hub id, such as maker/model."
NO_TRAINING = "Models are trained at the host's own computer only, and never on a public address."
NO_SEARCH = "The Hub is searched for the host of this app only. Give a model's whole id."
OFFLINE = (
    "This app is set to work without a network (HF_HUB_OFFLINE), so the Hub cannot be searched. "
    "Models that came in a package, folders and GGUF files can be added."
)
WITHOUT_TOKEN = {
    "HF_HUB_DISABLE_IMPLICIT_TOKEN": "1",
    "HF_TOKEN_PATH": os.devnull,
    "HF_TOKEN": "",
    "HUGGING_FACE_HUB_TOKEN": "",
    "NETRC": os.devnull,
}


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who asks: a session's name, whether they sit at this computer, the key they typed."""

    viewer: str = ""
    here: bool = False
    key: str = field(default="", repr=False)


def is_admin(visitor: Visitor) -> bool:
    """Whether the key they typed is the host's."""
    ours = settings().admin_key
    return bool(ours) and hmac.compare_digest(visitor.key.encode(), ours.encode())


def is_host(visitor: Visitor) -> bool:
    """Whether they are the host: at this computer, or with the key."""
    return _here(visitor) or is_admin(visitor)


def _here(visitor: Visitor) -> bool:
    return visitor.here and settings().mode != "public"


def may_see_figures(visitor: Visitor) -> bool:
    """Whether they may read /metrics and all of /healthz: whom ATLAS_FIGURES names."""
    chosen = settings().figures
    return is_host(visitor) if chosen == "here" else chosen == "all"


def adding(visitor: Visitor) -> Rule:
    """What they may add: everything, Hub ids, nothing."""
    if is_admin(visitor):
        return "all"
    chosen = settings().add_models
    if chosen == "auto":
        return "all" if _here(visitor) else "no"
    return chosen


def may_delete(visitor: Visitor) -> bool:
    """Whether they may delete exported models: those are everybody's."""
    return adding(visitor) == "all" or (_here(visitor) and adding(visitor) == "hub")


def check_adding(visitor: Visitor) -> Rule:
    """The rule for who may add; raise `NotAllowed` for who may not."""
    rule = adding(visitor)
    if rule == "no":
        figures.refused("adding")
        raise NotAllowed(REFUSED)
    return rule


def may_search(visitor: Visitor) -> bool:
    """Whether the Hub may be searched for them as they type.

    In public mode for the holder of the key alone: a stranger's typing would be the host's
    requests.
    """
    return adding(visitor) != "no" and (settings().mode != "public" or is_admin(visitor))


def check_searching(visitor: Visitor) -> Rule:
    """The rule for who may search; raise `NotAllowed` for who may not."""
    if not may_search(visitor):
        figures.refused("searching")
        raise NotAllowed(NO_SEARCH if adding(visitor) != "no" else REFUSED)
    return adding(visitor)


def may_install(visitor: Visitor) -> bool:
    """Whether they may install what adding models needs: at home, at this very computer."""
    return visitor.here and settings().mode == "home"


def may_train(visitor: Visitor) -> bool:
    """Whether they may train models here: who may add all, and nobody in public mode."""
    return adding(visitor) == "all" and settings().mode != "public"


def check_training(visitor: Visitor) -> None:
    """Raise `NotAllowed` for who may not train."""
    if not may_train(visitor):
        figures.refused("training")
        raise NotAllowed(NO_TRAINING)


def check_deleting(visitor: Visitor) -> None:
    """Raise `NotAllowed` for who may not delete."""
    if not may_delete(visitor):
        figures.refused("deleting")
        raise NotAllowed(REFUSED)


def own_rule() -> Rule:
    """The rule for this very process: a program in a terminal is its owner's, else as handed on."""
    chosen = settings().add_models
    return "all" if chosen == "auto" else chosen


def handed_on(visitor: Visitor) -> dict[str, str]:
    """The environment of a process that works for them: their rule, and the token or none.

    Without the token the Hub's files have a folder of their own, as the host's own folder may hold
    private ones, which huggingface_hub would give to anybody when the Hub refuses.
    """
    # The rule is the visitor's own, so that the mode has nothing left to say.
    rule = {"ATLAS_ADD_MODELS": adding(visitor), "ATLAS_ADMIN_KEY": "", "ATLAS_MODE": "home"}
    if is_host(visitor):
        return rule
    return rule | WITHOUT_TOKEN | {"HF_HUB_CACHE": str(settings().models.parent / "hub")}


# ------------------------------------------------------------- texts, writings, runs

_thread = threading.local()
_minutes, _calls, _codes = Rates(), Rates(), Rates()
_classes = Rates(clock=lambda: time.monotonic() / (24 * 60))  # so that its minute is a day


def serve(viewer: str) -> None:
    """Say for which viewer this thread works from now on; "" for none."""
    _thread.viewer = viewer


def served() -> str:
    """The viewer for whom this thread works."""
    return getattr(_thread, "viewer", "")


def check_text(*texts: str) -> None:
    """Raise `TextTooLong` for more characters than are taken."""
    count, most = sum(map(len, texts)), settings().max_chars
    if count > most:
        figures.refused("text length")
        raise TextTooLong(
            f"The text has {count:,} characters; at most {most:,} are read here "
            f"(ATLAS_MAX_CHARS). Shorten it by {count - most:,}."
        )


def tokens_each(columns: int, wanted: int) -> int:
    """How many of the `wanted` new tokens each of so many columns may have, at least one."""
    most = settings().writing_tokens
    return max(1, min(wanted, most // max(1, columns))) if most else wanted


def columns_that_fit(wanted: int, tokens: int) -> int:
    """How many of the `wanted` columns of so many new tokens one writing may have, at least one."""
    most = settings().writing_tokens
    return max(1, min(wanted, most // max(1, tokens))) if most else wanted


def check_writing(columns: int, tokens: int) -> None:
    """Raise `NotAllowed` for more columns × new tokens than one writing may have.

    A beam search counts as many columns as it has beams.
    """
    most = settings().writing_tokens
    if most and columns * tokens > most:
        figures.refused("writing length")
        raise NotAllowed(
            f"{columns:,} columns of {tokens:,} tokens are {columns * tokens:,} new tokens; at "
            f"most {most:,} are written at once here (ATLAS_WRITING_TOKENS). Choose fewer columns "
            f"or at most {tokens_each(columns, tokens):,} tokens."
        )


def steps_measured(turns: int) -> int:
    """How many tokens one after the other a measurement may take in each of so many turns.

    Two thirds of a minute's runs, so that the person can go on meanwhile.
    """
    most = settings().viewer_runs
    return max(1, min(STEPS_MEASURED, 2 * most // (3 * turns))) if most else STEPS_MEASURED


def check_run() -> None:
    """Count a model run of the viewer served; raise `Busy` where they had this minute's all."""
    viewer, most = served(), settings().viewer_runs
    if viewer and (wait := _minutes.take(viewer, most)):
        figures.refused("runs")
        raise Busy(
            f"This visit had {most:,} model runs in a minute, all that are given here "
            f"(ATLAS_VIEWER_RUNS). Go on in {math.ceil(wait)} seconds.",
            wait,
        )


def check_call(address: str) -> None:
    """Count a question over HTTP; raise `Busy` where the address had this minute's all."""
    most = settings().address_calls
    if wait := _calls.take(address, most):
        figures.refused("calls")
        raise Busy(
            f"Your network asked {most:,} questions in a minute, all that are answered here "
            f"(ATLAS_ADDRESS_CALLS). Go on in {math.ceil(wait)} seconds.",
            wait,
        )


# ------------------------------------------------------------------------- classes


def check_class(address: str) -> None:
    """Count a class that an address opens; raise `NotAllowed`, or `Busy` where a day's are used."""
    chosen = settings()
    if chosen.classes == "no":
        figures.refused("classes")
        raise NotAllowed("The host of this app lets nobody open a class (ATLAS_CLASSES).")
    if wait := _classes.take(address, chosen.classes_daily):
        figures.refused("classes of an address")
        minutes = math.ceil(24 * wait)  # its minute is a day
        raise Busy(
            f"Your network opened {chosen.classes_daily:,} classes in a day, all that are opened "
            f"here (ATLAS_CLASSES_DAILY). Open the next one in {minutes:,} minutes.",
            60.0 * minutes,
        )


def check_code(viewer: str, address: str) -> None:
    """Raise `Busy` where somebody has tried too many codes of no class; counts nothing.

    Asked before a code is looked up: who has used their tries up learns nothing of any code. Who
    is in a class already is not asked.
    """
    wait = max(_codes.wait(name, most) for name, most in _trying(viewer, address))
    if wait:
        figures.refused("class codes")
        raise Busy(
            "Too many codes of no class were tried. Look at the code on the teacher's screen, and "
            f"try again in {math.ceil(wait)} seconds.",
            wait,
        )


def count_wrong_code(viewer: str, address: str) -> None:
    """Count a code of no class that somebody tried."""
    for name, most in _trying(viewer, address):
        _codes.take(name, most)


def _trying(viewer: str, address: str) -> tuple[tuple[str, int], tuple[str, int]]:
    chosen = settings()
    return (f"v {viewer}", chosen.viewer_codes), (f"a {address}", chosen.address_codes)


# ---------------------------------------------------------------------------- jobs


@dataclass(frozen=True, slots=True)
class Kind:
    """How many jobs of a kind run at once, in all and of one viewer, and what each may take.

    `patience` are the seconds that one goes on while nobody looks; None: for ever. With `yields` a
    viewer's oldest makes room for their next, where it else would be refused.
    """

    word: str
    at_once: int = 64
    each: int = 8
    patience: float | None = None
    limits: Limits = Limits()
    yields: bool = False

    def full(self, under_way: int, own: int) -> str | None:
        """The sentence that refuses a further one, None where there is room."""
        if own >= self.each:
            return f"Your {self.word} under way: {own}, no more at once. Wait for one or stop it."
        if under_way >= self.at_once:
            return f"All places for {self.word} are taken ({under_way}). Try again in a while."
        return None


def kind(name: str) -> Kind:
    """The rule for a kind of job: the part of its key before the colon."""
    chosen = settings()
    unwatched = 60.0 * chosen.unwatched_minutes
    if name == "export":
        wall = 60.0 * chosen.export_minutes
        most = Limits(memory=_machine(), processor=wall * cores(), wall=wall)
        return Kind("exports", chosen.exports, chosen.viewer_exports, unwatched, most)
    if name == "install":
        return Kind("installations", 1, 1, None, Limits(wall=2 * 3600.0))
    if name in ("look", "borrow"):
        asking = Limits(memory=8 * GB, processor=120.0, wall=300.0)
        return Kind("questions to the Hub", 8, 2, 60.0, asking, yields=True)
    if name == "search":
        # Who types on asks anew: what they asked before is ended.
        asking = Limits(memory=4 * GB, processor=30.0, wall=20.0)
        return Kind("searches of the Hub", 8, 1, 20.0, asking, yields=True)
    if name == "map":
        most = Limits(memory=_machine(), processor=3600.0 * cores(), wall=3600.0)
        return Kind("maps", chosen.maps, chosen.viewer_maps, unwatched, most)
    if name == "train":
        # One trains and the others wait in its queue, which their time includes. A training is as
        # much somebody's when the page was closed: it goes on and is found again.
        most = Limits(memory=TRAINING_BYTES, processor=1200.0, wall=4 * 900.0)
        return Kind("trainings", 4, 3, None, most)
    if name == "time":
        # Two at once would measure one another.
        return Kind("measurements", 1, 1)
    if name == "grade":
        return Kind("gradings", chosen.writings, chosen.viewer_writings, yields=True)
    if name == "patch":
        return Kind("activation patchings", chosen.writings, chosen.viewer_writings, yields=True)
    if name in ("write", "walk"):
        # A slider that is moved leaves a text behind at each step, for as long as its patience.
        return Kind("texts", chosen.writings, chosen.viewer_writings, yields=True)
    return Kind("tasks of this kind")


def _machine() -> int | None:
    """Bytes of address space for large work: all memory there is, and room for libraries' maps."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") + 32 * GB
    except (AttributeError, ValueError, OSError):
        return None  # Windows, where no such limit is set either
