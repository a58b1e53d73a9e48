"""JSON Web Tokens as Kubernetes signs them: RS256 and ES256, nothing else.

Source: RFC 7515, RFC 7518, RFC 7638 (key ids: upstream takes the hash of the public key's DER).
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any

import orjson

from wherry.api.types import Object


class TokenError(Exception):
    """The token is no token, or not one of ours."""


def encode_part(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def decode_part(text: str) -> bytes:
    """Raises `TokenError`."""
    try:
        return urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError as error:
        raise TokenError("not base64url") from error


def unverified_claims(token: str) -> Object:
    """What a token says of itself. Raises `TokenError`."""
    parts = token.split(".")
    if len(parts) != 3:
        raise TokenError("not a JSON web token")
    try:
        claims = orjson.loads(decode_part(parts[1]))
    except orjson.JSONDecodeError as error:
        raise TokenError("claims are no JSON") from error
    if not isinstance(claims, dict):
        raise TokenError("claims are no object")
    return claims


class SigningKey:
    """A private key (PEM; ECDSA P-256 or RSA) that signs and verifies. The key is parsed when first needed."""

    def __init__(self, pem: bytes) -> None:
        self._pem = pem
        self._loaded: Any = None
        self._key_id = ""

    @property
    def _private(self) -> Any:
        if self._loaded is None:
            from cryptography.hazmat.primitives.serialization import load_pem_private_key

            self._loaded = load_pem_private_key(self._pem, None)
        return self._loaded

    @property
    def algorithm(self) -> str:
        from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

        return "RS256" if isinstance(self._private, RSAPrivateKey) else "ES256"

    @property
    def key_id(self) -> str:
        if not self._key_id:
            from hashlib import sha256

            from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

            der = self._private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
            self._key_id = encode_part(sha256(der).digest())
        return self._key_id

    def sign(self, claims: Object) -> str:
        header = {"alg": self.algorithm, "kid": self.key_id}
        text = f"{encode_part(orjson.dumps(header))}.{encode_part(orjson.dumps(claims))}"
        return f"{text}.{encode_part(self._signature(text.encode()))}"

    def _signature(self, text: bytes) -> bytes:
        from cryptography.hazmat.primitives.asymmetric import ec, padding
        from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
        from cryptography.hazmat.primitives.hashes import SHA256

        if self.algorithm == "RS256":
            signed: bytes = self._private.sign(text, padding.PKCS1v15(), SHA256())
            return signed
        r, s = decode_dss_signature(self._private.sign(text, ec.ECDSA(SHA256())))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")

    def verify(self, token: str) -> Object:
        """The claims of a token that this key signed. Raises `TokenError`."""
        claims = unverified_claims(token)
        text, _, signature = token.rpartition(".")
        try:
            header = orjson.loads(decode_part(text.partition(".")[0]))
        except orjson.JSONDecodeError as error:
            raise TokenError("header is no JSON") from error
        if not isinstance(header, dict) or header.get("alg") != self.algorithm:
            raise TokenError("signed with another algorithm")
        self._check(text.encode(), decode_part(signature))
        return claims

    def _check(self, text: bytes, signature: bytes) -> None:
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric import ec, padding
        from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
        from cryptography.hazmat.primitives.hashes import SHA256

        public = self._private.public_key()
        try:
            if self.algorithm == "RS256":
                public.verify(signature, text, padding.PKCS1v15(), SHA256())
            elif len(signature) != 64:
                raise TokenError("the signature has the wrong length")
            else:
                pair = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
                public.verify(encode_dss_signature(*pair), text, ec.ECDSA(SHA256()))
        except InvalidSignature as error:
            raise TokenError("the signature is wrong") from error

    def jwk(self) -> Object:
        """The public half as a JSON Web Key."""
        numbers = self._private.public_key().public_numbers()
        common = {"use": "sig", "kid": self.key_id, "alg": self.algorithm}
        if self.algorithm == "RS256":
            return {"kty": "RSA", **common, "n": _number(numbers.n), "e": _number(numbers.e)}
        x, y = numbers.x.to_bytes(32, "big"), numbers.y.to_bytes(32, "big")
        return {"kty": "EC", **common, "crv": "P-256", "x": encode_part(x), "y": encode_part(y)}


def _number(value: int) -> str:
    return encode_part(value.to_bytes((value.bit_length() + 7) // 8, "big"))
