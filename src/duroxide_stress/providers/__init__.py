"""What a cell runs against: an engine on a store, and how to make, open, audit and remove it."""
