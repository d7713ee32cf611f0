"""Planted bugs: engines and stores that are wrong on purpose, to see whether the checks say so."""
