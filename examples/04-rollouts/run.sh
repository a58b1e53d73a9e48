#!/usr/bin/env bash
# A rolling update, a version that never gets ready, and the way back.
cd "$(dirname "$0")" && . ../expect.sh example-rollouts

roll_out() { sed "s/value: one/value: $1/" web.yaml | kubectl apply -n "$NS" -f -; }

# "3 of 3" when every replica is of the newest version and ready, and the controller has seen the newest version.
progress() {
  local generation observed
  generation=$(field deployment/web '{.metadata.generation}')
  observed=$(field deployment/web '{.status.observedGeneration}')
  [[ $generation == "$observed" ]] || return 1
  field deployment/web '{.status.updatedReplicas} of {.status.availableReplicas} of {.status.replicas}'
}

# The versions of the pods that are ready, each with how many there are: "3 two".
ready_versions() {
  kubectl get pods -n "$NS" -l app=web \
    -o 'jsonpath={range .items[?(@.status.containerStatuses[0].ready==true)]}{.spec.containers[0].env[0].value}{"\n"}{end}' |
    sort | uniq -c | awk '{print $1, $2}'
}

replica_sets() { kubectl get replicasets -n "$NS" -o name | wc -l; }

say "Version one, then two"
roll_out one
expect "all replicas are new and available" "3 of 3 of 3" progress
roll_out two
expect "all replicas are new and available" "3 of 3 of 3" progress
expect "the pods' version" "3 two" ready_versions

say "A version that never gets ready"
roll_out broken
kubectl wait -n "$NS" deployment/web --for=condition=Progressing=False --timeout=20s
expect "the reason" ProgressDeadlineExceeded field deployment/web '{.status.conditions[?(@.type=="Progressing")].reason}'
expect "one pod of the new version was tried" "1 of 3 of 4" progress
expect "the old version serves" "3 two" ready_versions

say "Back"
if [[ $KUBECTL == */kubectl ]]; then kubectl rollout undo -n "$NS" deployment/web; else roll_out two; fi
expect "all replicas are of the good version" "3 of 3 of 3" progress
expect "the pods' version" "3 two" ready_versions
expect "a ReplicaSet per version is kept" 3 replica_sets
