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


def policy_of(labels: Mapping[str, str]) -> Policy:
    """A label that is wrong counts as the strictest level (when enforced) or as none, and as the latest version."""
    errors: list[LabelError] = []
    return Policy(
        enforce=_mode(labels, "enforce", RESTRICTED, errors),
        audit=_mode(labels, "audit", PRIVILEGED, errors),
        warn=_mode(labels, "warn", PRIVILEGED, errors),
        errors=tuple(errors),
    )


def _mode(labels: Mapping[str, str], mode: str, fallback: str, errors: list[LabelError]) -> LevelVersion:
    level, minor = PRIVILEGED, LATEST
    key = PREFIX + mode
    if (given := labels.get(key)) is not None:
        level = given
        if given not in LEVELS:
            level = fallback
            errors.append(LabelError(key, given, _LEVEL_WRONG))
    key += "-version"
    if (given := labels.get(key)) is not None and given != "latest":
        match = _VERSION.fullmatch(given)
        if match is None:
            errors.append(LabelError(key, given, _VERSION_WRONG))
        else:
            minor = int(match.group(1))
    return LevelVersion(level, minor)
