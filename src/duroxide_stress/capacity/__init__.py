"""How much can be offered before the objectives break: a search over open-loop cells."""
