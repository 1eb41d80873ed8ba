"""Many runs of one setting."""
