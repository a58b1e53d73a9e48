"""Certificate requests, as clients make them."""

from __future__ import annotations

import base64

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID


def request_pem(
    name: str,
    groups: tuple[str, ...] = (),
    dns: tuple[str, ...] = (),
    *,
    key: ec.EllipticCurvePrivateKey | None = None,
) -> str:
    """A signed request in PEM, encoded as `spec.request` wants it."""
    fields = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, group) for group in groups]
    subject = x509.Name([*fields, x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = x509.CertificateSigningRequestBuilder(subject)
    if dns:
        names = x509.SubjectAlternativeName([x509.DNSName(each) for each in dns])
        builder = builder.add_extension(names, critical=False)
    signed = builder.sign(key or ec.generate_private_key(ec.SECP256R1()), hashes.SHA256())
    return base64.b64encode(signed.public_bytes(Encoding.PEM)).decode()
