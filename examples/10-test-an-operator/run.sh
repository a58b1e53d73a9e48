#!/usr/bin/env bash
# A kopf operator tested on clusters in the test's own process. Needs no other cluster.
set -euo pipefail
cd "$(dirname "$0")"
exec "${PYTHON:-python}" -m pytest -q -p no:cacheprovider -p wherry.testing.pytest_plugin --durations=5 --durations-min=0 .
