#!/usr/bin/env bash
# A controller tested on virtual time. Needs no cluster.
set -euo pipefail
cd "$(dirname "$0")"
exec "${PYTHON:-python}" -m pytest -q -p no:cacheprovider --durations=3 --durations-min=0 .
