"""The planted bugs, a file for each part of an engine that can go wrong."""
