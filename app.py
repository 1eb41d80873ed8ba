"""Home: what is loaded, on which device and why, and where to begin."""

from pages.shell.frame import frame, sentences

choice = frame("Home")
with sentences():
    pass
