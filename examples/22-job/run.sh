#!/usr/bin/env bash
# Jobs: four indexes two at a time, one that fails for good, and cleaning up afterwards.
cd "$(dirname "$0")"
. ../simulated.sh example-job

say "Four indexes, two at a time, 30 s each"
kubectl apply -n "$NS" -f jobs.yaml
expect "at work" 2 field job/shards '{.status.active}'
pass 35s
expect "done" 0,1 field job/shards '{.status.completedIndexes}'
pass 40s
expect "all" 0-3 field job/shards '{.status.completedIndexes}'

say "One that always fails is tried three times: after 10 s, after 20 s, then no more"
pass 2m
expect "why" BackoffLimitExceeded field job/broken '{.status.conditions[?(@.type=="Failed")].reason}'
expect "attempts" 3 field job/broken '{.status.failed}'

say "An hour after its end the Job goes, and its pods with it"
pass 1h
expect_text "gone" 'not found|NotFound' kubectl get job shards -n "$NS"
expect "no pods" "" pods app=shards
