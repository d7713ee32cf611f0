"""Every check against planted damage that it must catch, and against what it must not."""
