"""What the API server of a whole cluster does per second, beside the yardstick under the same load in the same run.

The Pods are for a scheduler that does not exist, so that nothing is started; the controllers see them all the same.
"""

from __future__ import annotations

import base64
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path

import yaml

from bench.cluster import Cluster, cluster
from bench.report import Row, ratio
from bench.wrk import Load, rate
from bench.yardstick import running

_NAMESPACE = "/api/v1/namespaces/bench"
POD = (
    '{"apiVersion":"v1","kind":"Pod","metadata":{"name":"pod-%d"},"spec":{"schedulerName":"nobody","containers":[{"name":'
    '"app","image":"example.com/app:1","ports":[{"containerPort":8080}],"env":[{"name":"MODE","value":"fast"}],'
    '"resources":{"requests":{"cpu":"100m","memory":"64Mi"},"limits":{"memory":"128Mi"}}}]}}'
)
CONFIG_MAP = '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"map-%d"},"data":{"key":"' + "v" * 110 + '"}}'
_STATUS = '{"status":{"message":"%d"}}'
_DEPLOYMENT = (
    '{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"app-%d","labels":{"turn":"t%d"}},"spec":{"replicas":0,'
    '"selector":{"matchLabels":{"app":"app"}},"template":{"metadata":{"labels":{"app":"app"}},"spec":{"containers":[{"name":'
    '"app","image":"example.com/app:1","ports":[{"containerPort":8080}]}]}}}}'
)
_OBJECTS = """
apiVersion: v1
kind: Namespace
metadata: {name: bench}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: bench, namespace: bench}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: bench}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: cluster-admin}
subjects: [{kind: ServiceAccount, name: bench, namespace: bench}]
"""


def measure(*, quick: bool, processes: str) -> Iterator[Row]:
    """Rows, as they are known."""
    seconds = 3 if quick else 8
    with cluster("--processes", processes) as one, tempfile.TemporaryDirectory() as directory:
        server, token = prepare(one)
        with running(Path(directory)) as url:
            yardstick = rate(url, Load("/", seconds=seconds))
        yield Row("yardstick: aiohttp over TLS, 5 KB body", f"{yardstick:,.0f}/s")
        rates: dict[str, float] = {}
        for what, load, reach in _loads(seconds):
            rates[what] = rate(server, load, token=token)
            yield ratio(what, rates[what], yardstick, reach)
        for what, load in _changes(seconds):
            yield _beside(what, rate(server, load, token=token), rates[_CREATE_POD])


_CREATE_POD = "create Pod (1 container)"


def _loads(seconds: int) -> Iterator[tuple[str, Load, float]]:
    """The single Pod is read before there are many, whose events keep the controllers busy for a while."""
    yield "get Pod", Load(f"{_NAMESPACE}/pods/pod-0", seconds=seconds), 0.8
    yield "create ConfigMap (200 B)", Load(f"{_NAMESPACE}/configmaps", "POST", CONFIG_MAP, seconds=seconds), 0.30
    yield _CREATE_POD, Load(f"{_NAMESPACE}/pods", "POST", POD, seconds=seconds), 0.16
    yield "list 500 Pods", Load(f"{_NAMESPACE}/pods?limit=500", seconds=seconds, connections=8), 0.0124


def _changes(seconds: int) -> Iterator[tuple[str, Load]]:
    """What is held against the rate at which Pods are created."""
    merge, apply = "application/merge-patch+json", "application/apply-patch+yaml"
    path = f"{_NAMESPACE}/pods/pod-%d/status"
    yield "update status of 100 Pods", Load(path, "PATCH", _STATUS, media=merge, seconds=seconds)
    path = "/apis/apps/v1/namespaces/bench/deployments/app-%d?fieldManager=bench&force=true"
    yield "server-side apply of 100 Deployments", Load(path, "PATCH", _DEPLOYMENT, media=apply, seconds=seconds)


def _beside(what: str, value: float, create: float) -> Row:
    share = value / create
    return Row(what, f"{value:,.0f}/s = {share:.2f} of create Pod", ">= 0.5", share >= 0.5)


def prepare(one: Cluster) -> tuple[str, str]:
    """The server's URL, and the token of an account that may do everything."""
    import asyncio

    return asyncio.run(_prepare_with_client(one))


async def _prepare_with_client(one: Cluster) -> tuple[str, str]:
    from wherry.api.resources import for_kind
    from wherry.base.clock import RealClock
    from wherry.client import kubeconfig
    from wherry.client.client import Client
    from wherry.client.http_transport import HttpTransport

    connection = kubeconfig.connection(kubeconfig.load([one.kubeconfig]))
    client = Client(HttpTransport.of(connection), clock=RealClock(), user_agent="wherry-bench")
    try:
        for document in yaml.safe_load_all(_OBJECTS):
            await client.create(for_kind(document["apiVersion"], document["kind"]), document)
        for number in range(100):
            await client.create("pods", json.loads(POD % number), namespace="bench")
        request = {
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenRequest",
            "spec": {"expirationSeconds": 3600},
        }
        answer = await client.create("serviceaccounts", request, namespace="bench", name="bench", subresource="token")
    finally:
        await client.aclose()
    token = answer["status"]["token"]
    base64.urlsafe_b64decode(token.split(".")[1] + "==")  # a token that is none would be measured as a refusal
    return connection.server, token
