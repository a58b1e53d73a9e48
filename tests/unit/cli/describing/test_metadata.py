"""Labels and annotations."""

from __future__ import annotations

from wherry.cli.describing.metadata import write_annotations, write_labels
from wherry.cli.describing.writer import Writer


def test_values_below_each_other() -> None:
    out = Writer()
    write_labels(out, "Labels", {"b": "2", "a": "1"})
    write_labels(out, "Other", None)
    assert out.text() == "Labels:  a=1\n         b=2\nOther:   <none>\n"


def test_annotations() -> None:
    out = Writer()
    hidden = {"kubectl.kubernetes.io/last-applied-configuration": "{}"}
    write_annotations(out, "Annotations", hidden)
    write_annotations(out, "A", {"long": "x" * 150, "lines": "a\nb\n", "short": "s", **hidden})
    assert out.text().splitlines() == [
        "Annotations:  <none>",
        "A:            lines:",
        "                a",
        "                b",
        "              long:",
        f"                {'x' * 138}...",
        "              short: s",
    ]
