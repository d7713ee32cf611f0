"""A result as something to look at, or to feed to another program."""
