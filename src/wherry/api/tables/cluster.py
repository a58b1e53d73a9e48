"""Rows of cluster-level kinds: access, certificates, leases, priorities, API machinery, devices.

Source: the printers of the same names in pkg/printers/internalversion, and kube-aggregator's for API services.
"""

from __future__ import annotations

from wherry.api.tables.ages import human
from wherry.api.tables.columns import AGE, NAME, NONE, Cells, Table, age, column, name, part
from wherry.api.types import Object


def _role_binding(obj: Object, now: float) -> Cells:
    ref, subjects = part(obj, "roleRef"), obj.get("subjects") or ()
    users = ", ".join(s.get("name") or "" for s in subjects if s.get("kind") == "User")
    groups = ", ".join(s.get("name") or "" for s in subjects if s.get("kind") == "Group")
    accounts = ", ".join(
        f"{s.get('namespace', '')}/{s.get('name', '')}" for s in subjects if s.get("kind") == "ServiceAccount"
    )
    return [name(obj), f"{ref.get('kind', '')}/{ref.get('name', '')}", age(obj, now), users, groups, accounts]


def _certificate_request(obj: Object, now: float) -> Cells:
    spec = part(obj, "spec")
    seconds = spec.get("expirationSeconds")
    return [
        name(obj),
        age(obj, now),
        spec.get("signerName") or "",
        spec.get("username") or "",
        NONE if seconds is None else human(seconds),
        _decision(obj),
    ]


def _decision(obj: Object) -> str:
    status = part(obj, "status")
    kinds = {c.get("type") for c in status.get("conditions") or ()}
    state = "Denied" if "Denied" in kinds else "Approved" if "Approved" in kinds else "Pending"
    failed = ",Failed" if "Failed" in kinds else ""
    return f"{state}{failed}{',Issued' if status.get('certificate') else ''}"


def _lease(obj: Object, now: float) -> Cells:
    return [name(obj), part(obj, "spec").get("holderIdentity") or "", age(obj, now)]


def _priority_class(obj: Object, now: float) -> Cells:
    policy = obj.get("preemptionPolicy") or ""
    return [name(obj), obj.get("value") or 0, bool(obj.get("globalDefault")), age(obj, now), policy]


def _runtime_class(obj: Object, now: float) -> Cells:
    return [name(obj), obj.get("handler") or "", age(obj, now)]


def _flow_schema(obj: Object, now: float) -> Cells:
    spec = part(obj, "spec")
    dangling: Object = next((c for c in part(obj, "status").get("conditions") or () if c.get("type") == "Dangling"), {})
    return [
        name(obj),
        part(spec, "priorityLevelConfiguration").get("name") or "",
        spec.get("matchingPrecedence") or 0,
        part(spec, "distinguisherMethod").get("type") or NONE,
        age(obj, now),
        dangling.get("status") or "?",
    ]


def _priority_level(obj: Object, now: float) -> Cells:
    spec = part(obj, "spec")
    level = part(spec, "limited") or part(spec, "exempt")
    queuing = part(spec, "limited", "limitResponse", "queuing")
    shares = level.get("nominalConcurrencyShares")
    queues = (queuing.get(key) or NONE for key in ("queues", "handSize", "queueLengthLimit"))
    return [name(obj), spec.get("type") or "", NONE if shares is None else shares, *queues, age(obj, now)]


def _api_service(obj: Object, now: float) -> Cells:
    service = part(obj, "spec").get("service")
    where = f"{service.get('namespace', '')}/{service.get('name', '')}" if service else "Local"
    available = next((c for c in part(obj, "status").get("conditions") or () if c.get("type") == "Available"), None)
    text = "Unknown"
    if available is not None:
        text = available.get("status") or ""
        if text != "True" and available.get("reason"):
            text = f"{text} ({available['reason']})"
    return [name(obj), where, text, age(obj, now)]


def _resource_claim(obj: Object, now: float) -> Cells:
    status, states = part(obj, "status"), []
    if obj["metadata"].get("deletionTimestamp"):
        states.append("deleted")
    if status.get("allocation") is None:
        states += [] if states else ["pending"]
    else:
        states.append("allocated")
        states += ["reserved"] if status.get("reservedFor") else []
    return [name(obj), ",".join(states), age(obj, now)]


def _resource_slice(obj: Object, now: float) -> Cells:
    spec = part(obj, "spec")
    pool = part(spec, "pool").get("name") or ""
    return [name(obj), spec.get("nodeName") or NONE, spec.get("driver") or "", pool, age(obj, now)]


_BINDING = (
    NAME,
    column("Role", about="The role that is granted."),
    AGE,
    column("Users", about="The users that have it.", wide=True),
    column("Groups", about="The groups that have it.", wide=True),
    column("ServiceAccounts", about="The service accounts that have it.", wide=True),
)
ROLE_BINDINGS = Table(_BINDING, _role_binding)
CLUSTER_ROLE_BINDINGS = Table(_BINDING, _role_binding)
CERTIFICATE_REQUESTS = Table(
    (
        NAME,
        AGE,
        column("SignerName", about="Who shall sign."),
        column("Requestor", about="Who asked."),
        column("RequestedDuration", about="For how long."),
        column("Condition", about="What was decided."),
    ),
    _certificate_request,
)
LEASES = Table((NAME, column("Holder", about="Who holds the lease."), AGE), _lease)
PRIORITY_CLASSES = Table(
    (
        NAME,
        column("Value", about="The priority; higher is more important."),
        column("Global-Default", "boolean", about="Whether pods without a class get it."),
        AGE,
        column("PreemptionPolicy", about="Whether it may evict lower priorities."),
    ),
    _priority_class,
)
RUNTIME_CLASSES = Table((NAME, column("Handler", about="The runtime's name for it."), AGE), _runtime_class)
FLOW_SCHEMAS = Table(
    (
        NAME,
        column("PriorityLevel", about="The level that its requests run at."),
        column("MatchingPrecedence", about="Lower is asked first."),
        column("DistinguisherMethod", about="What makes two flows different."),
        AGE,
        column("MissingPL", about="Whether its level is missing."),
    ),
    _flow_schema,
)
PRIORITY_LEVELS = Table(
    (
        NAME,
        column("Type", about="Exempt or Limited."),
        column("NominalConcurrencyShares", about="Its share of the server's concurrency."),
        column("Queues", about="The number of queues."),
        column("HandSize", about="How many queues a flow may use."),
        column("QueueLengthLimit", about="The longest a queue gets."),
        AGE,
    ),
    _priority_level,
)
API_SERVICES = Table(
    (
        NAME,
        column("Service", about="Who serves this group and version."),
        column("Available", about="Whether it answers."),
        AGE,
    ),
    _api_service,
)
RESOURCE_CLAIMS = Table((NAME, column("State", about="Whether it is allocated and in use."), AGE), _resource_claim)
RESOURCE_SLICES = Table(
    (
        NAME,
        column("Node", about="The node with the devices."),
        column("Driver", about="The driver of the devices."),
        column("Pool", about="The pool that it is a part of."),
        AGE,
    ),
    _resource_slice,
)
