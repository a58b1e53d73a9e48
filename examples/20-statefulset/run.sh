#!/usr/bin/env bash
# A StatefulSet: one after another, updates from the last, names that stay.
cd "$(dirname "$0")"
. ../simulated.sh example-statefulset

say "Pods come one after another: the next when the one before is ready, 20 s after its start"
kubectl apply -n "$NS" -f database.yaml
expect "first" "db-0=Running " pods app=db
pass 21s
expect "then" "db-0=Running db-1=Running " pods app=db
pass 50s
expect "all" 3 field statefulset/db '{.status.readyReplicas}'

say "An update goes from the last to the first, here only to number 2"
kubectl patch statefulset db -n "$NS" --type json \
  -p '[{"op": "replace", "path": "/spec/template/spec/containers/0/image", "value": "db:2"}]'
pass 1m
expect "db-2 is new" db:2 field pod/db-2 '{.spec.containers[0].image}'
expect "db-1 is not" db:1 field pod/db-1 '{.spec.containers[0].image}'

say "A pod that is lost comes back under its name"
before=$(field pod/db-1 '{.metadata.uid}')
kubectl delete pod db-1 -n "$NS" --wait=false
pass 1m
expect "three again" 3 field statefulset/db '{.status.readyReplicas}'
[[ $(field pod/db-1 '{.metadata.uid}') != "$before" ]] || fail "db-1 is the old pod"

say "Scaling down takes the last first"
kubectl patch statefulset db -n "$NS" -p '{"spec": {"replicas": 1}}'
pass 1m
expect "one stays" "db-0=Running " pods app=db
