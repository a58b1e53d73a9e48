#!/usr/bin/env bash
# One application behind four kinds of Service, asked from a pod by name and from the machine by address.
cd "$(dirname "$0")" && . ../expect.sh example-services

if [[ $(kubectl get nodes -o 'jsonpath={.items[0].status.nodeInfo.containerRuntimeVersion}') == process* ]]; then
  fail "this example needs real containers: wherry up as root, see wherry doctor"
fi

inside() { kubectl exec -n "$NS" client -- "$@"; }
nodes_of_web() { kubectl get pods -n "$NS" -l app=web -o 'jsonpath={range .items[*]}{.spec.nodeName}{"\n"}{end}' | sort -u | wc -l; }
# All names that answer at a URL within a number of requests, sorted.
who() { inside python3 -c "
import urllib.request
print(*sorted({urllib.request.urlopen('$1').read().decode().strip() for _ in range($2)}))"; }
# The addresses of a name, as many as there are.
addresses() { inside sh -c "getent ahostsv4 $1 | awk '\$2 == \"STREAM\" {print \$1}' | sort | xargs"; }

kubectl apply -n "$NS" -f web.yaml
kubectl wait -n "$NS" pod/client --for=condition=Ready --timeout=30s
expect "ready replicas" 3 field statefulset/web '{.status.readyReplicas}'
nodes=$(kubectl get nodes -o name | wc -l)
expect "nodes they are on" "$((nodes < 3 ? nodes : 3))" \
  nodes_of_web

say "By name, from a pod"
expect "the cluster IP spreads over all" "web-0 web-1 web-2" who http://web/ 60
expect "the full name" "web-0 web-1 web-2" who "http://web.$NS.svc.cluster.local/" 60
expect "an alias" "web-0 web-1 web-2" who http://alias/ 60
expect "each replica has a name" web-1 who http://web-1.peers:8080/ 3
expect "the headless name has every pod's address" "$(kubectl get pods -n "$NS" -l app=web -o 'jsonpath={.items[*].status.podIP}' | xargs -n1 | sort | xargs)" addresses peers

say "By address, from the machine"
expect_text "the cluster IP" 'web-[012]' curl -s -m 2 "http://$(field service/web '{.spec.clusterIP}')/"
port=$(field service/web-outside '{.spec.ports[0].nodePort}')
for address in $(kubectl get nodes -o 'jsonpath={.items[*].status.addresses[?(@.type=="InternalIP")].address}'); do
  expect_text "the port of the node $address" 'web-[012]' curl -s -m 2 "http://$address:$port/"
done
expect "a pod" web-2 curl -s -m 2 "http://$(field pod/web-2 '{.status.podIP}'):8080/"

say "Without endpoints"
kubectl delete statefulset -n "$NS" web
expect "the headless name is gone" "" addresses peers
address=$(field service/web '{.spec.clusterIP}')
expect "the cluster IP refuses at once (curl's 7; it would be 28 after a time-out)" 7 exit_code curl -m 1 "http://$address/"
