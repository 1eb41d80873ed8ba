"""The steps of a translation: which is shown, and what is to be seen."""
