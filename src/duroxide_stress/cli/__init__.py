"""The command line. Every user error is a sentence and exit code 2."""

from duroxide_stress.cli.main import main

__all__ = ["main"]
