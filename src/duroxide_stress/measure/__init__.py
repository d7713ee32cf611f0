"""Figures from a recording: metrics, ceilings, targets, and what would make them untrustworthy."""
