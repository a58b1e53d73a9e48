"""Volumes of plain processes on machines without private mounts."""

from __future__ import annotations

import pytest

from wherry.node.runtimes.process.places import rewrite, rewriter

PATTERN = rewriter(["/etc/config", "/etc/config/deep/", "/data", "/"])


@pytest.mark.parametrize(
    ("text", "rewritten"),
    [
        ("/etc/config/app.yaml", "/R/etc/config/app.yaml"),
        ("--file=/etc/config/app.yaml", "--file=/R/etc/config/app.yaml"),
        ("cat /etc/config/a '/data/b'; ls /data", "cat /R/etc/config/a '/R/data/b'; ls /R/data"),
        ("a:/data:/x", "a:/R/data:/x"),
        ("/etc/config/deep/x", "/R/etc/config/deep/x"),
        ("/etc/configure /database /x/data http://h/data", "/etc/configure /database /x/data http://h/data"),
        ("/", "/"),
    ],
)
def test_paths_below_a_mount_are_found(text: str, rewritten: str) -> None:
    assert rewrite(text, PATTERN, "/R") == rewritten


def test_without_mounts_nothing_changes() -> None:
    assert rewriter([]) is None
    assert rewrite("/etc/config", None, "/R") == "/etc/config"
