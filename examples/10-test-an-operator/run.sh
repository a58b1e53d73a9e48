#!/usr/bin/env bash
# A kopf operator tested on clusters in the test's own process. Needs no other cluster.
set -euo pipefail
cd "$(dirname "$0")"
# `pytest .` is enough where Wherry is installed; naming the plugin once lets it run from a checkout as well.
exec "${PYTHON:-python}" -m pytest -q -p no:cacheprovider -p no:wherry -p wherry.testing.pytest_plugin --durations=5 --durations-min=0 .
