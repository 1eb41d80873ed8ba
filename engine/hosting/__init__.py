"""What a host needs: who comes in, how often one may ask, figures of it all, lines of a log."""
