"""What a certificate request asks for, and which requests the cluster's own signers sign.

Source: "Certificates and Certificate Signing Requests" in the Kubernetes documentation (signers), RFC 2986.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from wherry.api.types import Object

if TYPE_CHECKING:
    from cryptography.x509 import CertificateSigningRequest

API_CLIENT = "kubernetes.io/kube-apiserver-client"
KUBELET_CLIENT = "kubernetes.io/kube-apiserver-client-kubelet"
KUBELET_SERVING = "kubernetes.io/kubelet-serving"
LEGACY_UNKNOWN = "kubernetes.io/legacy-unknown"

_NODES = "system:nodes"
_NODE_NAME = "system:node:"
_SIGNING, _ENCIPHERMENT = "digital signature", "key encipherment"
_CLIENT, _SERVER = "client auth", "server auth"


class RequestError(Exception):
    """The request is none, or its signer does not sign such ones; the message is upstream's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request taken apart."""

    common_name: str
    organizations: tuple[str, ...]
    dns_names: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()
    emails: tuple[str, ...] = ()
    uris: tuple[str, ...] = ()
    parsed: CertificateSigningRequest


def read_request(obj: Object) -> Asked:
    """Take the request of a CertificateSigningRequest apart; its signature must be right. Raises `RequestError`."""
    from cryptography import x509
    from cryptography.x509.oid import NameOID

    try:
        pem = base64.b64decode((obj.get("spec") or {}).get("request") or "", validate=True)
    except binascii.Error as error:
        raise RequestError("illegal base64 data") from error
    if b"-----BEGIN CERTIFICATE REQUEST-----" not in pem:
        raise RequestError("PEM block type must be CERTIFICATE REQUEST")
    try:
        parsed = x509.load_pem_x509_csr(pem)
        names = _names(parsed)
        genuine = parsed.is_signature_valid
    except Exception as error:  # the library raises what its parsers raise; it is a bad request whatever it is
        raise RequestError(f"the request cannot be read: {error}") from error
    if not genuine:
        raise RequestError("the request's signature is wrong")
    common = [str(each.value) for each in parsed.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
    groups = tuple(str(each.value) for each in parsed.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME))
    return Asked(common_name=common[-1] if common else "", organizations=groups, parsed=parsed, **names)


def _names(parsed: CertificateSigningRequest) -> dict[str, tuple[str, ...]]:
    from cryptography import x509

    try:
        names = parsed.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return {}
    return {
        "dns_names": tuple(names.get_values_for_type(x509.DNSName)),
        "addresses": tuple(str(each) for each in names.get_values_for_type(x509.IPAddress)),
        "emails": tuple(names.get_values_for_type(x509.RFC822Name)),
        "uris": tuple(names.get_values_for_type(x509.UniformResourceIdentifier)),
    }


def check_signable(signer: str, asked: Asked, usages: Collection[str]) -> None:
    """Whether that signer signs such a request. Raises `RequestError`."""
    check = _CHECKS.get(signer)
    if check is None:
        raise RequestError(f"no signer {signer}")
    check(asked, frozenset(usages))


def is_kubelet_client(asked: Asked, usages: Collection[str]) -> bool:
    try:
        _kubelet_client(asked, frozenset(usages))
    except RequestError:
        return False
    return True


def _node(asked: Asked) -> None:
    if asked.organizations != (_NODES,):
        raise RequestError("subject organization is not system:nodes")
    if not asked.common_name.startswith(_NODE_NAME):
        raise RequestError("subject common name does not begin with system:node:")
    if asked.emails:
        raise RequestError("Email subjectAltNames are not allowed")
    if asked.uris:
        raise RequestError("URI subjectAltNames are not allowed")


def _exactly(usages: frozenset[str], purpose: str) -> None:
    if usages - {_ENCIPHERMENT} != {_SIGNING, purpose}:
        raise RequestError(f"usages did not match expected usages: {_SIGNING}, {purpose} and perhaps {_ENCIPHERMENT}")


def _kubelet_client(asked: Asked, usages: frozenset[str]) -> None:
    _node(asked)
    if asked.dns_names:
        raise RequestError("DNS subjectAltNames are not allowed")
    if asked.addresses:
        raise RequestError("IP subjectAltNames are not allowed")
    _exactly(usages, _CLIENT)


def _kubelet_serving(asked: Asked, usages: frozenset[str]) -> None:
    _node(asked)
    if not asked.dns_names and not asked.addresses:
        raise RequestError("DNS or IP subjectAltName is required")
    _exactly(usages, _SERVER)


def _api_client(asked: Asked, usages: frozenset[str]) -> None:
    if _CLIENT not in usages or not usages <= {_CLIENT, _SIGNING, _ENCIPHERMENT}:
        raise RequestError("usages must have client auth, and only digital signature and key encipherment beside it")


def _anything(asked: Asked, usages: frozenset[str]) -> None:
    return


_CHECKS: Mapping[str, Callable[[Asked, frozenset[str]], None]] = {
    API_CLIENT: _api_client,
    KUBELET_CLIENT: _kubelet_client,
    KUBELET_SERVING: _kubelet_serving,
    LEGACY_UNKNOWN: _anything,
}
SIGNERS = frozenset(_CHECKS)
