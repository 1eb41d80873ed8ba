"""One block opened for a token: what each part adds, its hidden units, and where they fire."""
