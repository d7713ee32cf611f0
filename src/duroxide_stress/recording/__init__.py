"""What a run leaves behind: typed records, their writer, the directory, and tables over it."""
