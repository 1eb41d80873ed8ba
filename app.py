"""Home: what is loaded, on which device and why, and where to begin."""

from pages.sections import home, home_add, home_cards
from pages.shell.frame import frame, sentences

choice = frame(
    "Home",
    families=("encoder-decoder", "decoder", "encoder"),
    intro="Type a text, watch a real transformer read it and write it, share what you see with a "
    "link. Point at any token in the picture to follow it upwards; click to hold it.",
)
with sentences():
    home.path(choice)
with sentences():
    home_cards.cards()
with sentences():
    home_cards.models()
with sentences():
    home_add.add()
    home_add.delete()
