"""Models: bundles on disk, their cards, the sessions that run them, and which models there are."""
