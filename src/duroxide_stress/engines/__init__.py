"""How programs are interpreted, offered and read back on each engine."""
