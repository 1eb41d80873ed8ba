"""Home: the whole path of a text through a model, and where to begin."""

from pages.home.page import page

page()
