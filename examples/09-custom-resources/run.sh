#!/usr/bin/env bash
# A kind of one's own: defined, used, refused when it is wrong, and gone with all its objects.
cd "$(dirname "$0")" && . ../expect.sh example-custom-resources
trap 'kubectl delete -f definition.yaml --ignore-not-found; kubectl delete namespace "$NS" --wait=false' EXIT
[[ $KUBECTL == *kubectl ]] || fail "this example needs kubectl, to patch a status"

say "The definition"
kubectl apply -f definition.yaml
kubectl wait crd/backups.example.wherry.dev --for=condition=Established --timeout=20s
kubectl apply -n "$NS" -f backups.yaml

say "The objects"
expect_text "columns of its own" 'nightly +0 3 \* \* \* +3' kubectl get -n "$NS" backups
expect "a default" 3 field backups/nightly '{.spec.copies}'
expect "selected by a field" backup.example.wherry.dev/weekly \
  kubectl get -n "$NS" bk --field-selector=spec.target=files -o name

say "What is wrong is refused"
if refusal=$(kubectl apply -n "$NS" -f - 2>&1 <<'EOF'
{"apiVersion": "example.wherry.dev/v1", "kind": "Backup", "metadata": {"name": "hourly"},
 "spec": {"schedule": "hourly", "target": "database", "copies": 10}}
EOF
); then fail "a wrong backup was taken"; fi
expect_text "a pattern" 'spec.schedule in body should match' echo "$refusal"
expect_text "a maximum" 'spec.copies in body should be less than or equal to 9' echo "$refusal"

say "Rules in CEL say what a schema cannot"
for change in '{"spec": {"copies": 2}}' '{"spec": {"target": "files"}}'; do
  refusal+=$'\n'$(kubectl patch -n "$NS" backup nightly --type=merge -p "$change" 2>&1) && fail "against a rule: $change"
done
expect_text "a rule about two fields" 'spec.copies: Invalid value: "object": a database needs three copies at least' echo "$refusal"
expect_text "a rule about a change" 'database keeps what it was made for' echo "$refusal"

say "Status and scale"
kubectl patch -n "$NS" backup nightly --type=merge -p '{"spec": {"copies": 4}}'
kubectl patch -n "$NS" backup nightly --subresource=status --type=merge -p '{"status": {"phase": "Done", "copies": 4}}'
expect "the status" Done field backups/nightly '{.status.phase}'
expect "the generation counts the spec alone" 2 field backups/nightly '{.metadata.generation}'
expect_text "the scale subresource" '"replicas":4' \
  kubectl get --raw "/apis/example.wherry.dev/v1/namespaces/$NS/backups/nightly/scale"

say "The end"
kubectl delete -f definition.yaml --timeout=20s
expect_text "nothing is left" 'NotFound|not found|could not find' \
  kubectl get --raw "/apis/example.wherry.dev/v1/namespaces/$NS/backups"
