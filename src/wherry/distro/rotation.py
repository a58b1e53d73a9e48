"""A node's certificates, asked for by certificate requests while it runs: what `wherry.node.certificates` needs of the files."""

from __future__ import annotations

from random import Random
from ssl import SSLContext

from wherry.base.clock import Clock
from wherry.base.validity import Life
from wherry.client.client import Client
from wherry.distro.pki import Authority, Profile
from wherry.distro.renewal import into, log
from wherry.node.certificates.request import SERVING_SIGNER, Wish
from wherry.node.certificates.rotation import Rotation


def node_rotation(
    authority: Authority,
    file_name: str,
    profile: Profile,
    *,
    node: str,
    signer: str,
    context: SSLContext,
    client: Client,
    clock: Clock,
    chance: Random | None = None,
) -> Rotation:
    """A component: renews a node's pair by certificate requests, which `client` makes as that node."""

    def adopt(certificate: bytes, key: bytes) -> Life:
        into(context)(authority.adopt(file_name, profile, certificate, key))
        return Life(*authority.life(file_name))

    serves = signer == SERVING_SIGNER
    wish = Wish(
        signer=signer,
        node=node,
        dns_names=profile.dns_names if serves else (),
        addresses=profile.addresses if serves else (),
    )
    life = Life(*authority.life(file_name))
    return Rotation(client=client, clock=clock, wish=wish, life=life, adopt=adopt, chance=chance, log=log)
