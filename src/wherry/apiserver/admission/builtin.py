"""The plugins that every server has, in the order in which they run."""

from __future__ import annotations

from wherry.apiserver.admission import namespace_lifecycle
from wherry.apiserver.admission.chain import Rule

_CREATE, _UPDATE, _DELETE = frozenset({"CREATE"}), frozenset({"UPDATE"}), frozenset({"DELETE"})
_WRITES = _CREATE | _UPDATE
_PODS = frozenset({"pods"})

RULES: tuple[Rule, ...] = (
    Rule(plugin=namespace_lifecycle.on_create, operations=_CREATE, subresources=frozenset({"*"})),
    Rule(plugin=namespace_lifecycle.on_delete, operations=_DELETE, resources=frozenset({"namespaces"})),
)
