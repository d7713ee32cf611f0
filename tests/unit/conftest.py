"""Properties are judged by what they say, not by how long a busy machine takes to say it."""

from hypothesis import settings

settings.register_profile("unit", deadline=None)
settings.load_profile("unit")
