"""What can go wrong and be put right by the person at the screen.

    EngineError
    ├── UnknownModel        no model of that name is here or can be fetched
    ├── ModelNotExported    the model is known, but its bundle has not been made yet
    ├── BrokenBundle        a file of a bundle is missing, changed or unreadable; names the file
    ├── ExportFailed        the exporter could not make a bundle; says at which stage and why
    ├── EmptyText           there is nothing to read
    ├── TextTooLong         more tokens than the model has positions; gives both numbers
    ├── NotOffered          the model cannot give what was asked for (a family without q/k/v, say)
    ├── DeviceUnavailable   a device was demanded by a setting and no session opens on it
    ├── NotAllowed          the host's settings do not let this person do it
    ├── Busy                too much long work is under way; try again soon
    ├── BadLink             a short link's content makes no sense here, or is too long
    ├── LinksUnavailable    the store of short links cannot be used now; the long address works
    ├── TooManyLinks        an address has made its short links of today
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
    """Too much long work is under way to begin more."""


class BadLink(EngineError):
    """A link's state cannot be read here, or cannot be stored."""


class LinksUnavailable(EngineError):
    """The store of short links is busy, full, closed or being rebuilt."""


class TooManyLinks(EngineError):
    """Today's short links of one address are used up."""


class Stopped(EngineError):
    """The work was cancelled by a person."""
