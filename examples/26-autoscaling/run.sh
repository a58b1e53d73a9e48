#!/usr/bin/env bash
# A horizontal pod autoscaler: load comes, load goes, and the number of pods follows.
cd "$(dirname "$0")"
. ../simulated.sh example-autoscaling
replicas() { field deployment/web '{.spec.replicas}'; }
reason() { field hpa/web "{.status.conditions[?(@.type==\"$1\")].reason}"; }

say "Two pods that use 90 % of what they asked for; 50 % is wanted"
kubectl apply -n "$NS" -f web.yaml
pass 2m
kubectl top pods -n "$NS"
pass 8m # CPU of a pod that has just started counts only when it has been ready for a while
kubectl get hpa web -n "$NS"
expect "as many as are allowed" 6 replicas
expect "because" TooManyReplicas reason ScalingLimited

say "The load goes: one pod less a minute, after two minutes of patience"
kubectl annotate pods -n "$NS" --all --overwrite wherry.dev/fake-cpu=5m >/dev/null
pass 60s
expect "patience" 6 replicas
expect "because" ScaleDownStabilized reason AbleToScale
pass 10m
expect "as few as are allowed" 2 replicas
expect_text "told by events" 'New size: 2; reason: All metrics below target' \
  kubectl get events -n "$NS" -o 'jsonpath={.items[*].message}'
