"""Decoding: one prompt, several ways to choose the next token, side by side."""

from pages.decoding.page import decoding
from pages.shell.frame import frame, sentences

choice = frame("Decoding", families=("decoder", "encoder-decoder", "encoder"), text_label="Prompt")
with sentences():
    decoding(choice)
