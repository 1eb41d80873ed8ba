"""What a host needs: who comes in, how often one may ask, figures, a log; a window of its own."""
