# What the examples of workloads share: `. ../simulated.sh NAMESPACE` at their beginning.
# They run on a small cluster of fake nodes whose clock can be moved: days pass in seconds, nothing is pulled or started.
# The cluster is made for the example and removed afterwards; with EXAMPLES_HOME set it stays there for the next one.
set -euo pipefail
CLUSTER=simulated
export WHERRY_HOME=${EXAMPLES_HOME:-$(mktemp -d)}
export KUBECONFIG=$WHERRY_HOME/kubeconfig
if ! wherry clock show $CLUSTER >/dev/null 2>&1; then
  [[ -n ${EXAMPLES_HOME:-} ]] || trap 'wherry down $CLUSTER; rm -rf "$WHERRY_HOME"' EXIT
  wherry up $CLUSTER --clock virtual --nodes 3
fi
cleanup=$(trap -p EXIT)
. ../expect.sh "$1"
[[ -n ${EXAMPLES_HOME:-} ]] || eval "$cleanup" # the whole cluster goes, not only the namespace

# pass 24h: let so much time pass in the cluster
pass() { wherry clock advance "$1" $CLUSTER; }

# The names of pods with their phase, those of one label: pods app=db
pods() { kubectl get pods -n "$NS" -l "$1" -o 'jsonpath={range .items[*]}{.metadata.name}={.status.phase} {end}'; }
