#!/usr/bin/env bash
# A CronJob through two days, in seconds.
cd "$(dirname "$0")"
. ../simulated.sh example-cronjob
jobs() { kubectl get jobs -n "$NS" -o 'jsonpath={range .items[*]}{.status.succeeded} {end}'; }

say "Every night at half past three in Berlin: a day is one report"
kubectl apply -n "$NS" -f report.yaml
pass 24h
expect "it ended well" "1 " jobs
expect_text "the last one was started at" 'T0[12]:30:00Z' field cronjob/report '{.status.lastScheduleTime}'

say "Suspended, a day brings none"
kubectl patch cronjob report -n "$NS" -p '{"spec": {"suspend": true}}'
pass 24h
expect "still one" "1 " jobs
