"""The HTML report: one file that opens offline, with or without scripts, and asks for nothing."""
