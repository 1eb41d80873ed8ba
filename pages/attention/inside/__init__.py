"""Inside one head: query, key, weight, value, output."""
