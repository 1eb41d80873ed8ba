"""Short links and what is done with them: made, opened, shown, embedded."""
