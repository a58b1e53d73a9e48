"""What is wrong with a configuration. Source: pkg/scheduler/apis/config/validation/validation.go."""

from __future__ import annotations

from typing import Any

from wherry.api.types import Object
from wherry.api.validation.errors import Errors
from wherry.machinery import names
from wherry.scheduler.configuration import plugin_args
from wherry.scheduler.configuration.fields import ARGS, POINTS, problems

API_VERSION, KIND = "kubescheduler.config.k8s.io/v1", "KubeSchedulerConfiguration"
_REMOVED = ("AzureDiskLimits", "CinderLimits", "EBSLimits", "GCEPDLimits")


def check(config: Object) -> Errors:
    """The configuration has its defaults already."""
    errors = Errors()
    if config["parallelism"] <= 0:
        errors.invalid("parallelism", config["parallelism"], "should be an integer value greater than zero")
    lock = (config.get("leaderElection") or {}).get("resourceLock", "leases")
    if (config.get("leaderElection") or {}).get("leaderElect", True) and lock != "leases":
        errors.invalid("leaderElection.resourceLock", lock, 'resourceLock value must be "leases"')
    _profiles(config["profiles"], errors)
    _percentage(config.get("percentageOfNodesToScore"), "percentageOfNodesToScore", errors)
    initial, most = config["podInitialBackoffSeconds"], config["podMaxBackoffSeconds"]
    if initial <= 0:
        errors.invalid("podInitialBackoffSeconds", initial, "must be greater than 0")
    if most < initial:
        errors.invalid("podMaxBackoffSeconds", most, "must be greater than or equal to PodInitialBackoffSeconds")
    _extenders(config.get("extenders") or [], errors)
    return errors


def _percentage(value: int | None, path: str, errors: Errors) -> None:
    if value is not None and not 0 <= value <= 100:
        errors.invalid(path, value, "not in valid range [0-100]")


def _profiles(profiles: list[Object], errors: Errors) -> None:
    seen: dict[str, int] = {}
    for i, profile in enumerate(profiles):
        path, name = f"profiles[{i}]", profile["schedulerName"]
        if not name:
            errors.required(f"{path}.schedulerName")
        _percentage(profile.get("percentageOfNodesToScore"), f"{path}.percentageOfNodesToScore", errors)
        _plugins(profile, path, errors)
        _plugin_config(profile, path, errors)
        if name in seen:
            errors.duplicate(f"{path}.schedulerName", f"profiles[{seen[name]}].schedulerName")
        seen[name] = i
    _queue_sort(profiles, errors)


def _plugins(profile: Object, path: str, errors: Errors) -> None:
    for point in POINTS[:-1]:
        enabled = ((profile.get("plugins") or {}).get(point) or {}).get("enabled") or []
        for i, plugin in enumerate(enabled):
            if plugin.get("name") in _REMOVED:
                errors.invalid(f"{path}.plugins.{point}.enabled[{i}]", plugin["name"], _REMOVED_TEXT)


_REMOVED_TEXT = f'was invalid in version "{API_VERSION}" (KubeSchedulerConfiguration is version "{API_VERSION}")'


def _plugin_config(profile: Object, path: str, errors: Errors) -> None:
    seen: set[str] = set()
    for i, entry in enumerate(profile.get("pluginConfig") or []):
        inner, name, args = f"{path}.pluginConfig[{i}]", entry.get("name") or "", entry.get("args") or {}
        if name in seen:
            errors.duplicate(inner, name)
        seen.add(name)
        if name in _REMOVED:
            errors.invalid(inner, name, _REMOVED_TEXT)
        elif name in ARGS:
            wrong = list(problems(args, ARGS[name], f"{inner}.args"))
            for problem in wrong:
                errors.invalid(f"{inner}.args", args, problem)
            if not wrong:
                plugin_args.check(name, plugin_args.with_defaults(name, args), f"{inner}.args", errors)


def _queue_sort(profiles: list[Object], errors: Errors) -> None:
    def of(profile: Object) -> Any:
        return (profile.get("plugins") or {}).get("queueSort") or {}

    if len(of(profiles[0]).get("enabled") or ()) > 1:
        count = len(of(profiles[0])["enabled"])
        path = "profiles[0].plugins.queueSort.Enabled"
        errors.invalid(path, count, "only one queue sort plugin can be enabled")
    for i, profile in enumerate(profiles[1:], start=1):
        if of(profile) != of(profiles[0]):
            errors.invalid(f"profiles[{i}].plugins.queueSort", of(profile), "must be the same for all profiles")


def _extenders(extenders: list[Object], errors: Errors) -> None:
    managed: set[str] = set()
    for i, extender in enumerate(extenders):
        path = f"extenders[{i}]"
        if extender.get("prioritizeVerb") and (extender.get("weight") or 0) <= 0:
            errors.invalid(f"{path}.weight", extender.get("weight") or 0, "must have a positive weight applied to it")
        for j, resource in enumerate(extender.get("managedResources") or []):
            inner, name = f"{path}.managedResources[{j}].name", resource.get("name") or ""
            wrong = list(names.label_key(name))
            errors.each(inner, name, wrong)
            if not wrong and not _is_extended(name):
                errors.invalid(inner, name, "is an invalid extended resource name")
            if name in managed:
                errors.invalid(inner, name, "duplicate extender managed resource name")
            managed.add(name)
    binders = sum(bool(extender.get("bindVerb")) for extender in extenders)
    if binders > 1:
        text = f"found {binders} extenders implementing bind"
        errors.invalid("extenders", text, "only one extender can implement bind")


def _is_extended(name: str) -> bool:
    return "/" in name and "kubernetes.io/" not in name and not name.startswith("requests.")
