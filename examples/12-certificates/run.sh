#!/usr/bin/env bash
# A person gets a certificate from the cluster, is let in with it, and may do what her group may.
cd "$(dirname "$0")" && . ../expect.sh example-certificates

WORK=$(mktemp -d)
trap 'kubectl delete csr example-jane --ignore-not-found >/dev/null; kubectl delete namespace "$NS" --wait=false; rm -r "$WORK"' EXIT

say "Jane makes a key and asks for a certificate; the key stays with her"
openssl ecparam -genkey -name prime256v1 -noout -out "$WORK/jane.key"
openssl req -new -key "$WORK/jane.key" -subj /O=example-devs/CN=jane -out "$WORK/jane.csr"
kubectl delete csr example-jane --ignore-not-found
kubectl apply -f - <<EOT
apiVersion: certificates.k8s.io/v1
kind: CertificateSigningRequest
metadata: {name: example-jane}
spec:
  signerName: kubernetes.io/kube-apiserver-client
  usages: [client auth]
  expirationSeconds: 3600
  request: $(base64 <"$WORK/jane.csr" | tr -d '\n')
EOT

condition() { kubectl get csr example-jane --no-headers | awk '{print $NF}'; }
expect "nothing happens by itself" Pending condition

say "The administrator approves"
kubectl certificate approve example-jane
expect "and the cluster signs" Approved,Issued condition
kubectl get csr example-jane -o jsonpath='{.status.certificate}' | base64 -d >"$WORK/jane.crt"
expect_text "for an hour" "CN ?= ?jane" openssl x509 -in "$WORK/jane.crt" -noout -subject

say "Jane comes in"
kubectl config view --minify --raw -o jsonpath='{.clusters[0].cluster.certificate-authority-data}' | base64 -d >"$WORK/ca.crt"
SERVER=$(kubectl config view --minify -o jsonpath='{.clusters[0].cluster.server}')
as_jane() {
  kubectl --kubeconfig /dev/null --server "$SERVER" --certificate-authority "$WORK/ca.crt" \
    --client-certificate "$WORK/jane.crt" --client-key "$WORK/jane.key" "$@"
}
expect_text "as herself" 'example-devs system:authenticated' as_jane auth whoami
may() { as_jane auth can-i "$@" -n "$NS" || true; } # "no" is also an exit code
expect "who may do nothing yet" no may list pods
kubectl create rolebinding devs -n "$NS" --clusterrole=view --group=example-devs
expect "until her group may" yes may list pods
expect "but not more than that" no may delete pods
