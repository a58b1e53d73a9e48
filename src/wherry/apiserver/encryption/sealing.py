"""The store's seal: which keys are encrypted how, found by the resource that their key names.

"At rest" means on disk: the store's memory, and with it every answer from it, holds plain bytes, as the objects decoded
from them do in any API server. So reads cost nothing, and what is written is encrypted in the thread that writes.
Keys rotate by writing again: `is_stale` tells which objects are not on disk as they would be written now, and an update that
changes nothing is then written all the same.
"""

from __future__ import annotations

from pathlib import Path

from wherry.apiserver.configuration.following import FollowedFile
from wherry.apiserver.configuration.reading import read_file
from wherry.apiserver.encryption.config import ResourceConfig, parse_encryption
from wherry.apiserver.encryption.providers import Provider, provider_of
from wherry.base.clock import Clock
from wherry.base.log import Logger
from wherry.store.port import StoreError

_Providers = tuple[Provider, ...]


class Sealing:
    """A `wherry.store.port.Seal` by the configuration file, followed by `run`. Raises `ConfigurationError`."""

    def __init__(self, path: Path, *, clock: Clock, log: Logger) -> None:
        self._source = path
        self._rules: tuple[ResourceConfig, ...] = ()
        self._found: dict[str, _Providers] = {}
        self._written: dict[str, bytes] = {}
        """The prefix under which each key is on disk, for keys of resources that have providers."""
        data = read_file(path)
        self._load(data)
        self._followed = FollowedFile(path, self._load, loaded=data, clock=clock, log=log)

    def _load(self, data: bytes) -> None:
        rules = parse_encryption(data, source=str(self._source))
        # Two assignments, seen by another thread: providers found by the old rules in between are right for old rules.
        self._rules, self._found = rules, {}

    def look(self) -> None:
        """Read the file now."""
        self._followed.look()

    async def run(self) -> None:
        await self._followed.run()

    def seal(self, key: str, value: bytes) -> bytes:
        """What goes to disk."""
        providers = self._providers(key)
        if not providers:
            return value
        writer = providers[0]
        self._written[key] = writer.prefix
        return writer.seal(value, key.encode())

    def unseal(self, key: str, value: bytes) -> bytes:
        """What was given to `seal`. Raises `StoreError` where no provider can read it."""
        providers = self._providers(key)
        if not providers and not value.startswith(b"k8s:enc:"):
            return value
        for provider in providers:
            if provider.made(value):
                try:
                    plain = provider.open(value, key.encode())
                except ValueError as error:
                    raise StoreError(f"{key}: cannot be decrypted: {error}") from error
                self._written[key] = provider.prefix
                return plain
        raise StoreError(
            f"{key}: no provider of {self._source} can read it: add the key it was encrypted with, "
            "or identity where it was not encrypted"
        )

    def is_stale(self, key: str) -> bool:
        """Whether writing the same again would change what is on disk."""
        providers = self._providers(key)
        written = self._written.get(key, b"")
        return written != (providers[0].prefix if providers else b"")

    def forget(self, key: str) -> None:
        """The key is gone."""
        self._written.pop(key, None)

    def _providers(self, key: str) -> _Providers:
        _, _, group, plural, _ = key.split("/", 4)
        resource = f"{plural}.{'' if group == 'core' else group}"
        found = self._found.get(resource)
        if found is None:
            found = self._found[resource] = self._matching(resource)
        return found

    def _matching(self, resource: str) -> _Providers:
        """Of the first entry that names the resource (`secrets.`, `deployments.apps`)."""
        plural, _, group = resource.partition(".")
        wanted = {plural if not group else resource, f"*.{group}", "*.*"}
        for rule in self._rules:
            if wanted & set(rule.resources):
                return tuple(map(provider_of, rule.providers))
        return ()
