"""A proxy in front of the server that says for whom it asks, in headers. It shows a certificate of an authority of its own.

Source: "Authenticating Proxy" in the Kubernetes documentation; k8s.io/apiserver/pkg/authentication/request/headerrequest.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote

from wherry.apiserver.configuration.problems import ConfigurationError
from wherry.apiserver.configuration.reading import read_file
from wherry.policy.user import AUTHENTICATED, User
from wherry.wire.messages import Peer, Request

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

_KEPT = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestHeaderOptions:
    """`ca` is the file of the authorities whose certificates a proxy shows; without `allowed_names` any name will do."""

    ca: Path
    allowed_names: tuple[str, ...] = ()
    user_headers: tuple[str, ...] = ("X-Remote-User",)
    uid_headers: tuple[str, ...] = ("X-Remote-Uid",)
    group_headers: tuple[str, ...] = ("X-Remote-Group",)
    extra_prefixes: tuple[str, ...] = ("X-Remote-Extra-",)


class RequestHeaders:
    """Believes the headers of those who show a certificate of the proxies' authority, and of nobody else.

    The TLS port must accept certificates of that authority too; `is_proxy` tells them from those of clients, which name
    their user themselves. Raises `ConfigurationError`.
    """

    def __init__(self, options: RequestHeaderOptions) -> None:
        self._options = options
        self._authorities = _load(options.ca)
        self._signed: dict[bytes, bool] = {}
        self._users, self._uids, self._groups, self._extras = (
            tuple(each.lower() for each in names)
            for names in (options.user_headers, options.uid_headers, options.group_headers, options.extra_prefixes)
        )

    def is_proxy(self, peer: Peer) -> bool:
        """Whether the certificate is one of the proxies' authority, whatever it says."""
        der = peer.certificate_der
        if der is None:
            return False
        if der not in self._signed:
            if len(self._signed) >= _KEPT:
                self._signed.clear()
            self._signed[der] = self._is_signed(der)
        return self._signed[der]

    def user_of(self, request: Request) -> User | None:
        """The user that a proxy speaks for; None where the caller is no proxy, or names nobody."""
        headers = request.headers
        name = next((value for header in self._users if (value := headers.get(header, "").strip())), "")
        if not name or not self.is_proxy(request.peer) or not self._is_allowed(request.peer):
            return None
        groups = tuple(
            each.strip() for header in self._groups for each in headers.get(header, "").split(",") if each.strip()
        )
        uid = next((headers[header] for header in self._uids if headers.get(header)), "")
        extra: dict[str, tuple[str, ...]] = {}
        for prefix in self._extras:
            for header, value in headers.items():
                if header.startswith(prefix):
                    values = tuple(each.strip() for each in value.split(","))
                    extra[unquote(header.removeprefix(prefix))] = values
        if AUTHENTICATED not in groups:
            groups = (*groups, AUTHENTICATED)
        return User(name, groups, uid, extra)

    def _is_allowed(self, peer: Peer) -> bool:
        allowed = self._options.allowed_names
        subject = (peer.certificate or {}).get("subject", ())
        names = [value for part in subject for field, value in part if field == "commonName"]
        return not allowed or any(name in allowed for name in names)

    def _is_signed(self, der: bytes) -> bool:
        from cryptography.exceptions import InvalidSignature
        from cryptography.x509 import load_der_x509_certificate

        try:
            certificate = load_der_x509_certificate(der)
        except ValueError:
            return False
        for authority in self._authorities:
            try:
                certificate.verify_directly_issued_by(authority)
            except (ValueError, TypeError, InvalidSignature):
                continue
            return True
        return False


def _load(path: Path) -> list[Certificate]:
    from cryptography.x509 import load_pem_x509_certificates

    try:
        return load_pem_x509_certificates(read_file(path))
    except ValueError as error:
        raise ConfigurationError(f"{path}: no certificates in PEM: {error}") from error
