"""All heads at a glance."""
