"""Home: what is loaded, on which device and why, and where to begin."""

from pages.home import add
from pages.home import path as home
from pages.home.cards import section as home_cards
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
    add.add()
    add.delete()
