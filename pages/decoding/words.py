"""Words that all views of the Decoding page share: those of generated texts."""

from pages.pictures.columns.words import Spell, forced, percent, shown, title

__all__ = ["Spell", "forced", "percent", "shown", "title"]
