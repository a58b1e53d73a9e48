#!/usr/bin/env bash
# A disruption budget: evictions are let through one at a time.
cd "$(dirname "$0")"
. ../simulated.sh example-budget
allowed() { field poddisruptionbudget/web '{.status.disruptionsAllowed}'; }
# evict POD: what `kubectl drain` asks for each pod of a node
evict() {
  printf '{"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": "%s", "namespace": "%s"}}' "$1" "$NS" |
    kubectl create --raw "/api/v1/namespaces/$NS/pods/$1/eviction" -f -
}

say "Three pods, of which two must stay: one may be disturbed"
kubectl apply -n "$NS" -f web.yaml
pass 35s
expect "allowed" 1 allowed
read -r first second _ <<<"$(kubectl get pods -n "$NS" -l app=web -o 'jsonpath={.items[*].metadata.name}')"

say "The first eviction is let through, the second must wait for the replacement"
evict "$first" >/dev/null
expect "allowed now" 0 allowed
expect_text "refused" 'Cannot evict pod as it would violate' evict "$second"
pass 35s
expect "allowed again" 1 allowed
evict "$second" >/dev/null
