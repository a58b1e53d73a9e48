"""The order of API versions: stable before beta before alpha, newer first, names that are no versions last.

Source: "Version priority" in the Kubernetes documentation of custom resource definitions.
"""

from __future__ import annotations

import re

_VERSION = re.compile(r"v([1-9][0-9]{0,18})(?:(alpha|beta)([1-9][0-9]{0,18}))?")
_STAGE = {None: 0, "beta": 1, "alpha": 2}


def version_key(version: str) -> tuple[int, int, int, int, str]:
    """Sorts `v2, v1, v1beta2, v1beta1, v1alpha1, foo`."""
    found = _VERSION.fullmatch(version)
    if found is None:
        return (1, 0, 0, 0, version)
    major, stage, minor = found.groups()
    return (0, _STAGE[stage], -int(major), -int(minor or 0), "")
