"""Client certificates: the common name is the user, the organizations are the groups. TLS has verified them already.

Source: k8s.io/apiserver/pkg/authentication/request/x509.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from wherry.policy.user import AUTHENTICATED, User
from wherry.wire.messages import Peer

_KEPT = 4096


def user_of(certificate: Mapping[str, Any], der: bytes | None) -> User | None:
    """The user of a certificate; None where it names nobody."""
    pairs = [pair for relative_name in certificate.get("subject", ()) for pair in relative_name]
    names = [value for field, value in pairs if field == "commonName"]
    groups = tuple(value for field, value in pairs if field == "organizationName")
    if not names:
        return None
    extra: dict[str, tuple[str, ...]] = {}
    if der is not None:
        extra["authentication.kubernetes.io/credential-id"] = (f"X509SHA256={sha256(der).hexdigest()}",)
    return User(names[-1], (*groups, AUTHENTICATED), "", extra)


class CertificateUsers:
    """The users of certificates, found once per certificate."""

    __slots__ = ("_known",)

    def __init__(self) -> None:
        self._known: dict[bytes, User | None] = {}

    def of(self, peer: Peer) -> User | None:
        certificate, der = peer.certificate, peer.certificate_der
        if not certificate:
            return None
        if der is None:
            return user_of(certificate, None)
        if der not in self._known:
            if len(self._known) >= _KEPT:
                self._known.clear()
            self._known[der] = user_of(certificate, der)
        return self._known[der]
