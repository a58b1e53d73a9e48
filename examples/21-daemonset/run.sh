#!/usr/bin/env bash
# A DaemonSet: a pod on every node, also on one that comes later.
cd "$(dirname "$0")"
. ../simulated.sh example-daemonset
ready() { field daemonset/agent '{.status.numberReady}'; }

say "One pod for each of the three nodes"
kubectl apply -n "$NS" -f agent.yaml
expect "ready" 3 ready

say "A node comes and gets its own"
kubectl apply -f node.yaml
expect "ready" 4 ready
kubectl delete -f node.yaml --wait=false
expect "the node has gone with its pod" 3 ready

say "An update replaces them one by one"
kubectl patch daemonset agent -n "$NS" --type json \
  -p '[{"op": "replace", "path": "/spec/template/spec/containers/0/image", "value": "agent:2"}]'
expect "updated" 3 field daemonset/agent '{.status.updatedNumberScheduled}'
expect "ready" 3 ready

say "Only nodes with a label"
kubectl patch daemonset agent -n "$NS" -p '{"spec": {"template": {"spec": {"nodeSelector": {"disk": "ssd"}}}}}'
expect "none has it" 0 field daemonset/agent '{.status.desiredNumberScheduled}'
