"""What people see: one script a page, their sections, the shell around them, and the pictures."""
