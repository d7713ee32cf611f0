"""What is offered to an engine, and when."""
