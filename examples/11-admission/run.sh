#!/usr/bin/env bash
# Rules that the API server keeps: what is too much is refused, what is made is labelled.
cd "$(dirname "$0")" && . ../expect.sh example-admission
trap 'kubectl delete -f policies.yaml --ignore-not-found; kubectl delete namespace "$NS" --wait=false' EXIT
[[ $KUBECTL == *kubectl ]] || fail "this example needs kubectl, to make deployments and patch them"

say "Two policies, and the parameter of one"
kubectl apply -f policies.yaml
kubectl create -n "$NS" configmap limits --from-literal=most=2

say "What is too much is refused, in the policy's words"
if refusal=$(kubectl create -n "$NS" deployment web --image=wherry.local/host --replicas=3 2>&1); then
  fail "a deployment that is too big was taken"
fi
expect_text "the message" "with binding 'example-replicas' denied request: web asks for 3 replicas, 2 are allowed" echo "$refusal"

say "What fits is taken, and labelled"
kubectl create -n "$NS" deployment web --image=wherry.local/host --replicas=0
expect_text "a label that a policy set" '.+' field deployment/web '{.metadata.labels.made-by}'
expect "the deployment's own label is kept" web field deployment/web '{.metadata.labels.app}'

say "The parameter counts from the moment it is written"
kubectl patch -n "$NS" configmap limits --type=merge -p '{"data": {"most": "0"}}'
refusal=$(kubectl scale -n "$NS" deployment web --replicas=1 2>&1) || fail "the scale subresource is not in the rules: $refusal"
refusal=$(kubectl patch -n "$NS" deployment web --type=merge -p '{"spec": {"replicas": 2}}' 2>&1) && fail "more than the limit was taken"
expect_text "the new limit" 'web asks for 2 replicas, 0 are allowed' echo "$refusal"

say "An expression that cannot be compiled is refused at once"
refusal=$(kubectl patch validatingadmissionpolicy example-replicas --type=json \
  -p '[{"op": "replace", "path": "/spec/validations/0/expression", "value": "object.spec.replicas <="}]' 2>&1) && fail "it was taken"
expect_text "why" 'compilation failed: ERROR' echo "$refusal"
