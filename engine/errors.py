"""What can go wrong and be put right by the person at the screen.

    EngineError
    ├── UnknownModel        no model of that name is here or can be fetched
    ├── ModelNotExported    the model is known, but its bundle has not been made yet
    ├── BrokenBundle        a file of a bundle is missing, changed or unreadable; names the file
    ├── ExportFailed        the exporter could not make a bundle; says at which stage and why
    │   └── HubUnreachable  the Hub does not answer; the same model may be had elsewhere
    ├── EmptyText           there is nothing to read
    ├── TextTooLong         more tokens than the model has positions; gives both numbers
    ├── NotOffered          the model cannot give what was asked for (a family without q/k/v, say)
    ├── DeviceUnavailable   a device was demanded by a setting and no session opens on it
    ├── NotAllowed          the host's settings do not let this person do it
    ├── Busy                too much long work is under way; try again soon
    ├── EngineUnavailable   the engines of a cluster do not answer, or are of another version
    ├── BadLink             a short link's content makes no sense here, or is too long
    ├── LinksUnavailable    the store of short links cannot be used now; the long address works
    ├── TooManyLinks        an address has made its short links of today
    ├── NoClass             no class has this code, or it has ended, or this key is none of its
    ├── ClassClosed         the class takes this no more: it has moved on, is full, was shown
    ├── ClassesUnavailable  the store of classes cannot be used now
    └── Stopped             the person cancelled the work

A message is one sentence with the numbers and the remedy, ready to be shown. Bad arguments
from code are `ValueError`; any other exception is a bug of ours and is not caught.
"""


class EngineError(Exception):
    """Root of all errors that a person can act on; `str(error)` is the sentence to show."""


class UnknownModel(EngineError):
    """No model of that name is shipped, exported or suggested."""


class ModelNotExported(EngineError):
    """The model is known but has no bundle yet."""


class BrokenBundle(EngineError):
    """A bundle's file is missing, damaged or edited."""


class ExportFailed(EngineError):
    """A checkpoint could not be turned into a bundle."""


class HubUnreachable(ExportFailed):
    """The Hub does not answer, or answers that it cannot now."""


class EmptyText(EngineError):
    """The text is empty or blank."""


class TextTooLong(EngineError):
    """The text has more tokens than the model has positions."""


class NotOffered(EngineError):
    """The model's family cannot give the quantity that was asked for."""


class DeviceUnavailable(EngineError):
    """The device demanded by a setting cannot open a session."""


class NotAllowed(EngineError):
    """The rules of `engine.policy` do not let this person do it."""


class Busy(EngineError):
    """Too much long work is under way to begin more; `wait` are seconds until asking again."""

    def __init__(self, sentence: str = "", wait: float = 30.0) -> None:
        """Say so."""
        super().__init__(sentence)
        self.wait = wait


class EngineUnavailable(EngineError):
    """Nobody answers where the engines of a cluster should be, or not of this version."""


class BadLink(EngineError):
    """A link's state cannot be read here, or cannot be stored."""


class LinksUnavailable(EngineError):
    """The store of short links is busy, full, closed or being rebuilt."""


class TooManyLinks(EngineError):
    """Today's short links of one address are used up."""


class NoClass(EngineError):
    """There is no such class, or whoever asks is not in it."""


class ClassClosed(EngineError):
    """The class is there, and does not take what was asked of it now."""


class ClassesUnavailable(EngineError):
    """The file that classes are kept in is busy, full, closed or being rebuilt."""


class Stopped(EngineError):
    """The work was cancelled by a person."""
