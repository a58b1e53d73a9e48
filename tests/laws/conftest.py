"""Laws are checked by hypothesis. No deadline per example: a busy machine must not fail a true law."""

from hypothesis import settings

settings.register_profile("laws", deadline=None, print_blob=True)
settings.load_profile("laws")
