"""A proxy in front is believed when it shows a certificate of its own authority, and nobody else is."""

from __future__ import annotations

import ssl
from pathlib import Path

from wherry.apiserver.authentication.request_header import RequestHeaderOptions
from wherry.apiserver.config import ServerConfig
from wherry.base.clock import RealClock
from wherry.base.fake_clock import FakeClock
from wherry.distro.pki import Authority, Profile
from wherry.testing.apiserver import in_process_server
from wherry.testing.http import Api
from wherry.wire.messages import Peer

WHO = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
HEADERS = {
    "X-Remote-User": "jane",
    "X-Remote-Group": "devs, ops",
    "X-Remote-Uid": "7",
    "X-Remote-Extra-Example.com%2Fteam": "a,b",
}


def peer(authority: Authority, name: str) -> Peer:
    pair = authority.issue(name, Profile(common_name=name, client=True))
    der = ssl.PEM_cert_to_DER_cert(pair.certificate.read_text())
    return Peer("127.0.0.1", 1, {"subject": ((("commonName", name),),)}, der)


async def test_headers_count_from_proxies_only(clock: FakeClock, tmp_path: Path) -> None:
    front, clients = Authority(tmp_path / "front", clock=RealClock()), Authority(tmp_path / "own", clock=RealClock())
    front.ensure()
    clients.ensure()
    options = RequestHeaderOptions(ca=front.pair.certificate, allowed_names=("front-proxy-client",))
    async with in_process_server(clock=clock, config=ServerConfig(request_header=options)) as server:
        api = Api(server, clock)
        api.user = None

        async def info(shown: Peer) -> dict[str, object]:
            return (await api("POST", WHO, {}, HEADERS, shown)).body["status"]["userInfo"]

        assert await info(peer(front, "front-proxy-client")) == {
            "username": "jane",
            "uid": "7",
            "groups": ["devs", "ops", "system:authenticated"],
            "extra": {"example.com/team": ["a", "b"]},
        }
        assert (await info(peer(front, "somebody")))["username"] == "system:anonymous"
        assert (await info(peer(clients, "front-proxy-client")))["username"] == "front-proxy-client"
        assert (await info(Peer("127.0.0.1", 1)))["username"] == "system:anonymous"
