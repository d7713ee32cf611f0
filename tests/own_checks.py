"""Checks of a user's own that tests of several rooms run with."""

NEVER_GOOD = """
-- name: never-good
-- promise: No instance has an id.
-- source: this test
-- unit: instances
SELECT count(*) FROM ops;
SELECT instance, 'has an <id>' AS what, 'as all have' AS detail FROM ops ORDER BY op;
"""
"""Every run violates it; a detail looks like markup."""
