"""Source, ribbons, target, candidates and beam tree at one step."""
