"""Image references and their full form."""

from __future__ import annotations

import pytest

from wherry.node.images.references import BadReference, normalise, normalise_or_none, repository

_HEX = "a" * 64


@pytest.mark.parametrize(
    ("written", "full"),
    [
        ("nginx", "docker.io/library/nginx:latest"),
        ("nginx:1.27", "docker.io/library/nginx:1.27"),
        ("me/app", "docker.io/me/app:latest"),
        ("docker.io/nginx", "docker.io/library/nginx:latest"),
        ("index.docker.io/me/app:1", "docker.io/me/app:1"),
        ("localhost/app", "localhost/app:latest"),
        ("host:5000/team/app:v1", "host:5000/team/app:v1"),
        ("[::1]:5000/app", "[::1]:5000/app:latest"),
        ("example.org/a/b/c", "example.org/a/b/c:latest"),
        (f"nginx@sha256:{_HEX}", f"docker.io/library/nginx@sha256:{_HEX}"),
        (f"nginx:1@sha256:{_HEX}", f"docker.io/library/nginx@sha256:{_HEX}"),
        ("wherry.local/host", "wherry.local/host:latest"),
    ],
)
def test_full_form(written: str, full: str) -> None:
    assert normalise(written) == full
    assert normalise(full) == full


@pytest.mark.parametrize(
    "bad", ["", "Nginx", "nginx:", "a b", "nginx@sha256:12", "-x", "a//b", "x:" + "t" * 129, "../etc", "/abs", "a@b@c"]
)
def test_malformed(bad: str) -> None:
    with pytest.raises(BadReference, match="invalid reference format"):
        normalise(bad)
    assert normalise_or_none(bad) is None


def test_repository() -> None:
    assert repository("host:5000/team/app:v1") == "host:5000/team/app"
    assert repository(f"nginx@sha256:{_HEX}") == "docker.io/library/nginx"
