"""An OpenID Connect issuer on a port of its own: discovery and key set over TLS, tokens signed with any algorithm."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from wherry.api.types import Object
from wherry.apiserver.authentication.jwt import encode_part
from wherry.base.clock import Clock, RealClock
from wherry.distro.pki import Authority, Profile
from wherry.wire.listen import listen
from wherry.wire.messages import Request, Response
from wherry.wire.server import serve
from wherry.wire.tls import server_context

_CURVES = {"ES256": ("P-256", ec.SECP256R1()), "ES384": ("P-384", ec.SECP384R1()), "ES512": ("P-521", ec.SECP521R1())}
_DIGESTS = {"256": hashes.SHA256(), "384": hashes.SHA384(), "512": hashes.SHA512()}


class ProviderKey:
    """A key with its id; `algorithm` is one of RS, PS and ES with 256, 384 or 512, or EdDSA."""

    def __init__(self, key_id: str, algorithm: str = "ES256") -> None:
        self.key_id = key_id
        self.algorithm = algorithm
        self._key: Any = _new_key(algorithm)

    def jwk(self) -> Object:
        public, common = self._key.public_key(), {"kid": self.key_id, "alg": self.algorithm, "use": "sig"}
        if self.algorithm == "EdDSA":
            return {**common, "kty": "OKP", "crv": "Ed25519", "x": encode_part(public.public_bytes_raw())}
        numbers = public.public_numbers()
        if self.algorithm in _CURVES:
            size = (public.key_size + 7) // 8
            curve = _CURVES[self.algorithm][0]
            return {**common, "kty": "EC", "crv": curve, "x": _number(numbers.x, size), "y": _number(numbers.y, size)}
        return {**common, "kty": "RSA", "n": _number(numbers.n, 256), "e": _number(numbers.e, 3)}

    def sign(self, claims: Object) -> str:
        header = {"alg": self.algorithm, "kid": self.key_id}
        text = f"{encode_part(orjson.dumps(header))}.{encode_part(orjson.dumps(claims))}"
        return f"{text}.{encode_part(self._signature(text.encode()))}"

    def _signature(self, text: bytes) -> bytes:
        if self.algorithm == "EdDSA":
            signed: bytes = self._key.sign(text)
            return signed
        digest = _DIGESTS[self.algorithm[2:]]
        if self.algorithm in _CURVES:
            size = (self._key.key_size + 7) // 8
            r, s = decode_dss_signature(self._key.sign(text, ec.ECDSA(digest)))
            return r.to_bytes(size, "big") + s.to_bytes(size, "big")
        pss = padding.PSS(mgf=padding.MGF1(digest), salt_length=digest.digest_size)
        rsa_padding = padding.PKCS1v15() if self.algorithm.startswith("RS") else pss
        with_rsa: bytes = self._key.sign(text, rsa_padding, digest)
        return with_rsa


def _new_key(algorithm: str) -> Any:
    if algorithm == "EdDSA":
        return ed25519.Ed25519PrivateKey.generate()
    if algorithm in _CURVES:
        return ec.generate_private_key(_CURVES[algorithm][1])
    return rsa.generate_private_key(65537, 2048)


def _number(value: int, size: int) -> str:
    return encode_part(value.to_bytes(size, "big"))


@dataclass
class Provider:
    """The issuer. `keys` are those that it publishes; `asked` has the paths that were asked for."""

    clock: Clock
    ca: str
    """PEM."""
    url: str = ""
    issuer: str = ""
    """What the discovery document says; the URL unless changed."""
    keys: list[ProviderKey] = field(default_factory=lambda: [ProviderKey("first")])
    asked: list[str] = field(default_factory=list)

    def token(self, claims: Object, *, key: ProviderKey | None = None, seconds: float = 3600) -> str:
        """A token for those claims; `iss`, `aud` and the times are filled in."""
        now = int(self.clock.now())
        common = {"iss": self.url, "aud": "wherry", "iat": now, "nbf": now, "exp": now + int(seconds)}
        return (key or self.keys[0]).sign({**common, **claims})

    def handle(self, request: Request) -> Response:
        self.asked.append(request.path)
        if request.path == "/.well-known/openid-configuration":
            document: Object = {"issuer": self.issuer, "jwks_uri": f"{self.url}/keys"}
            return Response(200, orjson.dumps(document))
        if request.path == "/keys":
            return Response(200, orjson.dumps({"keys": [key.jwk() for key in self.keys]}))
        return Response(404)


@asynccontextmanager
async def identity_provider(directory: Path, *, clock: Clock) -> AsyncIterator[Provider]:
    """Serve until the block ends; certificates are written below `directory`."""
    # Certificates are checked by OpenSSL, which knows one clock only.
    authority = Authority(directory / "issuer-pki", clock=RealClock())
    ca = authority.ensure().decode()
    profile = Profile(common_name="issuer", dns_names=("localhost",), addresses=("127.0.0.1",), server=True)
    pair = authority.issue("issuer", profile)
    sockets = listen(("127.0.0.1",), 0)
    provider = Provider(clock, ca)
    provider.url = provider.issuer = f"https://127.0.0.1:{sockets[0].getsockname()[1]}"
    server = await serve(provider.handle, sockets=sockets, tls=server_context(pair.certificate, pair.key))
    try:
        yield provider
    finally:
        await server.close(grace_seconds=0.1)
