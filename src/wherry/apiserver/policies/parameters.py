"""The objects that a binding gives a policy as its parameters.

Source: k8s.io/apiserver/pkg/admission/plugin/policy/generic (CollectParams).
"""

from __future__ import annotations

from collections.abc import Sequence

from wherry.api import label_selector
from wherry.api.types import Object
from wherry.apiserver.objects import decoded
from wherry.apiserver.parts import Parts
from wherry.apiserver.registry import Served
from wherry.apiserver.webhooks.seen import in_version
from wherry.policy.admission.compiled import Binding, Common


class Misconfigured(Exception):
    """The policy or the binding cannot be used; the message is upstream's. `binding`: whose fault it is."""

    def __init__(self, why: str, *, binding: bool) -> None:
        super().__init__(f"failed to configure {'binding' if binding else 'policy'}: {why}")


async def parameters(parts: Parts, policy: Common, binding: Binding, namespace: str) -> Sequence[Object | None]:
    """One or more; None alone for a policy without parameters. Raises `Misconfigured`."""
    reference = binding.params
    if policy.params is None or reference is None:
        return (None,)
    served = _kind(parts, *policy.params)
    found = await _found(parts, served, reference, namespace)
    if not found and reference.get("parameterNotFoundAction") == "Deny":
        raise Misconfigured("no params found for policy binding with `Deny` parameterNotFoundAction", binding=True)
    return found


def _kind(parts: Parts, api_version: str, kind: str) -> Served:
    for served in parts.registry:
        if served.kind == kind and served.api_version == api_version and "list" in served.verbs:
            return served
    shown = api_version if "/" in api_version else f"/{api_version}"
    raise Misconfigured(f"failed to find resource referenced by paramKind: '{shown}, Kind={kind}'", binding=False)


def _place(served: Served, reference: Object, namespace: str) -> str:
    given: str = reference.get("namespace") or ""
    if not served.namespaced:
        if given:
            raise Misconfigured(
                "paramRef.namespace must not be provided for a cluster-scoped `paramKind`", binding=True
            )
        return ""
    if not given and not namespace:
        why = "cannot use namespaced paramRef in policy binding that matches cluster-scoped resources"
        raise Misconfigured(why, binding=True)
    return given or namespace


async def _found(parts: Parts, served: Served, reference: Object, namespace: str) -> list[Object | None]:
    place = _place(served, reference, namespace)
    if name := reference.get("name"):
        entry = parts.store.get(served.key(place, name))
        return [] if entry is None else [await in_version(decoded(entry), served)]
    selector = reference.get("selector") or {}
    entries = parts.store.range(served.list_prefix(place)).entries
    objects = [decoded(entry) for entry in entries]
    chosen = [each for each in objects if label_selector.matches(selector, each["metadata"].get("labels"))]
    return [await in_version(each, served) for each in chosen]
