"""Recordings to judge: made in virtual time, or saved."""
