"""What is broken on purpose: how a fault is written, when it strikes, what it does and undoes."""
