"""A node's certificates, from the request to the new handshake: the real API server, approvers and signer."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from ssl import SSLContext

import pytest
from cryptography import x509

from wherry.api.types import Object
from wherry.apiserver.app import ApiServer
from wherry.apiserver.config import ServerConfig
from wherry.base.fake_clock import FakeClock
from wherry.base.tasks import cancel_and_wait
from wherry.base.validity import Life, wait_until
from wherry.client.client import Client
from wherry.controllers.context import Config
from wherry.controllers.manager import ControllerManager
from wherry.distro.control_plane import server_context
from wherry.distro.credentials import serving_profile
from wherry.distro.parts import RENEWING_NODES
from wherry.distro.pki import Authority, KeyPair, Profile
from wherry.distro.renewal import Renewal, into
from wherry.distro.rotation import node_rotation
from wherry.node.certificates.request import CLIENT_SIGNER, SERVING_SIGNER
from wherry.node.certificates.rotation import NotSigned, answer_of
from wherry.policy.user import AUTHENTICATED, User
from wherry.testing.apiserver import client_of, in_process_server
from wherry.wire.client import HttpClient
from wherry.wire.dial import Origin
from wherry.wire.messages import Request, Response
from wherry.wire.server import serve
from wherry.wire.tls import client_context

DAY = 86400.0
CSR = "certificatesigningrequests"
APPROVERS = ("csrapproving", "kubelet-serving-approving-controller", "csrsigning")
HOUR = 3600.0
NODE = User("system:node:n1", ("system:nodes", AUTHENTICATED))
SERVING = serving_profile("n1", ("127.0.0.1",))
CLIENT_PROFILE = Profile(common_name="system:node:n1", organizations=("system:nodes",), client=True)


def test_it_is_due_between_seventy_and_ninety_percent_of_its_life() -> None:
    chance = Random(7)
    moments = [Life(1000.0, 2000.0).due_at(chance) for _ in range(500)]
    assert 1700 <= min(moments) < 1720 and 1880 < max(moments) <= 1900


async def test_a_wall_clock_that_jumps_is_looked_at_again() -> None:
    class Sleeper(FakeClock):
        asleep = 0.0

        def now(self) -> float:
            return super().now() + self.asleep

    clock = Sleeper()
    task = asyncio.ensure_future(wait_until(clock.now() + 30 * DAY, clock))
    await clock.settle()
    clock.asleep = 30 * DAY
    await clock.advance(3600)
    assert task.done()
    await task


class Halfway(Random):
    """Everything is due at 80 % of its life."""

    def random(self) -> float:
        return 0.5


@dataclass
class Place:
    """A cluster whose clock shows two hours before certificates made by `authority` are due.

    They are all valid by the machine's clock too, which TLS goes by.
    """

    authority: Authority
    server: ApiServer
    clock: FakeClock
    node: Client
    admin: Client

    def rotation(self, file_name: str, profile: Profile, signer: str, context: SSLContext) -> asyncio.Task[None]:
        rotation = node_rotation(
            self.authority,
            file_name,
            profile,
            node="n1",
            signer=signer,
            context=context,
            client=self.node,
            clock=self.clock,
            chance=Halfway(),
        )
        return asyncio.ensure_future(rotation.run())

    async def pass_time(self, seconds: float) -> None:
        await self.clock.advance(seconds)
        for _ in range(10):
            await self.clock.settle()

    async def requests(self) -> list[Object]:
        found: list[Object] = (await self.admin.list(CSR))["items"]
        return found

    def pair(self, file_name: str) -> KeyPair:
        """As the node found it at its start, long ago."""
        directory = self.authority.pair.key.parent
        return KeyPair(directory / f"{file_name}.crt", directory / f"{file_name}.key")

    def conditions(self, request: Object) -> list[str]:
        return [each["message"] for each in request.get("status", {}).get("conditions", ())]


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    born = time.time() - 300 * DAY
    early = Authority(tmp_path, clock=FakeClock(born))
    ca = early.ensure()
    early.issue("serving", SERVING)
    early.issue("client", CLIENT_PROFILE)
    clock = FakeClock(born + 0.8 * 365 * DAY - 2 * HOUR)
    authority = Authority(tmp_path, clock=clock)
    async with in_process_server(clock=clock, config=ServerConfig(rbac=True)) as server:
        admin = client_of(server, clock=clock)
        await admin.create("nodes", {"metadata": {"name": "n1"}})
        status = {"addresses": [{"type": "InternalIP", "address": "127.0.0.1"}]}
        await admin.patch("nodes", "n1", {"status": status}, subresource="status")
        config = Config(signing_authority=(ca, authority.pair.key.read_bytes()))
        manager = asyncio.ensure_future(ControllerManager(admin, clock, config, enabled=APPROVERS).run())
        try:
            yield Place(authority, server, clock, client_of(server, clock=clock, user=NODE), admin)
        finally:
            await cancel_and_wait(manager)


def serial(pem: Path) -> int:
    return x509.load_pem_x509_certificate(pem.read_bytes()).serial_number


@asynccontextmanager
async def serving(context: SSLContext) -> AsyncIterator[Origin]:
    """A server by that context, and where it is for clients without a context."""

    def handle(request: Request) -> Response:
        shown = request.peer.certificate
        return Response(200, str(shown["serialNumber"] if shown else "").encode(), "text/plain")

    server = await serve(handle, tls=context)
    try:
        yield Origin(host="127.0.0.1", port=server.port)
    finally:
        await server.close()


async def shown_by(origin: Origin, authority: Authority) -> int:
    """The serial number of the certificate that a new connection meets."""
    context = client_context(ca=authority.pair.certificate)
    _, writer = await asyncio.open_connection(origin.host, origin.port, ssl=context)
    try:
        der = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
        return x509.load_der_x509_certificate(der).serial_number
    finally:
        writer.close()
        await writer.wait_closed()


async def test_a_serving_certificate_is_renewed_in_time_and_new_connections_meet_it(place: Place) -> None:
    pair = place.pair("serving")
    before = serial(pair.certificate)
    context = server_context(pair, place.authority.pair)
    task = place.rotation("serving", SERVING, SERVING_SIGNER, context)
    async with serving(context) as origin:
        await place.pass_time(HOUR)
        assert (await place.requests(), await shown_by(origin, place.authority)) == ([], before)
        await place.pass_time(1.1 * HOUR)
        after = await shown_by(origin, place.authority)
    await cancel_and_wait(task)
    (request,) = await place.requests()
    assert request["spec"]["username"] == "system:node:n1"
    assert place.conditions(request) == [
        "Auto approving kubelet serving certificate of a node for its own names and addresses."
    ]
    assert after == serial(pair.certificate) != before
    assert place.authority.issue("serving", SERVING) == pair and serial(pair.certificate) == after, "kept over restarts"
    begin, end = place.authority.life("serving")
    assert begin > place.clock.now() - HOUR and 364 * DAY < end - begin <= 365 * DAY


async def test_a_client_certificate_is_renewed_where_nodes_may(place: Place) -> None:
    pair = place.pair("client")
    before = serial(pair.certificate)
    context = client_context(ca=place.authority.pair.certificate, certificate=pair.certificate, key=pair.key)
    await place.admin.create("clusterrolebindings.rbac.authorization.k8s.io", RENEWING_NODES)
    task = place.rotation("client", CLIENT_PROFILE, CLIENT_SIGNER, context)
    await place.pass_time(2.1 * HOUR)
    await cancel_and_wait(task)
    (request,) = await place.requests()
    assert place.conditions(request) == ["Auto approving self kubelet client certificate after SubjectAccessReview."]
    assert serial(pair.certificate) != before
    own = server_context(place.pair("serving"), place.authority.pair)
    async with serving(own) as origin:
        http = HttpClient()
        answer = await http.request(Origin(host=origin.host, port=origin.port, tls=context), "GET", "/")
        await http.aclose()
    assert isinstance(answer.body, bytes)
    assert int(answer.body, 16) == serial(pair.certificate)


async def test_a_request_that_nobody_approves_is_made_again(place: Place) -> None:
    """Without the binding the approver leaves it alone; an administrator denies the first one."""
    pair = place.pair("client")
    before = serial(pair.certificate)
    context = client_context(ca=place.authority.pair.certificate, certificate=pair.certificate, key=pair.key)
    task = place.rotation("client", CLIENT_PROFILE, CLIENT_SIGNER, context)
    await place.pass_time(2.05 * HOUR)
    (request,) = await place.requests()
    assert place.conditions(request) == [] and not task.done()
    no = {"type": "Denied", "status": "True", "reason": "No", "message": "not now"}
    await place.admin.update(CSR, {**request, "status": {"conditions": [no]}}, subresource="approval")
    await place.pass_time(60)
    assert len(await place.requests()) == 2
    await place.admin.create("clusterrolebindings.rbac.authorization.k8s.io", RENEWING_NODES)
    await place.pass_time(20 * 60)
    assert serial(pair.certificate) != before
    await cancel_and_wait(task)


async def test_a_node_gets_nothing_for_addresses_of_others(place: Place) -> None:
    wider = serving_profile("n1", ("127.0.0.1", "10.0.0.1"))
    context = server_context(place.pair("serving"), place.authority.pair)
    task = place.rotation("serving", wider, SERVING_SIGNER, context)
    await place.pass_time(2.1 * HOUR)
    (request,) = await place.requests()
    assert place.conditions(request) == [] and "certificate" not in request.get("status", {})
    await cancel_and_wait(task)


async def test_what_the_authority_made_is_renewed_in_the_process(place: Place) -> None:
    pair = place.pair("serving")
    before = serial(pair.certificate)
    context = server_context(pair, place.authority.pair)
    renewals = [
        Renewal(place.authority, "serving", SERVING, into(context), clock=place.clock, chance=Halfway())
        for _ in range(2)
    ]
    tasks = [asyncio.ensure_future(renewal.run()) for renewal in renewals]
    async with serving(context) as origin:
        await place.pass_time(HOUR)
        assert await shown_by(origin, place.authority) == before
        await place.pass_time(1.1 * HOUR)
        assert await shown_by(origin, place.authority) == serial(pair.certificate) != before
    await cancel_and_wait(*tasks)


def test_a_refused_request_tells_why() -> None:
    status = {"conditions": [{"type": "Failed", "message": "usages did not match"}]}
    with pytest.raises(NotSigned, match="csr-x failed: usages did not match"):
        answer_of({"metadata": {"name": "csr-x"}, "status": status})
