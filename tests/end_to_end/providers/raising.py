raise ValueError("broken\nat import")
