# What the examples' scripts share: `. ../expect.sh NAMESPACE` at their beginning.
set -euo pipefail
NS=$1
KUBECTL=$(command -v kubectl || command -v wherry) # wherry does kubectl's work where there is none
kubectl() { "$KUBECTL" "$@"; }

say() { printf '\n== %s\n' "$*"; }

fail() {
  printf 'not as described: %s\n' "$*" >&2
  exit 1
}

# expect WHAT WANTED COMMAND...: the command's output must be exactly WANTED, now or within 20 seconds.
expect() {
  local what=$1 wanted=$2 got=
  shift 2
  for _ in $(seq 100); do
    got=$("$@" 2>&1) && [[ $got == "$wanted" ]] && { printf 'ok  %s: %s\n' "$what" "$got"; return; }
    sleep 0.2
  done
  fail "$what: wanted '$wanted', got '$got'"
}

# expect_text WHAT PATTERN COMMAND...: the output must match the regular expression, now or within 20 seconds.
expect_text() {
  local what=$1 pattern=$2 got=
  shift 2
  for _ in $(seq 100); do
    got=$("$@" 2>&1 || true)
    [[ $got =~ $pattern ]] && { printf 'ok  %s: %s\n' "$what" "${BASH_REMATCH[0]}"; return; }
    sleep 0.2
  done
  fail "$what: wanted something like '$pattern', got '$got'"
}

# The exit code of a command, which says nothing.
exit_code() {
  "$@" >/dev/null 2>&1 && echo 0 || echo $?
}

# A field of an object: field deployment/web '{.spec.replicas}'
field() { kubectl get -n "$NS" "$1" -o "jsonpath=$2"; }

kubectl apply -f - <<EOF
{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "$NS"}}
EOF
trap 'kubectl delete namespace "$NS" --wait=false' EXIT
