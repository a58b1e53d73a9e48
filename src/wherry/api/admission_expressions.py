"""Expressions (CEL) about admission: what they may speak of, and how they are compiled.

`object`, `oldObject` and `params` have no declared type here; `request`, `namespaceObject` and `variables` have.
Source: k8s.io/apiserver/pkg/admission/plugin/cel (compile.go), KEP-3488, KEP-3716, KEP-3962.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Final

from wherry.machinery.cel.environment import Environment
from wherry.machinery.cel.kubernetes import kubernetes, mutating
from wherry.machinery.cel.libraries.authorizer import AUTHORIZER_TYPE, RESOURCE_CHECK
from wherry.machinery.cel.source import CompileError
from wherry.machinery.cel.types import (
    BOOL,
    DYN,
    INT,
    NULL,
    STRING,
    TIMESTAMP,
    Type,
    list_of,
    map_of,
    object_type,
)

if TYPE_CHECKING:
    from wherry.machinery.cel.types import Fields

TEXT_OR_NULL: Final = (STRING, NULL)
CONDITION: Final = BOOL
_TEXTS = map_of(STRING, STRING)
_KIND = object_type("kubernetes.GroupVersionKind", {"group": STRING, "version": STRING, "kind": STRING})
_RESOURCE = object_type("kubernetes.GroupVersionResource", {"group": STRING, "version": STRING, "resource": STRING})
_USER = object_type(
    "kubernetes.UserInfo",
    {"username": STRING, "uid": STRING, "groups": list_of(STRING), "extra": map_of(STRING, list_of(STRING))},
)
REQUEST: Final = object_type(
    "kubernetes.AdmissionRequest",
    {
        "kind": _KIND,
        "resource": _RESOURCE,
        "subResource": STRING,
        "requestKind": _KIND,
        "requestResource": _RESOURCE,
        "requestSubResource": STRING,
        "name": STRING,
        "namespace": STRING,
        "operation": STRING,
        "userInfo": _USER,
        "dryRun": BOOL,
        "options": DYN,
    },
)
_CONDITION = object_type(
    "kubernetes.NamespaceCondition",
    {"status": STRING, "type": STRING, "lastTransitionTime": TIMESTAMP, "message": STRING, "reason": STRING},
)
NAMESPACE: Final = object_type(
    "kubernetes.Namespace",
    {
        "metadata": object_type(
            "kubernetes.NamespaceMetadata",
            {
                "name": STRING,
                "generateName": STRING,
                "namespace": STRING,
                "labels": _TEXTS,
                "annotations": _TEXTS,
                "UID": STRING,
                "creationTimestamp": TIMESTAMP,
                "deletionGracePeriodSeconds": INT,
                "deletionTimestamp": TIMESTAMP,
                "generation": INT,
                "resourceVersion": STRING,
                "finalizers": list_of(STRING),
            },
        ),
        "spec": object_type("kubernetes.NamespaceSpec", {"finalizers": list_of(STRING)}),
        "status": object_type("kubernetes.NamespaceStatus", {"conditions": list_of(_CONDITION), "phase": STRING}),
    },
)
_BASE: Mapping[str, Type] = {"object": DYN, "oldObject": DYN, "request": REQUEST}
_AUTHORIZER: Mapping[str, Type] = {"authorizer": AUTHORIZER_TYPE, "authorizer.requestResource": RESOURCE_CHECK}


@cache
def webhook_environment() -> Environment:
    """For the match conditions of webhooks."""
    return kubernetes({**_BASE, **_AUTHORIZER})


@cache
def policy_environment(*, params: bool, authorizer: bool = True, mutation: bool = False) -> Environment:
    """For policies, without their variables."""
    variables = {**_BASE, "namespaceObject": NAMESPACE}
    if params:
        variables["params"] = DYN
    if authorizer:
        variables.update(_AUTHORIZER)
    return mutating(variables) if mutation else kubernetes(variables)


def with_variables(environment: Environment, types: Mapping[str, Type] | Fields) -> Environment:
    """With `variables.x` for the variables of a policy that are known so far."""
    return environment.extended({"variables": object_type("kubernetes.variables", types)})


def refusal(environment: Environment, text: str, result: Type | tuple[Type, ...] | None) -> str:
    """Why an expression cannot be used; empty where it can."""
    try:
        environment.compile(text, result=result)
    except CompileError as error:
        return problem(error)
    return ""


def problem(error: CompileError) -> str:
    """As upstream words it."""
    text = str(error)
    return f"compilation failed: {text}" if text.startswith("ERROR") else text
