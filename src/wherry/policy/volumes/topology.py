"""On which nodes a volume can be used, and where a class lets volumes be made."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from wherry.api.types import Object

Labels = Mapping[str, str]


def reaches(volume: Object, labels: Labels, name: str = "") -> bool:
    """Whether a node with these labels can use the volume; one without affinity is everywhere."""
    required = (volume["spec"].get("nodeAffinity") or {}).get("required")
    return required is None or selects(required.get("nodeSelectorTerms") or (), labels, name)


def selects(terms: Iterable[Object], labels: Labels, name: str = "") -> bool:
    """A node selector: terms are alternatives, a term without requirements selects nothing."""
    return any(_term(term, labels, {"metadata.name": name}) for term in terms)


def allowed(class_: Object, labels: Labels) -> bool:
    """`allowedTopologies` of a class."""
    terms = class_.get("allowedTopologies") or ()
    return not terms or any(_topology(term, labels) for term in terms)


def _topology(term: Object, labels: Labels) -> bool:
    return all(labels.get(each["key"]) in each["values"] for each in term.get("matchLabelExpressions") or ())


def _term(term: Object, labels: Labels, fields: Labels) -> bool:
    expressions, on_fields = term.get("matchExpressions") or (), term.get("matchFields") or ()
    if not expressions and not on_fields:
        return False
    return all(_holds(each, labels) for each in expressions) and all(_holds(each, fields) for each in on_fields)


def _holds(requirement: Object, values: Labels) -> bool:
    wanted = requirement.get("values") or ()
    value = values.get(requirement["key"])
    match requirement["operator"]:
        case "In":
            return value in wanted
        case "NotIn":
            return value not in wanted
        case "Exists":
            return value is not None
        case "DoesNotExist":
            return value is None
        case "Gt" | "Lt" as operator:
            return _compares(value, wanted, operator)
    return False


def _compares(value: str | None, wanted: Iterable[str], operator: str) -> bool:
    try:
        number, bound = int(value or ""), int(next(iter(wanted)))
    except (ValueError, StopIteration):
        return False
    return number > bound if operator == "Gt" else number < bound
