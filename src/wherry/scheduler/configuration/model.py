"""What a configuration says, read and checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from wherry.api.types import Object

DEFAULT_NAME = "default-scheduler"


class SchedulerConfigError(Exception):
    """The file cannot be used; the message has a line for every error."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileConfig:
    """One scheduler name. `plugins` and `args` (by plugin) are as they are written, with defaults."""

    name: str = DEFAULT_NAME
    percentage: int = 0
    """How many nodes that fit are enough to score; 0: all."""
    plugins: Mapping[str, Any] = field(default_factory=dict)
    args: Mapping[str, Object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtenderConfig:
    """Somebody who has a say over HTTP. Empty verbs are not asked."""

    url: str
    filter_verb: str = ""
    prioritize_verb: str = ""
    preempt_verb: str = ""
    bind_verb: str = ""
    weight: int = 0
    timeout_seconds: float = 5.0
    node_cache_capable: bool = False
    """It knows the nodes itself: names are enough."""
    managed_resources: Mapping[str, bool] = field(default_factory=dict)
    """Only pods that ask for one of these concern it (empty: all); true: the scheduler does not look after the resource."""
    ignorable: bool = False
    """Where it does not answer, scheduling goes on without it."""
    tls: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class SchedulerConfig:
    profiles: tuple[ProfileConfig, ...] = (ProfileConfig(),)
    initial_backoff_seconds: float = 1.0
    max_backoff_seconds: float = 10.0
    extenders: tuple[ExtenderConfig, ...] = ()
