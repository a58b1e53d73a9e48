"""Rows of admission webhooks and policies. Source: the printers of the same kinds in pkg/printers/internalversion."""

from __future__ import annotations

from wherry.api.tables.columns import AGE, NAME, UNSET, Cells, Row, Table, age, column, name, part
from wherry.api.types import Object


def _webhooks(obj: Object, now: float) -> Cells:
    return [name(obj), len(obj.get("webhooks") or ()), age(obj, now)]


def _policy(key: str) -> Row:
    def row(obj: Object, now: float) -> Cells:
        spec = part(obj, "spec")
        params = spec.get("paramKind")
        text = f"{params.get('apiVersion', '')}/{params.get('kind', '')}" if params else UNSET
        return [name(obj), len(spec.get(key) or ()), text, age(obj, now)]

    return row


def _binding(obj: Object, now: float) -> Cells:
    spec = part(obj, "spec")
    ref, text = spec.get("paramRef"), UNSET
    if ref:
        text = ref.get("name") or "*"
        if ref.get("namespace"):
            text = f"{ref['namespace']}/{text}"
    return [name(obj), spec.get("policyName") or "", text, age(obj, now)]


_PARAM_KIND = column("ParamKind", about="The kind of its parameters.")

WEBHOOKS = Table((NAME, column("Webhooks", "integer", about="The number of webhooks."), AGE), _webhooks)
VALIDATING_POLICIES = Table(
    (NAME, column("Validations", "integer", about="The number of validations."), _PARAM_KIND, AGE),
    _policy("validations"),
)
MUTATING_POLICIES = Table(
    (NAME, column("Mutations", "integer", about="The number of mutations."), _PARAM_KIND, AGE), _policy("mutations")
)
POLICY_BINDINGS = Table(
    (
        NAME,
        column("PolicyName", about="The policy that is put to work."),
        column("ParamRef", about="Its parameters."),
        AGE,
    ),
    _binding,
)
