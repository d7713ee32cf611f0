"""Recorded histories replayed through orchestration code, without an engine."""
