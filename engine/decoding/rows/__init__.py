"""The rows of a batch that grows: how their keys and values are kept, and the proof of it."""
