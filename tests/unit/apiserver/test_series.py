"""What `/metrics` shows beside requests, the lease of this server, and its health in detail."""

from __future__ import annotations

import re

from wherry.apiserver.identity_lease import IdentityLease, name_of
from wherry.base.fake_clock import FakeClock
from wherry.policy.user import AUTHENTICATED, User
from wherry.testing.http import Api
from wherry.wire.messages import StreamResponse

LEASES = "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases"


async def text(api: Api, path: str = "/metrics") -> str:
    return (await api("GET", path)).raw.decode()


def value(shown: str, series: str, /, **labels: str) -> float | None:
    for line in shown.splitlines():
        found = re.fullmatch(rf"{series}\{{(.*)\}} (\S+)", line)
        if found and all(f'{key}="{wanted}"' in found[1].split(",") for key, wanted in labels.items()):
            return float(found[2])
    return None


async def test_every_line_is_in_the_text_format(api: Api) -> None:
    sample = re.compile(r'[a-z_:][a-z0-9_:]*(\{([a-z_]+="[^"]*",?)+\})? [-+0-9.einfa]+')
    for line in (await text(api)).splitlines():
        assert line.startswith(("# HELP ", "# TYPE ")) or sample.fullmatch(line), line


async def test_requests_are_told_by_priority_level_and_dry_run(api: Api) -> None:
    await api("POST", "/api/v1/namespaces?dryRun=All", {"metadata": {"name": "x"}})
    api.user = User("joe", (AUTHENTICATED,))
    await api("GET", "/api/v1/namespaces/default")
    shown = await text(api)
    total = "apiserver_request_total"
    assert value(shown, total, verb="POST", resource="namespaces", dry_run="All", code="201") == 1
    dispatched = "apiserver_flowcontrol_dispatched_requests_total"
    assert (value(shown, dispatched, flow_schema="global-default", priority_level="global-default") or 0) >= 2
    assert value(shown, "apiserver_flowcontrol_nominal_limit_seats", priority_level="workload-low") == 98
    assert value(shown, "etcd_request_duration_seconds_count", operation="create", type="namespaces") is None  # dry run
    assert value(shown, "apiserver_current_inflight_requests", request_kind="mutating") == 0


async def test_objects_and_watches_are_counted(api: Api) -> None:
    shown = await text(api)
    assert value(shown, "apiserver_storage_objects", resource="namespaces") == 4
    assert value(shown, "apiserver_resource_objects", group="apiregistration.k8s.io", resource="apiservices")
    assert value(shown, "apiserver_longrunning_requests", resource="configmaps") is None
    reply = await api.reply("GET", "/api/v1/configmaps?watch=1&resourceVersion=1")
    assert isinstance(reply, StreamResponse)
    await api.create("/api/v1/namespaces/default/configmaps", {"metadata": {"name": "a"}})
    shown = await text(api)
    assert value(shown, "apiserver_longrunning_requests", resource="configmaps", verb="WATCH") == 1
    assert value(shown, "apiserver_watch_events_total", resource="configmaps") == 1
    assert value(shown, "etcd_request_duration_seconds_count", operation="create", type="configmaps") == 1


async def test_availability_and_build_are_told(api: Api) -> None:
    shown = await text(api)
    assert value(shown, "aggregator_unavailable_apiservice", name="v1.apps") == 0
    assert value(shown, "kubernetes_build_info", major="1", minor="36") == 1
    assert value(await text(api, "/metrics/slis"), "kubernetes_healthcheck", name="etcd", type="readyz") == 1


async def test_shutting_down_fails_readiness_only(api: Api) -> None:
    api.server.begin_shutdown()
    ready = await api("GET", "/readyz")
    assert ready.status == 500
    assert b"[-]shutdown failed: reason withheld\nreadyz check failed\n" in ready.raw
    assert (await api("GET", "/readyz/shutdown")).status == 500
    assert (await api("GET", "/readyz?exclude=shutdown")).status == 200
    assert (await api("GET", "/livez")).status == 200
    assert (await api("GET", "/api/v1/namespaces/default")).status == 200


async def test_an_exclusion_that_fits_nothing_is_told(api: Api) -> None:
    shown = await text(api, "/livez?verbose&exclude=nothing")
    assert 'warn: some health checks cannot be excluded: no matches for "nothing"\nlivez check passed\n' in shown


async def test_the_server_has_a_lease_and_renews_it(api: Api, clock: FakeClock) -> None:
    items = (await api("GET", f"{LEASES}?labelSelector=apiserver.kubernetes.io/identity=kube-apiserver")).body["items"]
    assert len(items) == 1
    lease = items[0]
    assert re.fullmatch(r"apiserver-[a-z2-7]{26}", lease["metadata"]["name"])
    assert lease["spec"]["leaseDurationSeconds"] == 3600
    own = IdentityLease(api.server.parts)
    await clock.advance(700)
    await own.renew()
    renewed = (await api("GET", f"{LEASES}/{lease['metadata']['name']}")).body
    assert renewed["spec"]["renewTime"] > lease["spec"]["renewTime"]
    assert renewed["spec"]["holderIdentity"] != lease["spec"]["holderIdentity"]  # another process took it over


async def test_leases_of_servers_that_are_gone_go(api: Api, clock: FakeClock) -> None:
    labels = {"apiserver.kubernetes.io/identity": "kube-apiserver"}
    spec = {"holderIdentity": "x", "leaseDurationSeconds": 3600, "renewTime": "2026-01-01T00:00:00.000000Z"}
    await api.create(LEASES, {"metadata": {"name": name_of("gone"), "labels": labels}, "spec": spec})
    await api.create(LEASES, {"metadata": {"name": "apiserver-other"}, "spec": spec})
    await clock.advance(3700)
    await IdentityLease(api.server.parts).renew()
    names = [each["metadata"]["name"] for each in (await api("GET", LEASES)).body["items"]]
    assert name_of("gone") not in names
    assert "apiserver-other" in names
    assert len(names) == 2
