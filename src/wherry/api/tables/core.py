"""Rows of the small core kinds. Source: `printConfigMap`, `printSecret`, `printNamespace`, `printResourceQuota`."""

from __future__ import annotations

from wherry.api.tables.columns import AGE, NAME, Cells, Table, age, column, name, part
from wherry.api.types import Object


def _config_map(obj: Object, now: float) -> Cells:
    return [name(obj), len(obj.get("data") or ()) + len(obj.get("binaryData") or ()), age(obj, now)]


def _secret(obj: Object, now: float) -> Cells:
    return [name(obj), obj.get("type") or "", len(obj.get("data") or ()), age(obj, now)]


def _namespace(obj: Object, now: float) -> Cells:
    return [name(obj), part(obj, "status").get("phase") or "", age(obj, now)]


def _service_account(obj: Object, now: float) -> Cells:
    return [name(obj), len(obj.get("secrets") or ()), age(obj, now)]


def _quota(obj: Object, now: float) -> Cells:
    hard, used = part(obj, "status", "hard") or part(obj, "spec", "hard"), part(obj, "status", "used")
    texts = {key: f"{key}: {used.get(key, '0')}/{hard[key]}" for key in sorted(hard)}
    requests = ", ".join(text for key, text in texts.items() if not key.startswith("limits."))
    limits = ", ".join(text for key, text in texts.items() if key.startswith("limits."))
    return [name(obj), requests, limits, age(obj, now)]


def _component(obj: Object, now: float) -> Cells:
    healthy: Object = next((c for c in obj.get("conditions") or () if c.get("type") == "Healthy"), {})
    states = {"True": "Healthy", "False": "Unhealthy"}
    state = states.get(healthy.get("status", ""), "Unknown")
    return [name(obj), state, healthy.get("message") or "", healthy.get("error") or ""]


CONFIG_MAPS = Table((NAME, column("Data", about="The number of keys."), AGE), _config_map)
SECRETS = Table(
    (NAME, column("Type", about="What the secret is for."), column("Data", about="The number of keys."), AGE), _secret
)
NAMESPACES = Table((NAME, column("Status", about="Active or Terminating."), AGE), _namespace)
SERVICE_ACCOUNTS = Table((NAME, column("Secrets", about="The number of secrets it may use."), AGE), _service_account)
RESOURCE_QUOTAS = Table(
    (
        NAME,
        column("Request", about="What is used of each quota."),
        column("Limit", about="What is used of each quota on limits."),
        AGE,
    ),
    _quota,
)
COMPONENT_STATUSES = Table(
    (
        NAME,
        column("Status", about="Whether the component is healthy."),
        column("Message", about="What it says."),
        column("Error", about="What went wrong."),
    ),
    _component,
)
