"""All at once: times of reading at once, step by step, and of writing with and without a cache."""
