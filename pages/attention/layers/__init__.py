"""What each layer adds, and what each would predict."""
