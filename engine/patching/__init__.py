"""Activation patching: what a run on one text needs of a run on another to answer as that one."""
