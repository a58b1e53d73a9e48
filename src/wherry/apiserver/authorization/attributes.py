"""What somebody wants to do, as the authorizers are asked.

Source: k8s.io/apiserver/pkg/authorization/authorizer/interfaces.go, KEP-4601 (selectors).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from wherry.api.types import Object
from wherry.machinery.field_selectors import parse_fields
from wherry.machinery.selector_grammar import SelectorError
from wherry.machinery.selectors import parse
from wherry.policy.user import User

Requirement = tuple[str, str, tuple[str, ...]]
"""Key, operator (`In`, `NotIn`, `Exists`, `DoesNotExist`) and values."""

_OPERATORS: Final = {
    "in": "In",
    "=": "In",
    "==": "In",
    "notin": "NotIn",
    "!=": "NotIn",
    "exists": "Exists",
    "!": "DoesNotExist",
}


@dataclass(frozen=True, slots=True)
class Attributes:
    """Something to do with a resource, or with a `path` where there is one."""

    verb: str
    group: str = ""
    resource: str = ""
    subresource: str = ""
    namespace: str = ""
    name: str = ""
    path: str = ""
    version: str = ""
    fields: tuple[Requirement, ...] = ()
    """What a list is narrowed to by its fields, and by its labels."""
    labels: tuple[Requirement, ...] = ()

    def selected(self, field: str) -> str:
        """The one value that a field of the listed objects must have; empty without one."""
        for key, operator, values in self.fields:
            if key == field and operator == "In" and len(values) == 1:
                return values[0]
        return ""


@dataclass(frozen=True, slots=True)
class Decision:
    """What an authorizer says: yes, no, or (neither `allowed` nor `denied`) that others decide."""

    allowed: bool = False
    denied: bool = False
    reason: str = ""
    error: str = ""


ALLOW: Final = Decision(allowed=True)


def field_requirements(selector: str) -> tuple[Requirement, ...]:
    """Of a field selector; none where it cannot be read, as upstream asks without it then."""
    try:
        terms = parse_fields(selector).terms
    except SelectorError:
        return ()
    return tuple((term.field, "In" if term.equal else "NotIn", (term.value,)) for term in terms)


def label_requirements(selector: str) -> tuple[Requirement, ...]:
    """Of a label selector; none where it cannot be read."""
    try:
        terms = parse(selector).terms
    except SelectorError:
        return ()
    # Comparisons of numbers have no form in a review; they only narrow further.
    return tuple((term.key, _OPERATORS[term.operator], term.values) for term in terms if term.operator in _OPERATORS)


def review_of(user: User, wish: Attributes) -> Object:
    """The question as a SubjectAccessReview's spec."""
    spec: Object = {"user": user.name, "groups": list(user.groups)}
    if user.uid:
        spec["uid"] = user.uid
    if user.extra:
        spec["extra"] = {key: list(values) for key, values in user.extra.items()}
    if wish.path:
        spec["nonResourceAttributes"] = {"path": wish.path, "verb": wish.verb}
        return spec
    about = {
        field: value
        for field in ("namespace", "verb", "group", "version", "resource", "subresource", "name")
        if (value := getattr(wish, field))
    }
    for field, requirements in (("fieldSelector", wish.fields), ("labelSelector", wish.labels)):
        if requirements:
            about[field] = {"requirements": [_requirement(each) for each in requirements]}
    spec["resourceAttributes"] = about
    return spec


def _requirement(requirement: Requirement) -> Object:
    key, operator, values = requirement
    return {"key": key, "operator": operator, **({"values": list(values)} if values else {})}
