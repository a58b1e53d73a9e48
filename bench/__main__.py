"""`make bench`: measures the whole product and prints a table. `python -m bench --quick` takes a third of the time."""

from __future__ import annotations

import argparse
import os
import platform
import sys

from bench import api, lifecycle, scale, simulation
from bench.report import Row, table
from bench.scheduling import rows as scheduling


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="shorter runs; figures scatter more")
    parser.add_argument("--processes", choices=["one", "many"], default="one", help="how the parts are run")
    options = parser.parse_args()
    print(f"{platform.platform()}, {os.cpu_count()} cores, Python {platform.python_version()}", file=sys.stderr)
    rows: list[Row] = []
    for measure in (lifecycle.measure, api.measure, scheduling.measure, scale.measure, simulation.measure):
        for row in measure(quick=options.quick, processes=options.processes):
            print(f"  {row.what}: {row.measured}", file=sys.stderr)
            rows.append(row)
    print(table(rows))


main()
