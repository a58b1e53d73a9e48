#!/usr/bin/env bash
# What is this pod doing, and why is that one not running?
cd "$(dirname "$0")" && . ../expect.sh example-debugging

events() { kubectl get events -n "$NS" --field-selector "involvedObject.name=$1" -o 'jsonpath={range .items[*]}{.reason}: {.message}{"\n"}{end}'; }

kubectl apply -n "$NS" -f pods.yaml
kubectl wait -n "$NS" pod/web --for=condition=Ready --timeout=30s

say "A pod that runs"
expect_text "its log" 'Serving HTTP on 0.0.0.0 port 18345' kubectl logs -n "$NS" web
expect "a command inside" /usr/share kubectl exec -n "$NS" web -- pwd
counted() { printf hello | kubectl exec -i -n "$NS" web -- wc -c; }
expect "standard input" 5 counted

say "Its port, here"
said=$(mktemp)
"$KUBECTL" port-forward -n "$NS" pod/web :18345 > "$said" &
forward=$!
trap 'kill $forward; rm "$said"; kubectl delete namespace "$NS" --wait=false' EXIT
expect_text "forwarding" '127.0.0.1:[0-9]+ -> 18345' cat "$said"
port=$(sed -nE 's/.*127.0.0.1:([0-9]+) -> .*/\1/p' "$said")
expect_text "an answer" 'Directory listing for /' curl -s "http://127.0.0.1:$port/"

say "One that crashes"
expect "how it ended" 3 field pod/crashing '{.status.containerStatuses[0].lastState.terminated.exitCode}'
expect "what it said before it ended" "cannot find my database" kubectl logs -n "$NS" crashing --previous
expect "what it waits for" CrashLoopBackOff field pod/crashing '{.status.containerStatuses[0].state.waiting.reason}'
expect_text "an event" 'BackOff: Back-off restarting failed container main in pod crashing_[^ ]+' events crashing

say "One that is pending"
expect_text "a condition" '0/[0-9]+ nodes are available: .*Insufficient cpu' field pod/greedy '{.status.conditions[?(@.type=="PodScheduled")].message}'
expect_text "an event" 'FailedScheduling: 0/[0-9]+ nodes are available' events greedy

say "One whose image is nowhere"
expect_text "what it waits for" 'ErrImagePull|ImagePullBackOff' field pod/nameless '{.status.containerStatuses[0].state.waiting.reason}'
expect_text "an event" 'Failed to pull image "wherry.local/nobody/has/this:1"' events nameless
