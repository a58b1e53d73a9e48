"""Keeps docs/reference/api-conformance.md true: `python tools/api_conformance.py`.

What the code knows of each resource (versions, subresources, rules, columns, fields) is written anew; the last two columns,
how the kind behaves and what differs, are kept from the page. A test fails while the page and the code differ.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

from wherry.api import defaults, selectable, tables, validation
from wherry.api.resources import BUILTIN, Resource

PAGE = Path(__file__).parents[1] / "docs" / "reference" / "api-conformance.md"
BEGIN, END = "<!-- resources: made by tools/api_conformance.py -->", "<!-- end of resources -->"
STATES = ("yes", "partly", "no")
_HEAD = """\
| resource | versions | subresources | defaults | validation | columns | fields to select by | behaviour | what differs |
|---|---|---|---|---|---|---|---|---|"""
_ALWAYS = frozenset({"metadata.name", "metadata.namespace"})


def page(text: str) -> str:
    """The page with its resources as they are now; what people wrote in it is kept."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return before + "\n".join([BEGIN, _HEAD, *rows(written(text)), END]) + after


def written(text: str) -> dict[str, tuple[str, str]]:
    """Behaviour and difference by resource, as the page has them."""
    cells = ([cell.strip() for cell in line.strip("|").split("|")] for line in table(text).splitlines()[2:])
    return {row[0].strip("`"): (row[-2], row[-1]) for row in cells if len(row) > 2}


def table(text: str) -> str:
    return text.partition(BEGIN)[2].partition(END)[0].strip()


def features(text: str) -> list[list[str]]:
    """The rows of the other tables: feature, state, what differs, the tests that prove it."""
    outside = text.partition(BEGIN)[0]
    lines = re.findall(r"^\| (.*) \|$", outside, re.MULTILINE)
    found = [[cell.strip() for cell in line.split("|")] for line in lines]
    return [row for row in found if len(row) == 4 and row[1] != "state"]


def rows(known: dict[str, tuple[str, str]]) -> Iterator[str]:
    by_name: dict[str, list[Resource]] = {}
    for resource in BUILTIN:
        by_name.setdefault(resource.qualified, []).append(resource)
    for name, versions in by_name.items():
        resource = versions[0]
        behaviour, differs = known.get(name, ("no", "say how it behaves"))
        cells = (
            f"`{name}`",
            ", ".join(each.version for each in versions),
            ", ".join(resource.subresources) or "–",
            "yes" if defaults.has_defaults(resource) else "none",
            _validation(resource),
            "own" if tables.has_columns(resource) else "name and creation",
            ", ".join(sorted(selectable.labels(resource) - _ALWAYS)) or "–",
            behaviour,
            differs,
        )
        yield "| " + " | ".join(cells) + " |"


def _validation(resource: Resource) -> str:
    if validation.has_rules(resource):
        return "yes"
    return "in its handler" if "update" not in resource.verbs else "metadata only"


def main() -> None:
    text = PAGE.read_text(encoding="utf-8")
    new = page(text)
    PAGE.write_text(new, encoding="utf-8")
    sys.stdout.write("unchanged\n" if new == text else f"{PAGE} written\n")


if __name__ == "__main__":
    main()
