"""How hypothesis looks for counterexamples: the same ones every time in the suite, new ones in `make search`.

No deadline per example: a busy machine must not fail a true law.
"""

import os

from hypothesis import settings

settings.register_profile("suite", deadline=None, derandomize=True)
settings.register_profile("search", deadline=None, print_blob=True, max_examples=1_000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "suite"))
