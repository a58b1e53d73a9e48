"""All checks, by name: their level, and from which minor version which rule holds.

Source: "Pod Security Standards" in the Kubernetes documentation; k8s.io/pod-security-admission/policy.
"""

from __future__ import annotations

from dataclasses import dataclass

from wherry.policy.podsecurity.checks import (
    allow_privilege_escalation,
    app_armor_profile,
    capabilities_baseline,
    capabilities_restricted,
    host_namespaces,
    host_path_volumes,
    host_ports,
    host_probes,
    privileged,
    proc_mount,
    restricted_volumes,
    run_as_non_root,
    run_as_user,
    seccomp_profile,
    selinux_options,
    sysctls,
    windows_host_process,
)
from wherry.policy.podsecurity.levels import BASELINE, RESTRICTED
from wherry.policy.podsecurity.subject import Judge


@dataclass(frozen=True, slots=True)
class Check:
    """One rule of the standards. `versions` grow; `replaces` names the check of the baseline that this one contains."""

    name: str
    level: str
    versions: tuple[tuple[int, Judge], ...]
    replaces: str = ""


CHECKS = (
    Check("appArmorProfile", BASELINE, ((0, app_armor_profile.since_0),)),
    Check("capabilities_baseline", BASELINE, ((0, capabilities_baseline.since_0),)),
    Check("hostNamespaces", BASELINE, ((0, host_namespaces.since_0),)),
    Check("hostPathVolumes", BASELINE, ((0, host_path_volumes.since_0),)),
    Check("hostPorts", BASELINE, ((0, host_ports.since_0),)),
    Check("hostProbesAndHostLifecycle", BASELINE, ((34, host_probes.since_34),)),
    Check("privileged", BASELINE, ((0, privileged.since_0),)),
    Check("procMount_baseline", BASELINE, ((0, proc_mount.strict), (35, proc_mount.baseline_since_35))),
    Check("seLinuxOptions", BASELINE, ((0, selinux_options.since_0), (31, selinux_options.since_31))),
    Check(
        "seccompProfile_baseline",
        BASELINE,
        ((0, seccomp_profile.baseline_since_0), (19, seccomp_profile.baseline_since_19)),
    ),
    Check(
        "sysctls",
        BASELINE,
        ((0, sysctls.since_0), (27, sysctls.since_27), (29, sysctls.since_29), (32, sysctls.since_32)),
    ),
    Check("windowsHostProcess", BASELINE, ((0, windows_host_process.since_0),)),
    Check(
        "allowPrivilegeEscalation",
        RESTRICTED,
        ((8, allow_privilege_escalation.since_8), (25, allow_privilege_escalation.since_25)),
    ),
    Check(
        "capabilities_restricted",
        RESTRICTED,
        ((22, capabilities_restricted.since_22), (25, capabilities_restricted.since_25)),
        replaces="capabilities_baseline",
    ),
    Check("procMount_restricted", RESTRICTED, ((35, proc_mount.strict),), replaces="procMount_baseline"),
    Check("restrictedVolumes", RESTRICTED, ((0, restricted_volumes.since_0),), replaces="hostPathVolumes"),
    Check("runAsNonRoot", RESTRICTED, ((0, run_as_non_root.since_0), (35, run_as_non_root.since_35))),
    Check("runAsUser", RESTRICTED, ((23, run_as_user.since_23), (35, run_as_user.since_35))),
    Check(
        "seccompProfile_restricted",
        RESTRICTED,
        ((19, seccomp_profile.restricted_since_19), (25, seccomp_profile.restricted_since_25)),
        replaces="seccompProfile_baseline",
    ),
)
"""Within a level in the order in which violations are told."""

NEWEST_MINOR = max(since for check in CHECKS for since, _ in check.versions)
