"""PodSecurity: pods must fit the level that their namespace asks for; templates and labels are warned about.

Source: k8s.io/pod-security-admission/admission, KEP-2579.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from wherry.api.errors import Cause, invalid
from wherry.api.types import Object
from wherry.apiserver.admission.attributes import Attributes
from wherry.apiserver.objects import decoded
from wherry.apiserver.registry import storage_prefix
from wherry.policy.podsecurity.levels import PRIVILEGED, LabelError, LevelVersion
from wherry.policy.podsecurity.significance import is_significant
from wherry.policy.podsecurity.subject import Violation

_PODS = storage_prefix("", "pods")
_MOST_PODS = 3000
"""How many pods of a namespace are looked at when its labels change."""
_TEMPLATES: dict[str, tuple[str, ...]] = {
    "podtemplates": ("template",),
    "cronjobs.batch": ("spec", "jobTemplate", "spec", "template"),
}
WORKLOADS = frozenset(
    {
        "podtemplates", "replicationcontrollers", "replicasets.apps", "deployments.apps", "statefulsets.apps",
        "daemonsets.apps", "jobs.batch", "cronjobs.batch",
    }
)  # fmt: skip


def on_write_pod(attributes: Attributes) -> None:
    policy, pod = attributes.parts.pod_security.of(attributes.namespace), attributes.obj
    if policy is None or pod is None:
        return
    if attributes.old is not None and not is_significant(pod, attributes.old):
        return
    if _is_exempt(attributes, pod["spec"]):
        return
    if attributes.call.audit is not None:
        attributes.call.annotate("pod-security.kubernetes.io/enforce-policy", str(policy.enforce))
        _note(attributes, policy.audit, pod)
    if violations := _violations(policy.enforce, pod):
        raise attributes.forbid(f'violates PodSecurity "{policy.enforce}": {_details(violations)}')
    _warn(attributes, policy.warn, pod)


def on_write_workload(attributes: Attributes) -> None:
    policy, template = attributes.parts.pod_security.of(attributes.namespace), attributes.obj
    if policy is None or template is None:
        return
    found: Any = template
    for field in _TEMPLATES.get(attributes.served.qualified, ("spec", "template")):
        found = found.get(field) or {}
    if found.get("spec") and not _is_exempt(attributes, found["spec"]):
        if attributes.call.audit is not None:
            _note(attributes, policy.audit, found)
        _warn(attributes, policy.warn, found)


def _is_exempt(attributes: Attributes, spec: Object) -> bool:
    rules = attributes.parts.pod_security.rules
    why = rules.exemption(attributes.user.name, attributes.namespace, spec.get("runtimeClassName") or "")
    if why and attributes.call.audit is not None:
        attributes.call.annotate("pod-security.kubernetes.io/exempt", why)
    return bool(why)


def _note(attributes: Attributes, wanted: LevelVersion, pod: Object) -> None:
    """For the audit log."""
    if violations := _violations(wanted, pod):
        text = f'would violate PodSecurity "{wanted}": {_details(violations)}'
        attributes.call.annotate("pod-security.kubernetes.io/audit-violations", text)


def _warn(attributes: Attributes, wanted: LevelVersion, pod: Object) -> None:
    if violations := _violations(wanted, pod):
        attributes.warn(f'would violate PodSecurity "{wanted}": {_details(violations)}')


def _violations(wanted: LevelVersion, pod: Object) -> list[Violation]:
    # Loaded where the first namespace asks for a level: most clusters start without one.
    from wherry.policy.podsecurity.evaluate import evaluate

    return evaluate(wanted, pod.get("metadata") or {}, pod["spec"])


def _details(violations: Sequence[Violation]) -> str:
    return ", ".join(map(str, violations))


def on_write_namespace(attributes: Attributes) -> None:
    namespace, old = attributes.obj, attributes.old
    if namespace is None:
        return
    labels = namespace["metadata"].get("labels") or {}
    labels_before = old["metadata"].get("labels") or {} if old is not None else {}
    if labels == labels_before:
        return
    rules = attributes.parts.pod_security.rules
    policy, before = rules.policy_of(labels), rules.policy_of(labels_before)
    if policy.errors and policy.errors != before.errors:
        raise invalid("", "Namespace", attributes.name, [_cause(error) for error in policy.errors])
    if ignored := rules.ignored(attributes.name, labels):
        attributes.warn(ignored)
    if attributes.name in rules.namespaces:
        return
    new, previous = policy.enforce, before.enforce
    relaxed = new.minor == previous.minor and not new.stricter_than(previous)
    if old is not None and new.level != PRIVILEGED and not relaxed:
        for warning in _existing_pods(attributes, new):
            attributes.warn(warning)


def _cause(error: LabelError) -> Cause:
    message = f'Invalid value: "{error.value}": {error.detail}'
    return Cause("FieldValueInvalid", message, f"metadata.labels[{error.key}]")


def _existing_pods(attributes: Attributes, wanted: LevelVersion) -> list[str]:
    """What is to be said about the pods that would not be let in again."""
    name = attributes.name
    page = attributes.parts.store.range(f"{_PODS}{name}/", limit=_MOST_PODS)
    offenders: dict[str, list[str]] = {}
    for entry in page.entries:
        pod = decoded(entry)
        if violations := _violations(wanted, pod):
            why = ", ".join(each.reason for each in violations)
            offenders.setdefault(why, []).append(pod["metadata"]["name"])
    warnings: list[str] = []
    if page.more:
        checked = len(page.entries)
        every = checked + page.remaining
        warnings.append(
            f"new PodSecurity enforce level only checked against the first {checked} of {every} existing pods"
        )
    if offenders:
        warnings.append(f'existing pods in namespace "{name}" violate the new PodSecurity enforce level "{wanted}"')
    return warnings + sorted(f"{_counted(names)}: {why}" for why, names in offenders.items())


def _counted(names: Sequence[str]) -> str:
    """The first, and how many more."""
    others = len(names) - 1
    if not others:
        return names[0]
    return f"{min(names)} (and {others} other pod{'' if others == 1 else 's'})"
