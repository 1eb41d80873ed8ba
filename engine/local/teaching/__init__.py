"""How models learn, in this process: objectives, moments of a training, tuning, preference."""
