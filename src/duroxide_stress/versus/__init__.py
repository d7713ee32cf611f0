"""Two engines, stores or settings run in turn, and compared."""
