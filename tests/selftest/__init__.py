"""Bugs that are planted on purpose, and whether the checks find them."""
