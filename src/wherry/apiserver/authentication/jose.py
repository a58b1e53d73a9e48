"""Checking the signatures of other people's tokens: the public keys of a JSON Web Key Set and what they signed.

What always holds: an algorithm is used only with the kind of key it is made for, and `none` and the symmetric ones never.
Source: RFC 7515, RFC 7517, RFC 7518, RFC 8037 (EdDSA).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from wherry.api.types import Object
from wherry.apiserver.authentication.jwt import TokenError, decode_part

_CURVES = {"P-256": ("ES256", 32), "P-384": ("ES384", 48), "P-521": ("ES512", 66)}
"""The algorithm of each curve, and how long a coordinate is."""
_RSA = frozenset({"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"})
ALGORITHMS = _RSA | {algorithm for algorithm, _ in _CURVES.values()} | {"EdDSA"}


@dataclass(frozen=True, slots=True)
class Token:
    """A token taken apart; nothing of it is checked yet."""

    header: Object
    claims: Object
    text: bytes
    """What was signed."""
    signature: bytes

    @property
    def algorithm(self) -> str:
        return str(self.header.get("alg") or "")

    @property
    def key_id(self) -> str:
        return str(self.header.get("kid") or "")


def parse_token(token: str) -> Token:
    """Raises `TokenError` for what is no signed JSON Web Token in its compact form."""
    parts = token.split(".")
    if len(parts) != 3:
        raise TokenError("not a JSON web token")
    header, claims = _object(parts[0]), _object(parts[1])
    text = token[: token.rindex(".")].encode()
    return Token(header, claims, text, decode_part(parts[2]))


def _object(part: str) -> Object:
    try:
        value = orjson.loads(decode_part(part))
    except orjson.JSONDecodeError as error:
        raise TokenError("not JSON") from error
    if not isinstance(value, dict):
        raise TokenError("not a JSON object")
    return value


@dataclass(frozen=True, slots=True)
class PublicKey:
    """One key of a set, and the algorithms that it may be used with."""

    key_id: str
    algorithms: frozenset[str]
    key: Any

    def signed(self, algorithm: str, text: bytes, signature: bytes) -> bool:
        """Whether this key made the signature."""
        from cryptography.exceptions import InvalidSignature

        if algorithm not in self.algorithms:
            return False
        try:
            self._verify(algorithm, text, signature)
        except (InvalidSignature, ValueError):
            return False
        return True

    def _verify(self, algorithm: str, text: bytes, signature: bytes) -> None:
        from cryptography.hazmat.primitives.asymmetric import ec, padding
        from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

        if algorithm == "EdDSA":
            self.key.verify(signature, text)
            return
        digest = _digest(algorithm)
        if algorithm.startswith("RS"):
            self.key.verify(signature, text, padding.PKCS1v15(), digest)
        elif algorithm.startswith("PS"):
            salted = padding.PSS(mgf=padding.MGF1(digest), salt_length=digest.digest_size)
            self.key.verify(signature, text, salted, digest)
        else:
            half = (self.key.key_size + 7) // 8
            if len(signature) != 2 * half:
                raise ValueError("the signature has the wrong length")
            pair = int.from_bytes(signature[:half], "big"), int.from_bytes(signature[half:], "big")
            self.key.verify(encode_dss_signature(*pair), text, ec.ECDSA(digest))


def _digest(algorithm: str) -> Any:
    from cryptography.hazmat.primitives import hashes

    return {"256": hashes.SHA256(), "384": hashes.SHA384(), "512": hashes.SHA512()}[algorithm[2:]]


def key_set(document: object) -> tuple[PublicKey, ...]:
    """The keys of a JSON Web Key Set that can check signatures; others are passed over. Raises `TokenError`."""
    keys = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(keys, list):
        raise TokenError("the key set has no keys")
    return tuple(key for each in keys if isinstance(each, dict) and (key := _public_key(each)) is not None)


def _public_key(jwk: Object) -> PublicKey | None:
    if jwk.get("use") not in (None, "", "sig"):
        return None
    try:
        found = _KINDS[jwk.get("kty") or ""](jwk)
    except (KeyError, ValueError, TypeError, TokenError):
        return None
    algorithms, key = found
    named = jwk.get("alg")
    return PublicKey(str(jwk.get("kid") or ""), algorithms & {named} if named else algorithms, key)


def _rsa(jwk: Object) -> tuple[frozenset[str], Any]:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers

    return _RSA, RSAPublicNumbers(_number(jwk["e"]), _number(jwk["n"])).public_key()


def _elliptic(jwk: Object) -> tuple[frozenset[str], Any]:
    from cryptography.hazmat.primitives.asymmetric import ec

    curves = {"P-256": ec.SECP256R1(), "P-384": ec.SECP384R1(), "P-521": ec.SECP521R1()}
    algorithm, _ = _CURVES[jwk["crv"]]
    numbers = ec.EllipticCurvePublicNumbers(_number(jwk["x"]), _number(jwk["y"]), curves[jwk["crv"]])
    return frozenset({algorithm}), numbers.public_key()


def _edwards(jwk: Object) -> tuple[frozenset[str], Any]:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    if jwk["crv"] != "Ed25519":
        raise ValueError(jwk["crv"])
    return frozenset({"EdDSA"}), Ed25519PublicKey.from_public_bytes(decode_part(jwk["x"]))


def _number(text: str) -> int:
    return int.from_bytes(decode_part(text), "big")


_KINDS = {"RSA": _rsa, "EC": _elliptic, "OKP": _edwards}


def verify(token: Token, keys: Sequence[PublicKey]) -> bool:
    """Whether one of the keys signed the token; a key id narrows the choice to keys of that id."""
    if token.algorithm not in ALGORITHMS:
        return False
    return any(
        key.signed(token.algorithm, token.text, token.signature)
        for key in keys
        if not token.key_id or key.key_id == token.key_id
    )
