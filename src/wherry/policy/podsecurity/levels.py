"""What the labels of a namespace ask for: a level and a version for each of enforce, audit and warn.

Source: k8s.io/pod-security-admission/api (KEP-2579).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

PREFIX: Final = "pod-security.kubernetes.io/"
PRIVILEGED, BASELINE, RESTRICTED = LEVELS = ("privileged", "baseline", "restricted")
"""From the loosest to the strictest."""
LATEST: Final = 1 << 30
"""The minor version that stands for the newest rules."""
_VERSION = re.compile(r"v1\.([0-9]|[1-9][0-9]*)", re.ASCII)
_LEVEL_WRONG = f"must be one of {', '.join(LEVELS)}"
_VERSION_WRONG = 'must be "latest" or "v1.x"'


@dataclass(frozen=True, slots=True)
class LevelVersion:
    """A level with the rules of one minor version."""

    level: str = PRIVILEGED
    minor: int = LATEST

    def __str__(self) -> str:
        return f"{self.level}:{'latest' if self.minor == LATEST else f'v1.{self.minor}'}"

    def stricter_than(self, other: LevelVersion) -> bool:
        return LEVELS.index(self.level) > LEVELS.index(other.level)


@dataclass(frozen=True, slots=True)
class LabelError:
    """A label that cannot be understood."""

    key: str
    value: str
    detail: str


@dataclass(frozen=True, slots=True)
class Policy:
    """What holds in a namespace; `errors` says which labels were not understood."""

    enforce: LevelVersion = LevelVersion()
    audit: LevelVersion = LevelVersion()
    warn: LevelVersion = LevelVersion()
    errors: tuple[LabelError, ...] = ()

    @property
    def open(self) -> bool:
        """Nothing is asked of any pod."""
        return self.enforce.level == self.audit.level == self.warn.level == PRIVILEGED


def policy_of(labels: Mapping[str, str], defaults: Policy = Policy()) -> Policy:
    """What labels say, and `defaults` where they do not.

    A label that is wrong counts as the strictest level (when enforced) or as none, and as the latest version. What is
    enforced is also warned about, unless a label says what to warn about.
    """
    errors: list[LabelError] = []
    enforce = _mode(labels, "enforce", RESTRICTED, errors, defaults.enforce)
    audit = _mode(labels, "audit", PRIVILEGED, errors, defaults.audit)
    warn = _mode(labels, "warn", PRIVILEGED, errors, defaults.warn)
    if f"{PREFIX}enforce" in labels and f"{PREFIX}warn" not in labels and enforce.stricter_than(warn):
        warn = LevelVersion(enforce.level, warn.minor if f"{PREFIX}warn-version" in labels else enforce.minor)
    return Policy(enforce=enforce, audit=audit, warn=warn, errors=tuple(errors))


def _mode(
    labels: Mapping[str, str], mode: str, fallback: str, errors: list[LabelError], default: LevelVersion
) -> LevelVersion:
    level, minor = default.level, default.minor
    key = PREFIX + mode
    if (given := labels.get(key)) is not None:
        level = given
        if given not in LEVELS:
            level = fallback
            errors.append(LabelError(key, given, _LEVEL_WRONG))
    key += "-version"
    if (given := labels.get(key)) is not None:
        match = _VERSION.fullmatch(given)
        if match is None and given != "latest":
            errors.append(LabelError(key, given, _VERSION_WRONG))
        minor = int(match.group(1)) if match else LATEST
    return LevelVersion(level, minor)
