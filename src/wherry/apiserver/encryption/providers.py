"""The providers: how a value is turned into what is on disk, `k8s:enc:PROVIDER:v1:KEY:` and the ciphertext, and back.

Source: k8s.io/apiserver/pkg/storage/value/encrypt (the layouts).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from wherry.apiserver.encryption.config import IDENTITY, ProviderConfig
from wherry.apiserver.encryption.salsa import NONCE_BYTES, seal, unseal

_MARK = b"k8s:enc:"
_GCM_NONCE = 12
_BLOCK = 16
Cipher = Callable[[bytes, bytes, bytes], bytes]
"""`(secret, data, context)`; the context (the key of the object) is bound to the ciphertext where the provider can."""


@dataclass(frozen=True, slots=True)
class Provider:
    """One key of one provider. `open` raises `ValueError`."""

    prefix: bytes
    secret: bytes
    encrypt: Cipher
    decrypt: Cipher

    def seal(self, data: bytes, context: bytes) -> bytes:
        return self.prefix + self.encrypt(self.secret, data, context)

    def open(self, data: bytes, context: bytes) -> bytes:
        return self.decrypt(self.secret, data[len(self.prefix) :], context)

    def made(self, data: bytes) -> bool:
        """Whether this key made it, by what is written before it."""
        return data.startswith(self.prefix) if self.prefix else not data.startswith(_MARK)


def provider_of(config: ProviderConfig) -> Provider:
    prefix = b"" if config.kind == IDENTITY else f"k8s:enc:{config.kind}:v1:{config.key_name}:".encode()
    return Provider(prefix, config.secret, *_CIPHERS[config.kind])


def _same(secret: bytes, data: bytes, context: bytes) -> bytes:
    return data


def _to_gcm(secret: bytes, data: bytes, context: bytes) -> bytes:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    nonce = os.urandom(_GCM_NONCE)
    return nonce + AESGCM(secret).encrypt(nonce, data, context)


def _from_gcm(secret: bytes, data: bytes, context: bytes) -> bytes:
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    try:
        return AESGCM(secret).decrypt(data[:_GCM_NONCE], data[_GCM_NONCE:], context)
    except InvalidTag as error:
        raise ValueError("the data was not encrypted with this key") from error


def _to_cbc(secret: bytes, data: bytes, context: bytes) -> bytes:
    from cryptography.hazmat.primitives.ciphers import Cipher as AnyCipher
    from cryptography.hazmat.primitives.ciphers import algorithms, modes

    vector, padding = os.urandom(_BLOCK), _BLOCK - len(data) % _BLOCK
    encryptor = AnyCipher(algorithms.AES(secret), modes.CBC(vector)).encryptor()
    return vector + encryptor.update(data + bytes([padding]) * padding) + encryptor.finalize()


def _from_cbc(secret: bytes, data: bytes, context: bytes) -> bytes:
    from cryptography.hazmat.primitives.ciphers import Cipher as AnyCipher
    from cryptography.hazmat.primitives.ciphers import algorithms, modes

    vector, ciphertext = data[:_BLOCK], data[_BLOCK:]
    if not ciphertext or len(ciphertext) % _BLOCK:
        raise ValueError("the stored data is not a multiple of the block size")
    decryptor = AnyCipher(algorithms.AES(secret), modes.CBC(vector)).decryptor()
    padded = decryptor.update(ciphertext) + decryptor.finalize()
    padding = padded[-1]
    if not 1 <= padding <= _BLOCK or padded[-padding:] != bytes([padding]) * padding:
        raise ValueError("invalid padding on input: the data was not encrypted with this key")
    return padded[:-padding]


def _to_box(secret: bytes, data: bytes, context: bytes) -> bytes:
    nonce = os.urandom(NONCE_BYTES)
    return nonce + seal(secret, nonce, data)


def _from_box(secret: bytes, data: bytes, context: bytes) -> bytes:
    return unseal(secret, data[:NONCE_BYTES], data[NONCE_BYTES:])


_CIPHERS: Mapping[str, tuple[Cipher, Cipher]] = {
    "aesgcm": (_to_gcm, _from_gcm),
    "aescbc": (_to_cbc, _from_cbc),
    "secretbox": (_to_box, _from_box),
    IDENTITY: (_same, _same),
}
