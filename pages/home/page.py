"""Home: the whole path of a text through a model, where to go, and the installed models."""

from __future__ import annotations

from pages.home import add, host, path, recipes, start
from pages.home.cards import section as cards
from pages.home.precision import section as precision
from pages.shell.frame import Choice, frame, sentences
from pages.shell.links import embed
from pages.shell.views import View

INTRO = (
    "Type a text, watch a real transformer read it and write it, share what you see with a link."
)
PATH = View("Path", path.path, pictures=("home-path",), recipes=(recipes.whole_path,))
PRECISION = View(
    "Compare precisions",
    precision.precision,
    families=("decoder",),
    pictures=("precision-rows",),
    recipes=(recipes.precisions,),
)
# Parts of one page, drawn one below the other.
VIEWS = (
    View("Start here", start.start),
    PATH,
    View("Explore", cards.cards),
    View("Installed models", cards.models),
    PRECISION,
    View("Add a model", add.add),
    View("Remove a model", add.delete),
    View("This host", host.host),
)


def page() -> None:
    """Draw the page; a part that cannot be drawn says why, and the others stay."""
    choice: Choice = frame("Home", families=("encoder-decoder", "decoder", "encoder"), intro=INTRO)
    embed.show(PATH.pictures)
    for view in VIEWS:
        with sentences():
            view.draw(*((choice,) if view in (PATH, PRECISION) else ()))
