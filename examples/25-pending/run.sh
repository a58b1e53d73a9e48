#!/usr/bin/env bash
# Why a pod is pending, and the smallest change that gives it a node.
cd "$(dirname "$0")"
. ../simulated.sh example-pending

say "A pod that asks for a fast disk, which no node has"
kubectl apply -n "$NS" -f pod.yaml
expect_text "condition" "0/3 nodes are available: 3 node\(s\) didn't match Pod's node affinity/selector" \
  field pod/fast '{.status.conditions[?(@.type=="PodScheduled")].message}'

say "Which rule rules out which nodes, and what would help"
wherry explain-pending fast -n "$NS"
expect_text "the smallest change" "label node $CLUSTER-[1-3] with disk=fast" wherry explain-pending fast -n "$NS"

say "Doing it places the pod"
kubectl label node $CLUSTER-2 disk=fast
expect "node" $CLUSTER-2 field pod/fast '{.spec.nodeName}'
kubectl label node $CLUSTER-2 disk-
