"""Who writes an admission policy must be allowed to read what it names as parameters: else it would tell them.

Source: pkg/registry/admissionregistration/validatingadmissionpolicy/authz.go and those of its bindings and siblings.
"""

from __future__ import annotations

from typing import Final

from wherry.api.errors import Cause, invalid
from wherry.api.types import Object
from wherry.apiserver.admission.attributes import Attributes
from wherry.apiserver.authorization.attributes import Attributes as Wish
from wherry.apiserver.objects import decoded
from wherry.apiserver.parts import Parts
from wherry.apiserver.registry import storage_prefix
from wherry.policy.user import MASTERS, User

GROUP: Final = "admissionregistration.k8s.io"
POLICIES: Final = frozenset({f"validatingadmissionpolicies.{GROUP}", f"mutatingadmissionpolicies.{GROUP}"})
BINDINGS: Final = frozenset({f"validatingadmissionpolicybindings.{GROUP}", f"mutatingadmissionpolicybindings.{GROUP}"})
_ANYTHING = ("*", "*", "*")


async def on_write_policy(attributes: Attributes) -> None:
    kind = _spec(attributes.obj).get("paramKind")
    if kind is None or _may_all(attributes) or kind == _spec(attributes.old).get("paramKind"):
        return
    if not await _may(attributes, "get", _resource(attributes.parts, kind), "*", "*"):
        shown = f"(kind={kind.get('kind')}, apiVersion={kind.get('apiVersion')})"
        why = f'must have "get" permission on all objects of the referenced paramKind {shown}'
        raise _refused(attributes, "spec.paramKind", f"user {_go(attributes.user)} {why}")


async def on_write_binding(attributes: Attributes) -> None:
    spec, before = _spec(attributes.obj), _spec(attributes.old)
    reference = spec.get("paramRef")
    if reference is None or _may_all(attributes):
        return
    if all(spec.get(field) == before.get(field) for field in ("paramRef", "policyName")):
        return
    policy = _policy(attributes, spec.get("policyName") or "")
    kind = _spec(policy).get("paramKind")
    name, namespace = reference.get("name") or "", reference.get("namespace") or ""
    verb = "get" if name else "list"
    resource = _resource(attributes.parts, kind) if kind else _ANYTHING
    if await _may(attributes, verb, resource, name, namespace):
        return
    user = _go(attributes.user)
    if policy is None:
        why = f'user {user} does not have "{verb}" permission for all groups, versions and resources'
        shown = f"unable to get policy {spec.get('policyName')} to determine minimum required permissions and {why}"
        raise _refused(attributes, "spec.paramRef", shown)
    raise _refused(
        attributes,
        "spec.paramRef",
        f'user {user} does not have "{verb}" permission on the object referenced by paramRef',
    )


def _spec(obj: Object | None) -> Object:
    return (obj or {}).get("spec") or {}


def _may_all(attributes: Attributes) -> bool:
    return attributes.obj is None or not attributes.parts.authorizer.enabled or MASTERS in attributes.user.groups


def _policy(attributes: Attributes, name: str) -> Object | None:
    plural = attributes.served.plural.replace("policybindings", "policies")
    entry = attributes.parts.store.get(storage_prefix(GROUP, plural) + name)
    return None if entry is None else decoded(entry)


def _resource(parts: Parts, kind: Object) -> tuple[str, str, str]:
    """Group, version and resource of a kind; everything of them that is not known must be allowed as a whole."""
    api_version: str = kind.get("apiVersion") or ""
    group, _, version = api_version.rpartition("/")
    for served in parts.registry:
        if served.kind == kind.get("kind") and served.api_version == api_version and "list" in served.verbs:
            return group, version, served.plural
    return group, version, "*"


async def _may(attributes: Attributes, verb: str, of: tuple[str, str, str], name: str, namespace: str) -> bool:
    group, version, resource = of
    wish = Wish(verb, group=group, version=version, resource=resource, name=name, namespace=namespace)
    return (await attributes.parts.authorizer.permitted(attributes.user, wish)).allowed


def _refused(attributes: Attributes, field: str, why: str) -> Exception:
    cause = Cause("FieldValueForbidden", f"Forbidden: {why}", field)
    return invalid(GROUP, attributes.served.kind, attributes.name, [cause])


def _go(user: User) -> str:
    """As Go shows a structure: upstream's message has it."""
    return f"&{{{user.name} {user.uid} [{' '.join(user.groups)}] map[]}}"
