"""Duroxide, through its published Python SDK and nothing else."""
