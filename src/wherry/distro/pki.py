"""The cluster's own certificate authority and what it signs.

Keys are ECDSA P-256: they are made in under a millisecond, and every client that speaks TLS 1.2 knows them. Files are
written with mode 0600 (keys) and never overwritten while they are good: a certificate is renewed when less than a third
of its life is left, when a name or address is missing from it, or when the authority has changed.
"""

from __future__ import annotations

import binascii
import fcntl
import ipaddress
import os
import re
import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from wherry.base.clock import Clock
from wherry.base.files import write_atomic

if TYPE_CHECKING:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

CA_DAYS = 3650
LEAF_DAYS = 365
_PEM_KEY = re.compile(rb"-----BEGIN [A-Z ]*KEY-----\s(.*)\s-----END [A-Z ]*KEY-----", re.DOTALL)
_CLOCK_SKEW = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class KeyPair:
    """Where a certificate and its key lie."""

    certificate: Path
    key: Path

    def exists(self) -> bool:
        return self.certificate.exists() and self.key.exists()


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """What a certificate says: who (CN), in which groups (O), reachable as (SANs), for which use."""

    common_name: str
    organizations: tuple[str, ...] = ()
    dns_names: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()
    server: bool = False
    client: bool = False


class PkiDamaged(Exception):
    """What is kept of the authority cannot be used; the message is one line with a way out."""


class Authority:
    """A certificate authority in a directory: `ca.crt` and `ca.key`, made at first use.

    `issue` gives a signed pair and keeps it in the same directory under the given file name. Several processes may use
    one directory: they take turns in making pairs.
    """

    def __init__(self, directory: Path, *, clock: Clock, name: str = "wherry-ca") -> None:
        self._directory = directory
        self._clock = clock
        self._name = name
        self.pair = KeyPair(directory / "ca.crt", directory / "ca.key")

    def ensure(self) -> bytes:
        """Make the authority if it is not there; gives its certificate as PEM. Raises `PkiDamaged`."""
        if not self.pair.exists():
            self._create()
        if not _is_usable(self.pair):
            raise PkiDamaged(
                f"the certificate authority in {self._directory} is damaged: remove that directory, and all certificates "
                "are made anew at the next start"
            )
        return self.pair.certificate.read_bytes()

    def issue(self, file_name: str, profile: Profile) -> KeyPair:
        """A certificate for the profile: the one on disk while it is good, else a new one."""
        pair = self._pair(file_name)
        with self._turn():
            if not self._is_good(pair, self._marker(file_name), self._fingerprint(profile)):
                self._renew(file_name, profile)
        return pair

    def renew(self, file_name: str, profile: Profile) -> KeyPair:
        """A new certificate for the profile, however good the one on disk may be."""
        with self._turn():
            self._renew(file_name, profile)
        return self._pair(file_name)

    def adopt(self, file_name: str, profile: Profile, certificate: bytes, key: bytes) -> KeyPair:
        """Keep a pair (PEM) that was made elsewhere, by a certificate request, as if `issue` had made it."""
        from cryptography import x509

        with self._turn():
            self._keep(file_name, profile, x509.load_pem_x509_certificate(certificate), key)
        return self._pair(file_name)

    def life(self, file_name: str) -> tuple[float, float]:
        """From when to when the certificate on disk is valid, in seconds since 1970. Raises `OSError`, `ValueError`."""
        begin, end = self._marker(file_name).read_text().split("\n", 1)[0].split()
        return float(begin), float(end)

    def _pair(self, file_name: str) -> KeyPair:
        return KeyPair(self._directory / f"{file_name}.crt", self._directory / f"{file_name}.key")

    def _marker(self, file_name: str) -> Path:
        """A file that says of a pair what would otherwise cost loading a library at every start."""
        return self._directory / f".{file_name}.profile"

    def _renew(self, file_name: str, profile: Profile) -> None:
        certificate, key = self._sign(profile)
        self._keep(file_name, profile, certificate, _private_pem(key))

    def _keep(self, file_name: str, profile: Profile, certificate: x509.Certificate, key: bytes) -> None:
        _write_pair(self._pair(file_name), certificate, key)
        begin, end = certificate.not_valid_before_utc.timestamp(), certificate.not_valid_after_utc.timestamp()
        words = f"{begin} {end}\n{self._fingerprint(profile)}"
        write_atomic(self._marker(file_name), words.encode(), durable=False)

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """Without it the key of one process could meet the certificate of another."""
        descriptor = os.open(self._directory, os.O_RDONLY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def _is_good(self, pair: KeyPair, marker: Path, wanted: str) -> bool:
        try:
            life, _, found = marker.read_text().partition("\n")
            remaining = float(life.split()[-1]) - self._clock.now()
        except (OSError, ValueError, IndexError):
            return False
        return found == wanted and remaining > LEAF_DAYS * 86400 / 3 and _is_usable(pair)

    def sign_request(self, profile: Profile, public_key: object, *, days: float) -> bytes:
        """A certificate (PEM) for somebody else's key, as the CSR signer needs it."""
        from cryptography.hazmat.primitives.serialization import Encoding

        return self._build(profile, public_key, timedelta(days=days)).public_bytes(Encoding.PEM)

    def _fingerprint(self, profile: Profile) -> str:
        from hashlib import sha256

        return sha256(repr(profile).encode() + self.pair.certificate.read_bytes()).hexdigest()

    def _create(self) -> None:
        from cryptography import x509
        from cryptography.hazmat.primitives import hashes
        from cryptography.hazmat.primitives.asymmetric import ec

        self._directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        key = ec.generate_private_key(ec.SECP256R1())
        name = _name(self._name, ())
        begin = self._now() - _CLOCK_SKEW
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(begin)
            .not_valid_after(begin + timedelta(days=CA_DAYS))
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .add_extension(_key_usage(authority=True), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .sign(key, hashes.SHA256())
        )
        _write_pair(self.pair, certificate, _private_pem(key))

    def _sign(self, profile: Profile) -> tuple[x509.Certificate, EllipticCurvePrivateKey]:
        from cryptography.hazmat.primitives.asymmetric import ec

        key = ec.generate_private_key(ec.SECP256R1())
        return self._build(profile, key.public_key(), timedelta(days=LEAF_DAYS)), key

    def _build(self, profile: Profile, public_key: object, life: timedelta) -> x509.Certificate:
        from cryptography import x509
        from cryptography.hazmat.primitives import hashes
        from cryptography.hazmat.primitives.serialization import load_pem_private_key

        issuer = x509.load_pem_x509_certificate(self.pair.certificate.read_bytes())
        issuer_key = load_pem_private_key(self.pair.key.read_bytes(), None)
        begin = self._now() - _CLOCK_SKEW
        identifier = issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
        builder = (
            x509.CertificateBuilder()
            .subject_name(_name(profile.common_name, profile.organizations))
            .issuer_name(issuer.subject)
            .public_key(public_key)  # type: ignore[arg-type]
            .serial_number(x509.random_serial_number())
            .not_valid_before(begin)
            .not_valid_after(min(begin + life, issuer.not_valid_after_utc))
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_key_usage(authority=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage(_usages(profile)), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier), critical=False)
        )
        if names := _alternative_names(profile.dns_names, profile.addresses):
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        return builder.sign(issuer_key, hashes.SHA256())  # type: ignore[arg-type]

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock.now(), UTC)


def _is_usable(pair: KeyPair) -> bool:
    """Whether both files can be read and belong together."""
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(pair.certificate, pair.key)
    except OSError:  # ssl.SSLError is one
        return False
    return True


def ensure_signing_key(path: Path) -> bytes:
    """The key that signs service account tokens (PEM, ECDSA P-256: ES256), made at first use. Raises `PkiDamaged`."""
    if not path.exists():
        from cryptography.hazmat.primitives.asymmetric import ec

        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_atomic(path, _private_pem(ec.generate_private_key(ec.SECP256R1())), mode=0o600)
    content = path.read_bytes()
    if not _is_whole_pem(content):
        raise PkiDamaged(f"{path} is damaged: remove it, and a new key signs the tokens of service accounts")
    return content


def _is_whole_pem(content: bytes) -> bool:
    """Whether it is a key that has not been cut, without loading a library to read it."""
    found = _PEM_KEY.fullmatch(content.strip())
    try:
        der = binascii.a2b_base64(found[1], strict_mode=False) if found else b""
    except binascii.Error:
        return False
    # A DER sequence says how long it is: in one byte, or in as many as the low bits of that byte tell.
    if len(der) < 2 or der[0] != 0x30:
        return False
    size = der[1] & 0x7F if der[1] & 0x80 else 0
    return len(der) == 2 + size + (int.from_bytes(der[2 : 2 + size], "big") if size else der[1])


def _usages(profile: Profile) -> list[x509.ObjectIdentifier]:
    from cryptography.x509.oid import ExtendedKeyUsageOID

    wanted = ((profile.server, ExtendedKeyUsageOID.SERVER_AUTH), (profile.client, ExtendedKeyUsageOID.CLIENT_AUTH))
    return [usage for wish, usage in wanted if wish]


def _alternative_names(dns_names: Sequence[str], addresses: Sequence[str]) -> list[x509.GeneralName]:
    from cryptography import x509

    names: list[x509.GeneralName] = [x509.DNSName(name) for name in dns_names]
    return names + [x509.IPAddress(ipaddress.ip_address(address)) for address in addresses]


def _name(common_name: str, organizations: Sequence[str]) -> x509.Name:
    from cryptography import x509
    from cryptography.x509.oid import NameOID

    return x509.Name(
        [x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization) for organization in organizations]
        + [x509.NameAttribute(NameOID.COMMON_NAME, common_name)]
    )


def _key_usage(*, authority: bool) -> x509.KeyUsage:
    from cryptography import x509

    return x509.KeyUsage(
        digital_signature=True,
        key_encipherment=not authority,
        key_cert_sign=authority,
        crl_sign=authority,
        content_commitment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _private_pem(key: EllipticCurvePrivateKey) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _write_pair(pair: KeyPair, certificate: x509.Certificate, key: bytes) -> None:
    from cryptography.hazmat.primitives.serialization import Encoding

    # The key first: a certificate without its key would look complete after a crash between the two.
    write_atomic(pair.key, key, mode=0o600)
    write_atomic(pair.certificate, certificate.public_bytes(Encoding.PEM))
