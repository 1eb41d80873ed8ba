"""Models: what is chosen, and its views.

What one sees: every language model since 2017 as a mark by date and size; what one does: filter,
pin, put six in order, count what one costs; what one has understood in the end: sizes go over six
powers of ten, each figure has a source and some are estimates, and what a model costs follows from
a few numbers of its shape by arithmetic that one can do oneself.
"""

from __future__ import annotations

from pages.models import controls, recipes
from pages.models.costs.section import models_costs
from pages.models.figures.section import models_figures
from pages.models.lifecycle.section import models_lifecycle
from pages.models.loss.section import models_loss
from pages.models.order.section import models_order
from pages.models.shape.section import models_shape
from pages.models.timeline.section import models_timeline
from pages.models.tree.section import models_tree
from pages.shell.frame import frame, sentences
from pages.shell.views import View, choose_view

VIEWS = (
    View(
        "Timeline",
        models_timeline,
        (controls.FIND, controls.MAKER, controls.OPEN, controls.AXIS, controls.CONFIDENCE,
         controls.OPENABLE),
        pictures=("models-timeline",),
        recipes=(recipes.timeline,),
    ),
    View("Family tree", models_tree, pictures=("models-tree",), recipes=(recipes.family_tree,)),
    View(
        "Order by size",
        models_order,
        (controls.SIX,),
        pictures=("models-order",),
        recipes=(recipes.order,),
    ),
    View("Figures", models_figures, pictures=("models-figures",), recipes=(recipes.figures,)),
    View(
        "Costs",
        models_costs,
        (controls.BASE, controls.PURPOSE, controls.PRECISION, controls.CONTEXT, controls.BATCH,
         controls.RANK, controls.MATRICES, controls.KEEP, controls.GPU, controls.COUNT,
         controls.USED, controls.CORPUS, controls.ACTIVE),
        pictures=("models-memory",),
        recipes=(recipes.memory_by_part,),
    ),
    View(
        "Loss",
        models_loss,
        (controls.LAW, controls.BUDGET, controls.REAL),
        pictures=("models-loss",),
        recipes=(recipes.loss,),
    ),
    View(
        "Shape",
        models_shape,
        (controls.START, controls.FAMILY, controls.TIED, *controls.SIZES.values(),
         controls.CONTEXT),
        pictures=("models-shape",),
        recipes=(recipes.shape,),
    ),
    View(
        "Life cycle",
        models_lifecycle,
        pictures=("models-lifecycle",),
        recipes=(recipes.lifecycle,),
    ),
)  # fmt: skip


def page() -> None:
    """Draw the page: one view at a time, its picture first."""
    choice = frame("Models", wants_text=False, wants_model=False)
    with sentences():
        view = choose_view(VIEWS, choice.card.family)
        view.draw()
