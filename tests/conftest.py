"""How hypothesis looks for counterexamples: the same ones every time in the suite, new ones in `make search`.

No deadline per example: a busy machine must not fail a true law.
"""

import os

import pytest
from hypothesis import settings

_WHOLE_MACHINE = ("tests/e2e/", "tests/faults/", "tests/contract/", "tests/unit/network/userspace/")

settings.register_profile("suite", deadline=None, derandomize=True)
settings.register_profile("search", deadline=None, print_blob=True, max_examples=1_000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "suite"))


@pytest.hookimpl(tryfirst=True)  # before xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests that use the whole machine (namespaces, cgroups, fixed addresses) run one after the other, beside the others."""
    for item in items:
        if item.path.relative_to(item.config.rootpath).as_posix().startswith(_WHOLE_MACHINE):
            item.add_marker(pytest.mark.xdist_group("machine"))
