"""The flow schemas and priority levels that every cluster has. Pure tables, made into objects.

Source: k8s.io/apiserver/pkg/apis/flowcontrol/bootstrap/default.go.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from wherry.api.types import Object

API_VERSION = "flowcontrol.apiserver.k8s.io/v1"
AUTO_UPDATE = "apf.kubernetes.io/autoupdate-spec"
MANDATORY = frozenset({"exempt", "catch-all"})
"""Levels and schemas that nobody can change."""
_ALL = ["*"]
_EVERYTHING: Object = {
    "resourceRules": [
        {"verbs": _ALL, "apiGroups": _ALL, "resources": _ALL, "clusterScope": True, "namespaces": _ALL}
    ],
    "nonResourceRules": [{"verbs": _ALL, "nonResourceURLs": _ALL}],
}  # fmt: skip
_ELECTING = ["get", "create", "update"]
_EVERYBODY = ["system:unauthenticated", "system:authenticated"]
_MANAGER, _SCHEDULER = "system:kube-controller-manager", "system:kube-scheduler"

# name: shares, lendable percent, queues, hand size; no queues: those that find no seat are sent away
_LEVELS = {
    "catch-all": (5, 0, 0, 0),
    "system": (30, 33, 64, 6),
    "node-high": (40, 25, 64, 6),
    "leader-election": (10, 0, 16, 4),
    "workload-high": (40, 50, 128, 6),
    "workload-low": (100, 90, 128, 6),
    "global-default": (20, 50, 128, 6),
}
_QUEUE_LENGTH = 50


def _level(name: str, spec: Object) -> Object:
    return {
        "apiVersion": API_VERSION,
        "kind": "PriorityLevelConfiguration",
        "metadata": {"name": name, "annotations": {AUTO_UPDATE: "true"}},
        "spec": spec,
    }


def levels() -> Iterator[Object]:
    yield _level("exempt", {"type": "Exempt", "exempt": {"nominalConcurrencyShares": 0, "lendablePercent": 0}})
    for name, (shares, lendable, queues, hand) in _LEVELS.items():
        response: Object = {"type": "Reject"}
        if queues:
            queuing = {"queues": queues, "handSize": hand, "queueLengthLimit": _QUEUE_LENGTH}
            response = {"type": "Queue", "queuing": queuing}
        limited = {"nominalConcurrencyShares": shares, "lendablePercent": lendable, "limitResponse": response}
        yield _level(name, {"type": "Limited", "limited": limited})


def _groups(*names: str) -> list[Object]:
    return [{"kind": "Group", "group": {"name": name}} for name in names]


def _users(*names: str) -> list[Object]:
    return [{"kind": "User", "user": {"name": name}} for name in names]


def _system_accounts(*names: str) -> list[Object]:
    return [
        {"kind": "ServiceAccount", "serviceAccount": {"name": name, "namespace": "kube-system"}}
        for name in names or ("*",)
    ]


def _rule(
    verbs: Sequence[str], group: str, resources: Sequence[str], namespace: str = "*", *, cluster: bool = False
) -> Object:
    rule: Object = {"verbs": list(verbs), "apiGroups": [group], "resources": list(resources)}
    if cluster:
        rule["clusterScope"] = True
    return {**rule, "namespaces": [namespace]}


def _election() -> Object:
    return {"resourceRules": [_rule(_ELECTING, "coordination.k8s.io", ("leases",))]}


def schemas() -> Iterator[Object]:
    """In no order: what counts is the precedence."""
    probes = {"nonResourceRules": [{"verbs": ["get"], "nonResourceURLs": ["/healthz", "/readyz", "/livez"]}]}
    nodes = {
        "resourceRules": [
            _rule(_ALL, "", ("nodes", "nodes/status"), cluster=True),
            _rule(_ALL, "coordination.k8s.io", ("leases",)),
        ]
    }
    user, namespace = "ByUser", "ByNamespace"
    table: tuple[tuple[str, str, int, str, list[Object], Object], ...] = (
        ("exempt", "exempt", 1, "", _groups("system:masters"), _EVERYTHING),
        ("probes", "exempt", 2, "", _groups(*_EVERYBODY), probes),
        ("system-leader-election", "leader-election", 100, user,
         [*_users(_MANAGER, _SCHEDULER), *_system_accounts()], _election()),
        ("endpoint-controller", "workload-high", 150, user,
         [*_users(_MANAGER), *_system_accounts("endpoint-controller", "endpointslicemirroring-controller")],
         {"resourceRules": [_rule(_ELECTING, "", ("endpoints",))]}),
        ("workload-leader-election", "leader-election", 200, user, _system_accounts(), _election()),
        ("system-node-high", "node-high", 400, user, _groups("system:nodes"), nodes),
        ("system-nodes", "system", 500, user, _groups("system:nodes"), _EVERYTHING),
        ("kube-controller-manager", "workload-high", 800, namespace, _users(_MANAGER), _EVERYTHING),
        ("kube-scheduler", "workload-high", 800, namespace, _users(_SCHEDULER), _EVERYTHING),
        ("kube-system-service-accounts", "workload-high", 900, namespace, _system_accounts(), _EVERYTHING),
        ("service-accounts", "workload-low", 9000, user, _groups("system:serviceaccounts"), _EVERYTHING),
        ("global-default", "global-default", 9900, user, _groups(*_EVERYBODY), _EVERYTHING),
        ("catch-all", "catch-all", 10000, user, _groups(*_EVERYBODY), _EVERYTHING),
    )  # fmt: skip
    for name, level, precedence, distinguisher, subjects, rules in table:
        yield _schema(name, level, precedence, distinguisher, {"subjects": subjects, **rules})


def _schema(name: str, level: str, precedence: int, distinguisher: str, rules: Object) -> Object:
    spec: Object = {
        "priorityLevelConfiguration": {"name": level},
        "matchingPrecedence": precedence,
        "rules": [rules],
    }
    if distinguisher:
        spec["distinguisherMethod"] = {"type": distinguisher}
    return {
        "apiVersion": API_VERSION,
        "kind": "FlowSchema",
        "metadata": {"name": name, "annotations": {AUTO_UPDATE: "true"}},
        "spec": spec,
    }
