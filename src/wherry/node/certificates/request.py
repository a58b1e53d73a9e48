"""A key, and the CertificateSigningRequest that asks the cluster to sign it."""

from __future__ import annotations

import base64
import ipaddress
from dataclasses import dataclass

from wherry.api.types import Object

CLIENT_SIGNER = "kubernetes.io/kube-apiserver-client-kubelet"
SERVING_SIGNER = "kubernetes.io/kubelet-serving"
_NODES = "system:nodes"
_SIGNING = "digital signature"
_PURPOSES = {CLIENT_SIGNER: "client auth", SERVING_SIGNER: "server auth"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """One certificate of a node; names and addresses only where it serves."""

    signer: str
    node: str
    dns_names: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()


def make_request(wish: Wish) -> tuple[Object, bytes]:
    """The object to create, and the new key (PEM) that belongs to it."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    organization = x509.NameAttribute(NameOID.ORGANIZATION_NAME, _NODES)
    subject = x509.Name([organization, x509.NameAttribute(NameOID.COMMON_NAME, f"system:node:{wish.node}")])
    builder = x509.CertificateSigningRequestBuilder(subject)
    names: list[x509.GeneralName] = [x509.DNSName(name) for name in wish.dns_names]
    names += [x509.IPAddress(ipaddress.ip_address(address)) for address in wish.addresses]
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    pem = builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM)
    spec = {
        "request": base64.b64encode(pem).decode(),
        "signerName": wish.signer,
        "usages": [_SIGNING, _PURPOSES[wish.signer]],
    }
    return {"metadata": {"generateName": "csr-"}, "spec": spec}, key.private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )
