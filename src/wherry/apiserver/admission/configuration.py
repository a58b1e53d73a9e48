"""The `AdmissionConfiguration`: what plugins are told when the server starts. Of all plugins only PodSecurity has something.

Source: apiserver.config.k8s.io/v1, pod-security.admission.config.k8s.io/v1; "Enforce Pod Security Standards by configuring
the built-in admission controller" in the Kubernetes documentation.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final

from wherry.api.types import Object
from wherry.apiserver.configuration.problems import ConfigurationError, Problems
from wherry.apiserver.configuration.reading import parse, read_file, section, sections, text, texts
from wherry.policy.podsecurity.levels import LATEST, LEVELS, LevelVersion, Policy
from wherry.policy.podsecurity.rules import MODES, PodSecurityRules

POD_SECURITY: Final = "PodSecurity"
_GROUP, _POD_SECURITY_GROUP = "apiserver.config.k8s.io", "pod-security.admission.config.k8s.io"
_POD_SECURITY_KIND = "PodSecurityConfiguration"
_VERSIONS = ("v1", "v1beta1", "v1alpha1")
_VERSION = re.compile(r"v1\.([0-9]|[1-9][0-9]*)", re.ASCII)
_EXEMPTIONS = {"usernames": "users", "namespaces": "namespaces", "runtimeClasses": "runtime_classes"}


def read_admission(path: Path) -> PodSecurityRules:
    """What the file says. Raises `ConfigurationError`."""
    source = str(path)
    found = parse(read_file(path), source=source, kind="AdmissionConfiguration", group=_GROUP, versions=("v1",))
    problems, rules = Problems(), PodSecurityRules()
    problems.fields("", found, ("kind", "apiVersion", "plugins"))
    for index, plugin in enumerate(sections(found.get("plugins"), "plugins")):
        at = f"plugins[{index}]"
        problems.fields(at, plugin, ("name", "path", "configuration"))
        if (name := text(plugin, "name", at)) != POD_SECURITY:
            problems.unsupported(f"{at}.name", name, {POD_SECURITY})
            continue
        rules = _pod_security(_configuration(plugin, at, path), f"{at}.configuration", problems)
    problems.check(source)
    return rules


def _configuration(plugin: Object, at: str, path: Path) -> Object:
    """Either in the file itself, or in one of its own. Raises `ConfigurationError`."""
    other = text(plugin, "path", at)
    if not other:
        found = section(plugin.get("configuration"), f"{at}.configuration")
        versions = [f"{_POD_SECURITY_GROUP}/{version}" for version in _VERSIONS]
        if found.get("kind") != _POD_SECURITY_KIND or found.get("apiVersion") not in versions:
            raise ConfigurationError(f"{path}: {at}.configuration: a {_POD_SECURITY_KIND} of {versions[0]} is expected")
        return found
    file = path.parent / other
    return parse(
        read_file(file), source=str(file), kind=_POD_SECURITY_KIND, group=_POD_SECURITY_GROUP, versions=_VERSIONS
    )


def _pod_security(found: Object, at: str, problems: Problems) -> PodSecurityRules:
    problems.fields(at, found, ("kind", "apiVersion", "defaults", "exemptions"))
    defaults = section(found.get("defaults"), f"{at}.defaults")
    problems.fields(f"{at}.defaults", defaults, [*MODES, *(f"{mode}-version" for mode in MODES)])
    exemptions = section(found.get("exemptions"), f"{at}.exemptions")
    problems.fields(f"{at}.exemptions", exemptions, _EXEMPTIONS)
    names: dict[str, Any] = {
        ours: frozenset(texts(exemptions.get(theirs), f"{at}.exemptions.{theirs}"))
        for theirs, ours in _EXEMPTIONS.items()
    }
    enforce, audit, warn = (_level(defaults, mode, f"{at}.defaults", problems) for mode in MODES)
    return PodSecurityRules(defaults=Policy(enforce=enforce, audit=audit, warn=warn), **names)


def _level(defaults: Object, mode: str, at: str, problems: Problems) -> LevelVersion:
    level, version = text(defaults, mode, at) or LEVELS[0], text(defaults, f"{mode}-version", at) or "latest"
    if level not in LEVELS:
        problems.invalid(f"{at}.{mode}", level, f"must be one of {', '.join(LEVELS)}")
    match = _VERSION.fullmatch(version)
    if version != "latest" and match is None:
        problems.invalid(f"{at}.{mode}-version", version, 'must be "latest" or "v1.x"')
    return LevelVersion(level, int(match[1]) if match else LATEST)
