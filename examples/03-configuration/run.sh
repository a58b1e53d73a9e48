#!/usr/bin/env bash
# A pod that is told things in every way there is, and a change that reaches it while it runs.
cd "$(dirname "$0")" && . ../expect.sh example-configuration

inside() { kubectl exec -n "$NS" reader -- sh -c "$1"; }

kubectl apply -n "$NS" -f reader.yaml
kubectl wait -n "$NS" pod/reader --for=condition=Ready --timeout=30s

say "The environment"
expect "a key of a ConfigMap" blue inside 'echo $COLOUR'
expect "every key of one, with a prefix" large inside 'echo $SETTINGS_size'
expect "a key of a Secret" "correct horse" inside 'echo $PASSWORD'
expect "a label of the pod" back inside 'echo $TIER'
expect "its memory limit in MiB" 64 inside 'echo $MEMORY_MIB'
expect "a value made of others" "I am reader, painted blue" inside 'echo $INTRODUCTION'
expect "an optional key that is not there" unset inside 'echo ${OPTIONAL-unset}'

say "Files"
expect "a ConfigMap as a folder" "colour size" inside 'echo $(ls /etc/settings)'
expect "a Secret in a projected volume" ada inside 'cat /etc/everything/login/user'
expect_text "the pod's labels" 'tier="back"' inside 'cat /etc/everything/labels'
expect "a token of the service account, in three parts" 2 inside 'tr -cd . < /etc/everything/token | wc -c'

say "A change"
kubectl apply -n "$NS" -f - <<'EOF'
{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings"}, "data": {"colour": "green", "size": "large"}}
EOF
expect "the file follows" green inside 'cat /etc/settings/colour'
expect "so does the projected one" green inside 'cat /etc/everything/settings/colour'
expect "the environment does not" blue inside 'echo $COLOUR'

say "An immutable ConfigMap"
if refusal=$(kubectl apply -n "$NS" -f - 2>&1 <<'EOF'
{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "fixed"}, "data": {"colour": "pink"}, "immutable": true}
EOF
); then fail "an immutable ConfigMap was changed"; fi
expect_text "refuses" 'field is immutable when `immutable` is set' echo "$refusal"
