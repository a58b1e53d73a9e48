#!/usr/bin/env bash
# A CronJob through three days, in seconds.
cd "$(dirname "$0")"
. ../simulated.sh example-cronjob
jobs() { kubectl get jobs -n "$NS" -o 'jsonpath={range .items[*]}{.status.succeeded} {end}'; }

say "Every night at half past three in Berlin: two days are two reports"
kubectl apply -n "$NS" -f report.yaml
pass 48h
expect "each ended well" "1 1 " jobs
expect_text "the last one was started at" 'T0[12]:30:00Z' field cronjob/report '{.status.lastScheduleTime}'

say "Suspended, a day brings none"
kubectl patch cronjob report -n "$NS" -p '{"spec": {"suspend": true}}'
pass 24h
expect "still two" "1 1 " jobs
