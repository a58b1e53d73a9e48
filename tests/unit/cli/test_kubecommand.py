"""What kubectl's flags accept."""

from __future__ import annotations

import click
import pytest
from click.testing import CliRunner

from wherry.cli.kubecommand import DURATION, command


@command()
@click.argument("rest", nargs=-1)
@click.option("--wait/--no-wait", default=True)
@click.option("-A", "--all", "everything", is_flag=True)
@click.option("-o", "--output", default="")
@click.option("--timeout", type=DURATION, default="0s")
def probe(rest: tuple[str, ...], wait: bool, everything: bool, output: str, timeout: float) -> None:
    click.echo(f"{' '.join(rest)}|{wait}|{everything}|{output}|{timeout:g}")


@pytest.mark.parametrize(
    ("line", "result"),
    [
        ("", "|True|False||0"),
        ("--wait=false -A=true", "|False|True||0"),
        ("--all=false -o=json", "|True|False|json|0"),
        ("-ojson --output=yaml", "|True|False|yaml|0"),
        ("--timeout 1h2m3.5s", "|True|False||3723.5"),
        ("--timeout=250ms", "|True|False||0.25"),
        ("--timeout 5", "|True|False||5"),
        ("x -- --wait=false", "x --wait=false|True|False||0"),
    ],
)
def test_lines(line: str, result: str) -> None:
    assert CliRunner().invoke(probe, line.split()).output.strip() == result


def test_durations_that_are_none() -> None:
    assert "not a duration" in CliRunner().invoke(probe, ["--timeout", "5x"]).output
