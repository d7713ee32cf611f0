"""The processes of a cell: what each does, how they are started, watched and ended."""
