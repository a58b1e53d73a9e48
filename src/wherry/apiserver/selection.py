"""What a list or a watch selects: label and field selectors as one test on the stored object.

Which fields can be selected on differs by kind; `wherry.api.selectable` knows them.
"""

from __future__ import annotations

from dataclasses import dataclass

from wherry.api import selectable
from wherry.api.errors import BadRequest
from wherry.api.types import Object
from wherry.apiserver.options import ListOptions
from wherry.apiserver.registry import Served
from wherry.machinery.field_selectors import FieldTerm, parse_fields
from wherry.machinery.selector_grammar import SelectorError
from wherry.machinery.selectors import EVERYTHING, Selector, parse


@dataclass(frozen=True, slots=True)
class Selection:
    """`name` is the one name asked for, if it is only one; `text` stands for the selection among those of its resource."""

    labels: Selector = EVERYTHING
    terms: tuple[FieldTerm, ...] = ()
    served: Served | None = None
    name: str = ""
    text: tuple[str, str] = ("", "")

    @property
    def everything(self) -> bool:
        return not self.terms and self.labels.everything

    def matches(self, obj: Object, fields: dict[str, str] | None = None) -> bool:
        """Whether a stored object is selected; `fields` are its selectable fields, where they are known already."""
        if self.terms:
            known = self.fields_of(obj) if fields is None else fields
            for term in self.terms:
                if (known[term.field] == term.value) is not term.equal:
                    return False
        return self.labels.everything or self.labels.matches_object(obj)

    def fields_of(self, obj: Object) -> dict[str, str]:
        """The selectable fields of a stored object."""
        served = self.served
        if served is None:
            return {}
        return selectable.fields(served.resource, served.conversion.from_stored(obj) if served.conversion else obj)


_EVERYTHING = Selection()


def selection_of(served: Served, options: ListOptions, *, name: str = "") -> Selection:
    """The selection of a request; `name` is set where the path names an object. Raises `BadRequest`."""
    text = options.field_selector
    if name:
        text = f"metadata.name={name},{text}" if text else f"metadata.name={name}"
    if not text and not options.label_selector:
        return _EVERYTHING
    try:
        labels, terms = parse(options.label_selector), parse_fields(text).terms
    except SelectorError as error:
        raise BadRequest(str(error)) from error
    if why := selectable.first_unsupported(served.resource, [term.field for term in terms]):
        raise BadRequest(why)
    one = next((term.value for term in terms if term.field == "metadata.name" and term.equal), "")
    return Selection(labels, terms, served, one, (options.label_selector, text))
