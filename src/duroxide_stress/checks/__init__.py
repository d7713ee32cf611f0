"""The promises: one file each, a question whose rows are violations."""
