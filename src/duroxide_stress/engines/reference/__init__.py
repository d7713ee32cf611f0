"""A small durable-execution engine that is correct by construction, in virtual time."""
