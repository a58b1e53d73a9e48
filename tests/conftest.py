"""How hypothesis looks for counterexamples: the same ones every time in the suite, new ones in `make search`.

No deadline per example: a busy machine must not fail a true law.
"""

import os
from typing import Any

import pytest
from hypothesis import settings

_WHOLE_MACHINE = ("tests/e2e/", "tests/faults/", "tests/contract/", "tests/unit/network/userspace/")

settings.register_profile("suite", deadline=None, derandomize=True)
settings.register_profile("search", deadline=None, print_blob=True, max_examples=1_000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "suite"))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Tests that use the whole machine (namespaces, cgroups, fixed addresses) run one after the other, beside the others.

    xdist's own `--dist loadgroup` does not name groups under pytest 9.2.
    """
    from xdist.scheduler import LoadScopeScheduling

    class Scheduling(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return "machine" if nodeid.startswith(_WHOLE_MACHINE) else nodeid

    return Scheduling(config, log)
