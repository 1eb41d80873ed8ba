"""Work that takes longer than a click: threads and child processes, followed, shared, stopped."""
