"""TLS contexts for server and client, from files or from what is already in memory."""

from __future__ import annotations

import ssl
from pathlib import Path

_PROTOCOLS = ["http/1.1"]


def server_context(certificate: Path, key: Path, *, client_ca: Path | str = "") -> ssl.SSLContext:
    """For a server. With `client_ca` (a file, or PEM text) a client may show a certificate, which must then be valid.

    Raises `OSError` or `ssl.SSLError` where a file cannot be used.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(certificate, key)
    context.set_alpn_protocols(_PROTOCOLS)
    if client_ca:
        context.verify_mode = ssl.CERT_OPTIONAL
        _trust(context, client_ca)
    return context


def client_context(
    *,
    ca: Path | str = "",
    certificate: Path | None = None,
    key: Path | None = None,
    verify: bool = True,
    check_name: bool = True,
) -> ssl.SSLContext:
    """For a client. `ca` is a file or PEM text; empty means the machine's own trust store.

    `check_name=False` trusts any certificate of the CA, whatever its name, for peers that are known by address only.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(_PROTOCOLS)
    context.check_hostname = verify and check_name
    if not verify:
        context.verify_mode = ssl.CERT_NONE
    elif ca:
        _trust(context, ca)
    else:
        context.load_default_certs()
    if certificate is not None:
        context.load_cert_chain(certificate, key)
    return context


def _trust(context: ssl.SSLContext, ca: Path | str) -> None:
    if isinstance(ca, str) and "-----BEGIN" in ca:
        context.load_verify_locations(cadata=ca)
    else:
        context.load_verify_locations(cafile=ca)
