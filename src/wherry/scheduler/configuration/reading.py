"""From a file's text to a configuration. Fields that do not exist are refused, as upstream's strict decoder does."""

from __future__ import annotations

import base64
from typing import Any

from wherry.api.types import Object
from wherry.machinery.go_duration import DurationError, parse_duration
from wherry.machinery.yaml.reader import YamlError, load
from wherry.scheduler.configuration import plugin_args, validation
from wherry.scheduler.configuration.fields import CONFIGURATION, problems
from wherry.scheduler.configuration.model import (
    DEFAULT_NAME,
    ExtenderConfig,
    ProfileConfig,
    SchedulerConfig,
    SchedulerConfigError,
)
from wherry.scheduler.configuration.profiles import check_plugins

_DEFAULTS = {"parallelism": 16, "podInitialBackoffSeconds": 1, "podMaxBackoffSeconds": 10}


def read_config(text: str) -> SchedulerConfig:
    """Raises `SchedulerConfigError`, which names everything that is wrong."""
    try:
        data = load(text.encode())
    except YamlError as error:
        raise SchedulerConfigError(f"not YAML: {error}") from error
    _check_kind(data)
    if wrong := list(problems(data, CONFIGURATION)):
        raise SchedulerConfigError(f"strict decoding error: {', '.join(wrong)}")
    config = _with_defaults(data)
    if errors := validation.check(config):
        raise SchedulerConfigError("\n".join(str(error) for error in errors))
    profiles = tuple(_profile(each, config.get("percentageOfNodesToScore")) for each in config["profiles"])
    for profile in profiles:
        check_plugins(profile)
    try:
        extenders = tuple(_extender(each) for each in config.get("extenders") or ())
    except (DurationError, ValueError) as error:
        raise SchedulerConfigError(f"extenders: {error}") from error
    return SchedulerConfig(
        profiles=profiles,
        initial_backoff_seconds=float(config["podInitialBackoffSeconds"]),
        max_backoff_seconds=float(config["podMaxBackoffSeconds"]),
        extenders=extenders,
    )


def _check_kind(data: Any) -> None:
    if not isinstance(data, dict):
        raise SchedulerConfigError("the file must hold one KubeSchedulerConfiguration")
    version, kind = data.get("apiVersion"), data.get("kind")
    if (version, kind) != (validation.API_VERSION, validation.KIND):
        found = f'no kind "{kind}" is registered for version "{version}"'
        raise SchedulerConfigError(f"{found}: it must be {validation.KIND} in {validation.API_VERSION}")


def _with_defaults(data: Object) -> Object:
    """One profile with the default name where there is none; a single one may leave its name out."""
    given = {key: value for key, value in data.items() if value is not None}
    profiles = [dict(each or {}) for each in given.get("profiles") or [{}]]
    if len(profiles) == 1 and profiles[0].get("schedulerName") is None:
        profiles[0]["schedulerName"] = DEFAULT_NAME
    for each in profiles:
        each.setdefault("schedulerName", "")
    return {**_DEFAULTS, **given, "profiles": profiles}


def _profile(profile: Object, percentage: int | None) -> ProfileConfig:
    own = profile.get("percentageOfNodesToScore")
    args: dict[str, Object] = {}
    for entry in profile.get("pluginConfig") or ():
        name = entry.get("name") or ""
        given = entry.get("args") or {}
        args[name] = plugin_args.with_defaults(name, given) if name in plugin_args.DEFAULTS else given
    return ProfileConfig(
        name=profile["schedulerName"],
        percentage=(percentage if own is None else own) or 0,
        plugins=profile.get("plugins") or {},
        args=args,
    )


def _extender(extender: Object) -> ExtenderConfig:
    timeout = extender.get("httpTimeout")
    url: str = (extender.get("urlPrefix") or "").rstrip("/")
    if extender.get("enableHTTPS") and url.startswith("http://"):
        url = "https://" + url.removeprefix("http://")
    if not url.startswith(("http://", "https://")):
        raise ValueError(f"urlPrefix {url!r} is not a URL")
    return ExtenderConfig(
        url=url,
        filter_verb=extender.get("filterVerb") or "",
        prioritize_verb=extender.get("prioritizeVerb") or "",
        preempt_verb=extender.get("preemptVerb") or "",
        bind_verb=extender.get("bindVerb") or "",
        weight=extender.get("weight") or 0,
        timeout_seconds=(parse_duration(timeout) if timeout else 0.0) or 5.0,
        node_cache_capable=bool(extender.get("nodeCacheCapable")),
        managed_resources={
            each["name"]: bool(each.get("ignoredByScheduler")) for each in extender.get("managedResources") or ()
        },
        ignorable=bool(extender.get("ignorable")),
        tls=_tls(extender),
    )


def _tls(extender: Object) -> Object:
    """Inline data as text, next to files. `enableHTTPS` without an authority does not verify, as upstream."""
    given = extender.get("tlsConfig") or {}
    data = {key: base64.b64decode(given[key]).decode() for key in ("certData", "keyData", "caData") if given.get(key)}
    unverified = bool(extender.get("enableHTTPS")) and not given.get("caData") and not given.get("caFile")
    return {**given, **data, "insecure": bool(given.get("insecure")) or unverified}
