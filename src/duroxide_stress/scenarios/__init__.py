"""What orchestrations do under load, and what must come out: one file a scenario."""
