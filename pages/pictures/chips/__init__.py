"""Tokens as chips: in HTML for the screen, as a drawing for files, by what a person sees as one."""
