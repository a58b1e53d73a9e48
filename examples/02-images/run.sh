#!/usr/bin/env bash
# An image made by hand, imported without a registry, and run.
cd "$(dirname "$0")" && . ../expect.sh example-images

archive=$(mktemp -d)/small.tar
trap 'rm -r "$(dirname "$archive")"; wherry image remove example/small:1 || true; kubectl delete namespace "$NS" --wait=false' EXIT

say "Build and import"
python3 build.py example/small:1 "$archive" sh sleep
wherry image import "$archive"
expect_text "the cluster has it" 'example/small:1' wherry image list

say "Run"
kubectl apply -n "$NS" -f pod.yaml
kubectl wait -n "$NS" pod/small --for=condition=Ready --timeout=30s
expect_text "its whole world" 'I have /.*' kubectl logs -n "$NS" small
expect "there is no other program" 127 exit_code kubectl exec -n "$NS" small -- sh -c python3
