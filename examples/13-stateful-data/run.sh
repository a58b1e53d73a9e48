#!/usr/bin/env bash
# A volume for each member: made with the first pod, there for the next, grown, and gone with its claim.
cd "$(dirname "$0")" && . ../expect.sh example-stateful-data

pages() { kubectl exec -n "$NS" "$1" -- cat /data/pages; }
volumes() { kubectl get pv -o "jsonpath={range .items[?(@.spec.claimRef.namespace==\"$NS\")]}{.metadata.name} {end}"; }

say "A claim waits for its pod, which decides where the volume is made"
kubectl apply -n "$NS" -f diary.yaml
expect "the class" standard field pvc/data-diary-0 '{.spec.storageClassName}'
expect "bound" Bound field pvc/data-diary-1 '{.status.phase}'
kubectl wait -n "$NS" pod/diary-0 pod/diary-1 --for=condition=Ready --timeout=30s
expect "what it wrote" "diary-0 was here" pages diary-0

say "The pod goes, its data stays, the next one goes on with it, on the same node"
before=$(field pod/diary-0 '{.spec.nodeName}')
kubectl delete pod diary-0 -n "$NS"
expect "the next one" "diary-0 was here"$'\n'"diary-0 was here" pages diary-0
expect "its node" "$before" field pod/diary-0 '{.spec.nodeName}'

say "It grows"
kubectl patch pvc data-diary-0 -n "$NS" -p '{"spec": {"resources": {"requests": {"storage": "2Gi"}}}}'
expect "its size" 2Gi field pvc/data-diary-0 '{.status.capacity.storage}'

say "A claim that is in use is not taken from under its pod"
kubectl delete pvc data-diary-1 -n "$NS" --wait=false
expect "still there" Bound field pvc/data-diary-1 '{.status.phase}'
expect "its page too" "diary-1 was here" pages diary-1

say "The set goes, claims and data stay, until they are deleted"
kubectl delete statefulset diary -n "$NS"
kubectl wait -n "$NS" pod/diary-0 --for=delete --timeout=30s
expect "the claim in no use any more" "" kubectl get pvc data-diary-1 -n "$NS" --ignore-not-found -o name
expect "the other one" Bound field pvc/data-diary-0 '{.status.phase}'
kubectl delete pvc data-diary-0 -n "$NS"
expect "volumes left" "" volumes
