"""Authentication as a server's configuration says, and the files of it that may change while the server runs."""

from __future__ import annotations

import asyncio

from wherry.apiserver.authentication.authenticator import Authenticator
from wherry.apiserver.authentication.bootstrap_tokens import BootstrapTokens
from wherry.apiserver.authentication.issuer_config import Anonymous, parse_authentication
from wherry.apiserver.authentication.request_header import RequestHeaders
from wherry.apiserver.authentication.token_file import parse_token_file
from wherry.apiserver.authentication.webhook import WebhookTokens
from wherry.apiserver.config import ServerConfig
from wherry.apiserver.configuration.following import FollowedFile
from wherry.apiserver.configuration.reading import read_file
from wherry.apiserver.outgoing import endpoint_of_kubeconfig
from wherry.apiserver.tokens import ServiceAccountTokens
from wherry.base.clock import Clock
from wherry.base.log import Logger
from wherry.policy.user import User
from wherry.store.port import Store
from wherry.wire.client import HttpClient


class Authentication:
    """Makes the `authenticator`; a component that follows the configuration file. Raises `ConfigurationError`."""

    def __init__(
        self, config: ServerConfig, *, tokens: ServiceAccountTokens | None, store: Store, clock: Clock, log: Logger
    ) -> None:
        self._config = config
        self._clock = clock
        self._http = HttpClient(clock=clock)
        self._audiences = tokens.audiences if tokens is not None else config.audiences or (config.issuer,)
        options = config.request_header
        self.authenticator = Authenticator(
            service_accounts=tokens,
            static_tokens=_static_tokens(config),
            bootstrap=BootstrapTokens(store, clock),
            webhook=self._webhook(),
            request_headers=RequestHeaders(options) if options is not None else None,
            anonymous=config.anonymous,
            audiences=self._audiences,
        )
        self._followed: FollowedFile | None = None
        if config.authentication_config is not None:
            data = read_file(config.authentication_config)
            self._load(data)
            self._followed = FollowedFile(config.authentication_config, self._load, loaded=data, clock=clock, log=log)

    def _webhook(self) -> WebhookTokens | None:
        config = self._config
        if config.authentication_webhook is None:
            return None
        return WebhookTokens(
            endpoint_of_kubeconfig(config.authentication_webhook),
            http=self._http,
            clock=self._clock,
            audiences=self._audiences,
            cache_seconds=config.authentication_webhook_seconds,
        )

    def _load(self, data: bytes) -> None:
        """Take over what the file says, from the next request on. Raises `ConfigurationError`."""
        from wherry.apiserver.authentication.issuers import Issuers  # with the engine for expressions

        config = self._config
        source = str(config.authentication_config)
        found = parse_authentication(data, source=source, disallowed=(config.issuer,))
        issuers = Issuers(found.issuers, source=source, http=self._http, clock=self._clock)
        self.authenticator.issuers = issuers
        self.authenticator.anonymous = found.anonymous or Anonymous(config.anonymous)

    async def run(self) -> None:
        try:
            if self._followed is not None:
                await self._followed.run()
            else:
                await asyncio.Event().wait()
        finally:
            await self.aclose()

    async def aclose(self) -> None:
        await self._http.aclose()


def _static_tokens(config: ServerConfig) -> dict[str, User]:
    if config.token_file is None:
        return dict(config.static_tokens)
    found = parse_token_file(read_file(config.token_file), source=str(config.token_file))
    return {**config.static_tokens, **found}
