"""The pages that reports fill, and their scripts."""
