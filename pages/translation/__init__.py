"""Translation: one tower reads, the other writes, step by step."""
