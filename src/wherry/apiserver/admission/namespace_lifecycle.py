"""Nothing is created in a namespace that is missing or on its way out, and some namespaces stay for ever.

Source: k8s.io/apiserver/pkg/admission/plugin/namespace/lifecycle.
"""

from __future__ import annotations

from wherry.api.errors import Cause, Forbidden, not_found
from wherry.apiserver.admission.attributes import Attributes, forbidden
from wherry.apiserver.objects import decoded
from wherry.apiserver.registry import storage_prefix

IMMORTAL = frozenset({"default", "kube-system", "kube-public"})
_NAMESPACES = storage_prefix("", "namespaces")
# These are asked about a namespace, they are not put into it.
_ACCESS_REVIEWS = frozenset({"localsubjectaccessreviews.authorization.k8s.io"})


def on_create(attributes: Attributes) -> None:
    namespace = attributes.namespace
    if not attributes.served.namespaced or not namespace or attributes.served.qualified in _ACCESS_REVIEWS:
        return
    entry = attributes.parts.store.get(_NAMESPACES + namespace)
    if entry is None:
        raise not_found("", "namespaces", namespace)
    if decoded(entry)["metadata"].get("deletionTimestamp"):
        raise _terminating(attributes, namespace)


def _terminating(attributes: Attributes, namespace: str) -> Forbidden:
    why = f"unable to create new content in namespace {namespace} because it is being terminated"
    error = attributes.forbid(why)
    message = f"namespace {namespace} is being terminated"
    error.causes = (Cause("NamespaceTerminating", message, "metadata.namespace"),)
    return error


def on_delete(attributes: Attributes) -> None:
    if attributes.name in IMMORTAL:
        raise forbidden(attributes.served, attributes.name, "this namespace may not be deleted")
