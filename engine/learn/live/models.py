"""Live answers about the model itself: its family, its size."""

from __future__ import annotations

from engine.learn.asking import Answer, Asked, live

DOES = {
    "decoder": "each token attends to those before it, and it writes the next one",
    "encoder": "each token attends to all others, and it can fill a gap",
    "encoder-decoder": "one half reads a text, the other writes a new one",
}


@live()
def family(at: Asked) -> Answer:
    """The family of the model: decoder, encoder, encoder-decoder."""
    found = at.family
    title = at.engine.card(at.model).title
    return Answer(found, found, f"{title} is of the family {found}: {DOES[found]}.")


@live(facts=("gpt3",))
def parameters(at: Asked) -> Answer:
    """How many million parameters the model has."""
    card = at.engine.card(at.model)
    millions = card.parameters / 1e6
    return Answer(
        millions,
        f"{millions:.1f} million",
        f"{card.title} has {card.parameters:,} parameters.",
        facts={"gpt3": f"{174.6e9 / card.parameters:,.0f}"},
    )


@live(counts=True)
def layer_count(at: Asked) -> Answer:
    """How many layers the model's tower has."""
    card = at.engine.card(at.model)
    count = card.tower.layers
    return Answer(float(count), f"{count} layers", f"{card.title} has {count} layers.")


@live()
def position_kind(at: Asked) -> Answer:
    """How the model is told where a token stands: learned, sinusoidal, rotary, ..."""
    card = at.engine.card(at.model)
    kind = card.positions
    return Answer(kind, kind, f"{card.title} has {kind} positions.")


@live(families=("decoder",))
def has_template(at: Asked) -> Answer:
    """Whether the model has a chat template, so that it was trained on conversations: yes or no."""
    card = at.engine.card(at.model)
    found = "no" if card.template is None else "yes"
    said = "no chat template" if card.template is None else "a chat template of its own"
    return Answer(found, found, f"{card.title} has {said}.")
