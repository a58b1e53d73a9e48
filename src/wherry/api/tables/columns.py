"""Column definitions of server-side tables, and what most printers share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from wherry.api.tables.ages import since
from wherry.api.types import Object

NONE, UNSET = "<none>", "<unset>"

Cells = list[Any]
Row = Callable[[Object, float], Cells]


@dataclass(frozen=True, slots=True)
class Table:
    """The columns of a kind and the function that makes the cells of one object at a moment."""

    columns: tuple[Object, ...]
    row: Row


def column(name: str, type_: str = "string", *, format_: str = "", about: str = "", wide: bool = False) -> Object:
    """A `metav1.TableColumnDefinition`; wide columns have priority 1 and show with `-o wide` only."""
    return {"name": name, "type": type_, "format": format_, "description": about, "priority": int(wide)}


NAME = column("Name", format_="name", about="The name of the object, unique for its kind within its namespace.")
AGE = column("Age", about="How long ago the object was created.")
CREATED_AT = column("Created At", "date", about="When the object was created.")
CONTAINERS = column("Containers", about="The names of the containers in the template.", wide=True)
IMAGES = column("Images", about="The images of the containers in the template.", wide=True)
SELECTOR = column("Selector", about="The label selector of the pods.", wide=True)


def name(obj: Object) -> str:
    return str(obj["metadata"].get("name") or "")


def age(obj: Object, now: float) -> str:
    return since(obj["metadata"].get("creationTimestamp"), now)


def part(obj: Mapping[str, Any], *keys: str) -> Mapping[str, Any]:
    """The object below these keys, empty where there is none."""
    found: Mapping[str, Any] = obj
    for key in keys:
        found = found.get(key) or {}
    return found


def containers_and_images(spec: Mapping[str, Any]) -> Cells:
    found = spec.get("containers") or ()
    names = ",".join(c.get("name") or "" for c in found)
    return [names, ",".join(c.get("image") or "" for c in found)]


def truth(value: bool | None) -> str:
    """`True`, `False` or `<unset>`."""
    return UNSET if value is None else str(bool(value))


def listed(items: Iterable[str], most: int, *, separator: str = ",") -> str:
    """The first of many: `a,b,c + 2 more...`."""
    found = list(items)
    shown = separator.join(found[:most])
    return f"{shown} + {len(found) - most} more..." if len(found) > most else shown
