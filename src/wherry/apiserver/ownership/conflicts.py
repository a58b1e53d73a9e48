"""The answer to an apply that would take fields from others.

Source: k8s.io/apimachinery/pkg/util/managedfields/internal/conflict.go.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from wherry.api.errors import Cause, Conflict
from wherry.machinery.fieldsets.elements import shown
from wherry.machinery.fieldsets.managers import UPDATE, Identity
from wherry.machinery.fieldsets.sets import Tree, paths


def conflict_error(fields: Mapping[Identity, Tree]) -> Conflict:
    """One cause per field, managers in order."""
    found = [
        (_shown(identity), shown(path)) for identity in sorted(fields, key=_key) for path in paths(fields[identity])
    ]
    causes = [Cause("FieldManagerConflict", f"conflict with {who}", path) for who, path in found]
    return Conflict(_message(found), causes=causes)


def _message(found: list[tuple[str, str]]) -> str:
    if len(found) == 1:
        [(who, path)] = found
        return f"Apply failed with 1 conflict: conflict with {who}: {path}"
    by_manager: dict[str, list[str]] = {}
    for who, path in found:
        by_manager.setdefault(who, []).append(f"- {path}")
    lines = [line for who, each in by_manager.items() for line in (f"conflicts with {who}:", *each)]
    return f"Apply failed with {len(found)} conflicts: " + "\n".join(lines)


def _key(identity: Identity) -> str:
    """Upstream sorts managers by their identity as JSON."""
    names = ("manager", "operation", "apiVersion", "subresource")
    return json.dumps({name: value for name, value in zip(names, identity, strict=True) if value})


def _shown(identity: Identity) -> str:
    manager, operation, api_version, subresource = identity
    who = json.dumps(manager, ensure_ascii=False)
    if subresource:
        who += f" with subresource {json.dumps(subresource)}"
    return f"{who} using {api_version}" if operation == UPDATE else who
