"""Signs what was approved, for the four signers of Kubernetes itself, with the cluster's authority.

Source: pkg/controller/certificates/signer/signer.go, authority/policies.go.
"""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from wherry.api.types import Object
from wherry.client.informer import Key
from wherry.controllers.certificates.requests import RESOURCE, condition, has_certificate, with_condition
from wherry.controllers.context import Context
from wherry.controllers.controller import Loop
from wherry.policy.certificate_requests import SIGNERS, Asked, RequestError, check_signable, read_request

if TYPE_CHECKING:
    from cryptography import x509

_BACKDATE = timedelta(minutes=5)
_SHORT = timedelta(hours=8)
"""What lives no longer than this keeps its whole time; the end of others moves with their backdated begin."""
_SHORTEST_SECONDS = 600

_KEY_USAGES = {
    "signing": "digital_signature",
    "digital signature": "digital_signature",
    "content commitment": "content_commitment",
    "key encipherment": "key_encipherment",
    "key agreement": "key_agreement",
    "data encipherment": "data_encipherment",
    "cert sign": "key_cert_sign",
    "crl sign": "crl_sign",
    "encipher only": "encipher_only",
    "decipher only": "decipher_only",
}
_PURPOSES = {
    "any": "2.5.29.37.0",
    "server auth": "1.3.6.1.5.5.7.3.1",
    "client auth": "1.3.6.1.5.5.7.3.2",
    "code signing": "1.3.6.1.5.5.7.3.3",
    "email protection": "1.3.6.1.5.5.7.3.4",
    "s/mime": "1.3.6.1.5.5.7.3.4",
    "ipsec end system": "1.3.6.1.5.5.7.3.5",
    "ipsec tunnel": "1.3.6.1.5.5.7.3.6",
    "ipsec user": "1.3.6.1.5.5.7.3.7",
    "timestamping": "1.3.6.1.5.5.7.3.8",
    "ocsp signing": "1.3.6.1.5.5.7.3.9",
    "microsoft sgc": "1.3.6.1.4.1.311.10.3.3",
    "netscape sgc": "2.16.840.1.113730.4.1",
}


class CertificateSigner:
    """A component; see the module. Without an authority in the configuration it signs nothing."""

    name = "csrsigning"

    def __init__(self, context: Context) -> None:
        self._client = context.client
        self._clock = context.clock
        self._authority = context.config.signing_authority
        self._longest = context.config.signing_seconds
        self._requests = context.informers.informer(RESOURCE)
        self.loop = Loop(
            self.name, self._reconcile, clock=context.clock, needs=(self._requests,), log=context.log, workers=1
        )
        self.loop.follow(self._requests)

    async def run(self) -> None:
        await self.loop.run()

    async def _reconcile(self, key: Key) -> None:
        request = self._requests.get(*key)
        if request is None or self._authority is None or not _is_due(request):
            return
        now, spec = self._clock.now(), request["spec"]
        try:
            asked = read_request(request)
            check_signable(spec["signerName"], asked, spec.get("usages") or ())
        except RequestError as error:
            failed = with_condition(request, "Failed", reason="SignerValidationFailure", message=str(error), now=now)
            await self._client.update(RESOURCE, failed, subresource="status")
            return
        seconds = min(max(spec.get("expirationSeconds") or self._longest, _SHORTEST_SECONDS), self._longest)
        pem = sign(asked, spec.get("usages") or (), *self._authority, seconds=seconds, now=now)
        status = {**(request.get("status") or {}), "certificate": base64.b64encode(pem).decode()}
        await self._client.update(RESOURCE, {**request, "status": status}, subresource="status")


def _is_due(request: Object) -> bool:
    if has_certificate(request) or condition(request, "Failed") is not None:
        return False
    approved, denied = condition(request, "Approved"), condition(request, "Denied")
    return approved is not None and denied is None and request["spec"].get("signerName") in SIGNERS


def sign(
    asked: Asked, usages: list[str] | tuple[str, ...], certificate: bytes, key: bytes, *, seconds: float, now: float
) -> bytes:
    """A certificate (PEM) for what was asked, by the authority of that certificate and key (PEM)."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key

    issuer, signer = x509.load_pem_x509_certificate(certificate), load_pem_private_key(key, None)
    begin, end = _period(seconds, now)
    parsed = asked.parsed
    builder = (
        x509.CertificateBuilder()
        .subject_name(parsed.subject)
        .issuer_name(issuer.subject)
        .public_key(parsed.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(min(end, issuer.not_valid_after_utc))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    )
    if any(each in _KEY_USAGES for each in usages):
        # An empty one would forbid every use, and TLS would refuse the certificate.
        builder = builder.add_extension(_key_usage(usages), critical=True)
    if purposes := [x509.ObjectIdentifier(_PURPOSES[each]) for each in sorted(usages) if each in _PURPOSES]:
        builder = builder.add_extension(x509.ExtendedKeyUsage(purposes), critical=False)
    identifier = issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    authority = x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier)
    builder = builder.add_extension(authority, critical=False)
    try:
        names = parsed.extensions.get_extension_for_class(x509.SubjectAlternativeName)
        builder = builder.add_extension(names.value, critical=names.critical)
    except x509.ExtensionNotFound:
        pass
    return builder.sign(signer, hashes.SHA256()).public_bytes(Encoding.PEM)  # type: ignore[arg-type]


def _period(seconds: float, now: float) -> tuple[datetime, datetime]:
    time, life = datetime.fromtimestamp(int(now), UTC), timedelta(seconds=seconds)
    return time - _BACKDATE, time + (life if life < _SHORT else life - _BACKDATE)


def _key_usage(usages: list[str] | tuple[str, ...]) -> x509.KeyUsage:
    from cryptography import x509

    wanted = {_KEY_USAGES[each] for each in usages if each in _KEY_USAGES}
    if not wanted & {"key_agreement"}:
        wanted -= {"encipher_only", "decipher_only"}
    return x509.KeyUsage(**{field: field in wanted for field in set(_KEY_USAGES.values())})
