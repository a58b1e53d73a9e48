"""Each check of the Pod Security Standards, by an example that breaks it."""

from __future__ import annotations

from typing import Any

import pytest

from wherry.policy.podsecurity.evaluate import evaluate
from wherry.policy.podsecurity.levels import BASELINE, LATEST, RESTRICTED, LevelVersion

GOOD: dict[str, Any] = {
    "allowPrivilegeEscalation": False,
    "runAsNonRoot": True,
    "capabilities": {"drop": ["ALL"]},
    "seccompProfile": {"type": "Localhost"},
}


def judged(
    level: str,
    security: dict[str, Any],
    *,
    minor: int = LATEST,
    pod: dict[str, Any] | None = None,
    container: dict[str, Any] | None = None,
    annotations: dict[str, str] | None = None,
) -> str:
    """What is wrong with a pod of one container `c`."""
    spec = {"containers": [{"name": "c", "securityContext": security, **(container or {})}], **(pod or {})}
    violations = evaluate(LevelVersion(level, minor), {"annotations": annotations or {}}, spec)
    return ", ".join(map(str, violations))


BASELINE_BROKEN: list[tuple[dict[str, Any], str]] = [
    (
        {"security": {"appArmorProfile": {"type": "Unconfined"}}},
        'forbidden AppArmor profile (container "c" must not set AppArmor profile type to "Unconfined")',
    ),
    (
        {"security": {}, "annotations": {"container.apparmor.security.beta.kubernetes.io/c": "unconfined"}},
        "forbidden AppArmor profile (annotation must not set AppArmor profile type to "
        '"container.apparmor.security.beta.kubernetes.io/c="unconfined"")',
    ),
    (
        {"security": {"capabilities": {"add": ["SYS_ADMIN", "CHOWN", "NET_RAW"]}}},
        'non-default capabilities (container "c" must not include "NET_RAW", "SYS_ADMIN" in'
        " securityContext.capabilities.add)",
    ),
    ({"security": {}, "pod": {"hostPID": True, "hostIPC": True}}, "host namespaces (hostIPC, hostPID)"),
    (
        {"security": {}, "pod": {"volumes": [{"name": "v", "hostPath": {"path": "/"}}]}},
        'hostPath volumes (volume "v")',
    ),
    (
        {"security": {}, "container": {"ports": [{"hostPort": 80}, {"hostPort": 443}]}},
        'hostPort (container "c" uses hostPorts 443, 80)',
    ),
    (
        {"security": {}, "container": {"livenessProbe": {"httpGet": {"host": "10.0.0.1"}}}},
        'probe or lifecycle host (container "c" uses probe or lifecycle host "10.0.0.1")',
    ),
    (
        {"security": {"privileged": True}},
        'privileged (container "c" must not set securityContext.privileged=true)',
    ),
    (
        {"security": {"procMount": "Unmasked"}},
        'procMount (container "c" must not set securityContext.procMount to "Unmasked")',
    ),
    (
        {"security": {"seLinuxOptions": {"type": "spc_t", "user": "u"}}, "pod": {"securityContext": {"seLinuxOptions": {"role": "r"}}}},
        'seLinuxOptions (pod and container "c" set forbidden securityContext.seLinuxOptions: type "spc_t";'
        " user may not be set; role may not be set)",
    ),
    (
        {"security": {}, "pod": {"securityContext": {"seccompProfile": {"type": "Unconfined"}}}},
        'seccompProfile (pod must not set securityContext.seccompProfile.type to "Unconfined")',
    ),
    (
        {"security": {}, "pod": {"securityContext": {"sysctls": [{"name": "kernel.msgmax"}]}}},
        "forbidden sysctls (kernel.msgmax)",
    ),
    (
        {"security": {"windowsOptions": {"hostProcess": True}}},
        'hostProcess (container "c" must not set securityContext.windowsOptions.hostProcess=true)',
    ),
]  # fmt: skip


@pytest.mark.parametrize(("broken", "expected"), BASELINE_BROKEN)
def test_baseline_finds_what_breaks_it(broken: dict[str, Any], expected: str) -> None:
    assert judged(BASELINE, **broken) == expected


RESTRICTED_BROKEN: list[tuple[dict[str, Any], str]] = [
    (
        {"security": {**GOOD, "allowPrivilegeEscalation": True}},
        'allowPrivilegeEscalation != false (container "c" must set securityContext.allowPrivilegeEscalation=false)',
    ),
    (
        {"security": {**GOOD, "capabilities": {"add": ["CHOWN", "NET_BIND_SERVICE"]}}},
        'unrestricted capabilities (container "c" must set securityContext.capabilities.drop=["ALL"]; '
        'container "c" must not include "CHOWN" in securityContext.capabilities.add)',
    ),
    (
        {"security": GOOD, "pod": {"volumes": [{"name": "a", "nfs": {}}, {"name": "b", "hostPath": {}}]}},
        'restricted volume types (volumes "a", "b" use restricted volume types "hostPath", "nfs")',
    ),
    (
        {"security": {**GOOD, "runAsNonRoot": False}},
        'runAsNonRoot != true (container "c" must not set securityContext.runAsNonRoot=false)',
    ),
    (
        {"security": {**GOOD, "runAsUser": 0}, "pod": {"securityContext": {"runAsUser": 0}}},
        'runAsUser=0 (pod and container "c" must not set runAsUser=0)',
    ),
    (
        {"security": {**GOOD, "procMount": "Unmasked"}, "pod": {"hostUsers": False}},
        'procMount (container "c" must not set securityContext.procMount to "Unmasked")',
    ),
]


@pytest.mark.parametrize(("broken", "expected"), RESTRICTED_BROKEN)
def test_restricted_finds_what_breaks_it_and_says_it_once(broken: dict[str, Any], expected: str) -> None:
    assert judged(RESTRICTED, **broken) == expected


def test_a_good_pod_fits_the_restricted_level() -> None:
    assert judged(RESTRICTED, GOOD) == ""


def test_older_versions_keep_their_rules() -> None:
    keepalive = {"securityContext": {"sysctls": [{"name": "net.ipv4.tcp_keepalive_time"}]}}
    assert judged(BASELINE, {}, minor=28, pod=keepalive) == "forbidden sysctls (net.ipv4.tcp_keepalive_time)"
    assert judged(BASELINE, {}, minor=29, pod=keepalive) == ""
    assert judged(BASELINE, {}, minor=33, container={"livenessProbe": {"httpGet": {"host": "h"}}}) == ""
    assert judged(RESTRICTED, {**GOOD, "runAsUser": 0}, minor=22) == ""
    assert judged(RESTRICTED, {"runAsNonRoot": True}, minor=7) == ""


def test_user_namespaces_and_windows_are_let_off_what_does_not_concern_them() -> None:
    own_users = {"hostUsers": False}
    assert judged(BASELINE, {"procMount": "Unmasked"}, pod=own_users) == ""
    rootless = {**GOOD, "runAsNonRoot": None, "runAsUser": 0}
    assert judged(RESTRICTED, rootless, pod=own_users) == ""
    assert "runAsUser=0" in judged(RESTRICTED, rootless, pod=own_users, minor=34)
    assert judged(RESTRICTED, {"runAsNonRoot": True}, pod={"os": {"name": "windows"}}) == ""
