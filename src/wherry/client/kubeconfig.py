"""Kubeconfig files: which cluster, as whom, in which namespace. Read, merged and written as kubectl and kind do it.

Of several files (`KUBECONFIG` lists them) the first that names a cluster, user or context wins, and the first
current-context. Paths inside a file are relative to it.
Source: kubernetes.io "Organizing Cluster Access Using kubeconfig Files"; kind's pkg/cluster/internal/kubeconfig.
"""

from __future__ import annotations

import base64
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wherry.api.types import Object
from wherry.base.files import write_atomic

_FILE_FIELDS = {"clusters": ("certificate-authority",), "users": ("client-certificate", "client-key", "tokenFile")}
_PARTS = {"clusters": "cluster", "users": "user", "contexts": "context"}
_LOCK_TRIES = 40
_LOCK_PAUSE_SECONDS = 0.05


class KubeconfigError(Exception):
    """The configuration cannot be read or does not say what is needed; the message is for people."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """All that a transport needs, with the files' contents read."""

    server: str
    namespace: str = "default"
    ca: bytes = b""
    cert: bytes = b""
    key: bytes = b""
    token: str = ""
    username: str = ""
    password: str = ""
    insecure: bool = False
    server_name: str = ""
    context: str = ""


def paths(environ: Mapping[str, str] | None = None) -> list[Path]:
    """The files to read: those of KUBECONFIG, else `~/.kube/config`."""
    environment = os.environ if environ is None else environ
    named = [Path(part) for part in environment.get("KUBECONFIG", "").split(os.pathsep) if part]
    home = Path(environment.get("HOME") or Path.home())
    return named or [home / ".kube" / "config"]


def path_to_write(environ: Mapping[str, str] | None = None) -> Path:
    """The file that a merge goes to: the first that exists, else the last."""
    candidates = paths(environ)
    return next((path for path in candidates if path.exists()), candidates[-1])


def empty() -> Object:
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "preferences": {},
        "clusters": [],
        "users": [],
        "contexts": [],
        "current-context": "",
    }


def load(files: Sequence[Path]) -> Object:
    """One configuration out of several files; those that do not exist count as empty. Raises `KubeconfigError`."""
    merged = empty()
    for path in files:
        found = _read(path)
        merged["current-context"] = merged["current-context"] or found.get("current-context") or ""
        for part in _PARTS:
            taken = {entry["name"] for entry in merged[part]}
            merged[part] += [e for e in _absolute(part, found.get(part) or (), path.parent) if e["name"] not in taken]
    return merged


def connection(config: Object, context: str = "") -> Connection:
    """What a context (the current one unless named) says. Raises `KubeconfigError`."""
    name = context or config.get("current-context") or ""
    if not name:
        raise KubeconfigError("no context is set: name one with --context, or start a cluster with `wherry up`")
    chosen = _named(config, "contexts", name)
    cluster = _named(config, "clusters", chosen.get("cluster", ""))
    user = _named(config, "users", chosen["user"]) if chosen.get("user") else {}
    if "exec" in user or "auth-provider" in user:
        raise KubeconfigError(f'user "{chosen["user"]}": credential plugins are not supported')
    token_file = user.get("tokenFile")
    return Connection(
        server=cluster.get("server", ""),
        namespace=chosen.get("namespace") or "default",
        ca=_content(cluster, "certificate-authority"),
        cert=_content(user, "client-certificate"),
        key=_content(user, "client-key"),
        token=_file(token_file).decode().strip() if token_file else user.get("token", ""),
        username=user.get("username", ""),
        password=user.get("password", ""),
        insecure=bool(cluster.get("insecure-skip-tls-verify")),
        server_name=cluster.get("tls-server-name", ""),
        context=name,
    )


def entry(
    name: str, *, server: str, ca: bytes, cert: bytes = b"", key: bytes = b"", token: str = "", namespace: str = ""
) -> Object:
    """A whole configuration for one cluster; cluster, user and context all carry its name."""

    def encoded(data: bytes) -> str:
        return base64.b64encode(data).decode()

    user = {"token": token} if token else {}
    if cert:
        user |= {"client-certificate-data": encoded(cert), "client-key-data": encoded(key)}
    context = {"cluster": name, "user": name, **({"namespace": namespace} if namespace else {})}
    return empty() | {
        "clusters": [{"name": name, "cluster": {"server": server, "certificate-authority-data": encoded(ca)}}],
        "users": [{"name": name, "user": user}],
        "contexts": [{"name": name, "context": context}],
        "current-context": name,
    }


def merge_into(path: Path, new: Object) -> None:
    """Put a configuration's entries into a file, replacing those of the same names, and make its context current."""
    with _locked(path):
        config = empty() | _read(path)
        for part in _PARTS:
            names = {entry["name"] for entry in new[part]}
            config[part] = [e for e in config[part] or () if e["name"] not in names] + new[part]
        config["current-context"] = new["current-context"] or config["current-context"]
        _write(path, config)


def remove_from(path: Path, name: str) -> bool:
    """Take the cluster, user and context of that name out of a file; tells whether there was anything."""
    if not path.exists():
        return False
    with _locked(path):
        config = empty() | _read(path)
        kept: Object = {part: [e for e in config[part] or () if e["name"] != name] for part in _PARTS}
        changed = any(len(kept[part]) != len(config[part] or ()) for part in _PARTS)
        if config["current-context"] == name:
            kept["current-context"], changed = "", True
        if changed:
            _write(path, config | kept)
    return changed


def dump(config: Object) -> bytes:
    """The configuration as YAML."""
    import yaml

    dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    text: str = yaml.dump(config, Dumper=dumper, sort_keys=True)
    return text.encode()


def save(path: Path, config: Object) -> None:
    """Write a configuration to a file of its own, readable by its owner only."""
    with _locked(path):
        _write(path, config)


def _write(path: Path, config: Object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(path.resolve(), dump(config), mode=0o600, durable=False)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold `<path>.lock`, the lock that kubectl and kind take."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = path.with_name(path.name + ".lock")
    for attempt in range(_LOCK_TRIES):
        try:
            os.close(os.open(lock, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
            break
        except FileExistsError:
            if attempt + 1 == _LOCK_TRIES:
                raise KubeconfigError(f"{lock} exists: somebody else is writing; remove it if not") from None
            time.sleep(_LOCK_PAUSE_SECONDS)
    try:
        yield
    finally:
        lock.unlink(missing_ok=True)


def _read(path: Path) -> Object:
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise KubeconfigError(f"cannot read {path}: {error.strerror}") from error
    from wherry.machinery.yaml.reader import YamlError, load

    try:
        found = load(data)
    except YamlError as error:
        raise KubeconfigError(f"{path} is not YAML: {error}") from error
    if found is not None and not isinstance(found, dict):
        raise KubeconfigError(f"{path} is not a kubeconfig: expected a mapping")
    return found or {}


def _absolute(part: str, entries: Sequence[Object], base: Path) -> list[Object]:
    """Entries with the paths inside them made absolute."""
    result = []
    for found in entries:
        body = dict(found.get(_PARTS[part]) or {})
        for name in _FILE_FIELDS.get(part, ()):
            if body.get(name):
                body[name] = str(base / body[name])
        result.append({"name": found["name"], _PARTS[part]: body})
    return result


def _named(config: Object, part: str, name: str) -> Any:
    for found in config.get(part) or ():
        if found["name"] == name:
            return found.get(_PARTS[part]) or {}
    raise KubeconfigError(f'{_PARTS[part]} "{name}" does not exist')


def _content(body: Object, name: str) -> bytes:
    if inline := body.get(f"{name}-data"):
        return base64.b64decode(inline)
    return _file(body[name]) if body.get(name) else b""


def _file(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise KubeconfigError(f"cannot read {path}: {error.strerror}") from error
