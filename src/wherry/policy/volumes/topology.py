"""On which nodes a volume can be used, and where a class lets volumes be made."""

from __future__ import annotations

from wherry.api.types import Object
from wherry.policy.node_selector import Labels, selects


def reaches(volume: Object, labels: Labels, name: str = "") -> bool:
    """Whether a node with these labels can use the volume; one without affinity is everywhere."""
    required = (volume["spec"].get("nodeAffinity") or {}).get("required")
    return required is None or selects(required.get("nodeSelectorTerms") or (), labels, name)


def allowed(class_: Object, labels: Labels) -> bool:
    """`allowedTopologies` of a class."""
    terms = class_.get("allowedTopologies") or ()
    return not terms or any(_topology(term, labels) for term in terms)


def _topology(term: Object, labels: Labels) -> bool:
    return all(labels.get(each["key"]) in each["values"] for each in term.get("matchLabelExpressions") or ())
