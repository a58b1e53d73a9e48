"""Image references as people write them, and their full form. Pure.

Source: the grammar of github.com/distribution/reference; Docker's defaults `docker.io/library/` and `:latest`.
"""

from __future__ import annotations

import re

from wherry.node.runtimes.port import ImageInvalid

_HOST = r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9-]+)*"
_DOMAIN = re.compile(rf"(?:{_HOST}|\[[0-9a-fA-F:]+\])(?::[0-9]+)?")
_PATH = re.compile(r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)*")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_DIGEST = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}")


class BadReference(ImageInvalid):
    """Not an image reference."""


def normalise(reference: str) -> str:
    """`nginx` -> `docker.io/library/nginx:latest`; a digest stays, and then no tag is kept.

    Raises `BadReference`.
    """
    rest, _, digest = reference.partition("@")
    if "@" in reference and not _DIGEST.fullmatch(digest):
        raise BadReference(f'couldn\'t parse image name "{reference}": invalid reference format')
    first, slash, remainder = rest.partition("/")
    if slash and ("." in first or ":" in first or first == "localhost" or first.lower() != first):
        domain = first
    else:
        domain, remainder = "docker.io", rest
    path, colon, tag = remainder.partition(":")
    if domain in ("docker.io", "index.docker.io"):
        domain, path = "docker.io", path if "/" in path else f"library/{path}"
    if not _DOMAIN.fullmatch(domain) or not _PATH.fullmatch(path) or (colon and not _TAG.fullmatch(tag)):
        raise BadReference(f'couldn\'t parse image name "{reference}": invalid reference format')
    if digest:
        return f"{domain}/{path}@{digest}"
    return f"{domain}/{path}:{tag or 'latest'}"


def normalise_or_none(reference: str) -> str | None:
    """For lookups, where a malformed name is just not found."""
    try:
        return normalise(reference)
    except BadReference:
        return None


def repository(reference: str) -> str:
    """The full name without tag and digest."""
    name = normalise(reference).partition("@")[0]
    head, _, last = name.rpartition("/")
    return f"{head}/{last.partition(':')[0]}"
