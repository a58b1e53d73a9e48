"""API versions in the order in which they are preferred."""

from __future__ import annotations

from wherry.machinery.version_order import version_key


def test_stable_before_beta_before_alpha_before_anything_else() -> None:
    wanted = ["v10", "v2", "v1", "v11beta2", "v10beta3", "v3beta1", "v12alpha1", "v11alpha2", "foo1", "foo10"]
    assert sorted(set(wanted), key=version_key) == wanted
