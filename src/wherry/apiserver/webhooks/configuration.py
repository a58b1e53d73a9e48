"""One webhook of a configuration, compiled when it is written and not when it is asked.

Source: k8s.io/apiserver/pkg/admission/plugin/webhook/accessors.go.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from wherry.api.types import Object
from wherry.apiserver.webhooks.calls import Endpoint, endpoint_of
from wherry.policy.admission.matching import MatchRule, compiled
from wherry.policy.admission.review import VERSIONS

if TYPE_CHECKING:
    from wherry.policy.admission.conditions import Expression

_DEFAULT_SECONDS = 10
Selector = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Hook:
    """A webhook. `key` names it among all of them, also after its configuration was written again."""

    key: str
    name: str
    configuration: str
    rules: tuple[MatchRule, ...]
    equivalent: bool
    namespace_selector: Selector
    object_selector: Selector
    conditions: tuple[Expression, ...]
    ignore_failures: bool
    reinvoke: bool
    dry_run_safe: bool
    timeout_seconds: int
    version: str
    """Of AdmissionReview; empty where the webhook speaks none that this server does."""
    endpoint: Endpoint


def hooks_of(configuration: Object) -> tuple[Hook, ...]:
    """The webhooks of a mutating or a validating configuration, in order."""
    name = configuration["metadata"]["name"]
    return tuple(_hook(name, hook, i) for i, hook in enumerate(configuration.get("webhooks") or ()))


def _hook(configuration: str, hook: Object, index: int) -> Hook:
    spoken = hook.get("admissionReviewVersions") or ()
    return Hook(
        key=f"{configuration}/{hook['name']}/{index}",
        name=hook["name"],
        configuration=configuration,
        rules=compiled(hook.get("rules")),
        equivalent=hook.get("matchPolicy") != "Exact",
        namespace_selector=hook.get("namespaceSelector") or {},
        object_selector=hook.get("objectSelector") or {},
        conditions=_conditions(hook.get("matchConditions")),
        ignore_failures=hook.get("failurePolicy") == "Ignore",
        reinvoke=hook.get("reinvocationPolicy") == "IfNeeded",
        dry_run_safe=hook.get("sideEffects") in ("None", "NoneOnDryRun"),
        timeout_seconds=hook.get("timeoutSeconds") or _DEFAULT_SECONDS,
        version=next((each for each in spoken if each in VERSIONS), ""),
        endpoint=endpoint_of(hook.get("clientConfig") or {}),
    )


def _conditions(conditions: Sequence[Object] | None) -> tuple[Expression, ...]:
    if not conditions:
        return ()
    # Loaded with the first condition: most webhooks have none.
    from wherry.api.admission_expressions import webhook_environment
    from wherry.policy.admission.conditions import conditions_of

    return conditions_of(webhook_environment(), conditions)
