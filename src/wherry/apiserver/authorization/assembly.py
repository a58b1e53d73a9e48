"""The chain of authorizers as a server's configuration says, followed while the server runs."""

from __future__ import annotations

import asyncio

from wherry.apiserver.authorization.attributes import ALLOW, Attributes, Decision
from wherry.apiserver.authorization.authorizer import Authorizer, Mode
from wherry.apiserver.authorization.chain_config import AuthorizerConfig, parse_authorization
from wherry.apiserver.authorization.webhook import WebhookAuthorizer
from wherry.apiserver.config import ServerConfig
from wherry.apiserver.configuration.following import FollowedFile
from wherry.apiserver.configuration.reading import read_file
from wherry.base.clock import Clock
from wherry.base.log import Logger
from wherry.policy.user import User
from wherry.wire.client import HttpClient


class Authorization:
    """Makes the `authorizer`; a component that follows the configuration file. Raises `ConfigurationError`."""

    def __init__(self, config: ServerConfig, *, clock: Clock, log: Logger) -> None:
        self._source = str(config.authorization_config)
        self._clock = clock
        self._http = HttpClient(clock=clock)
        self.authorizer = Authorizer(enabled=config.rbac or config.authorization_config is not None)
        self._followed: FollowedFile | None = None
        if config.authorization_config is not None:
            data = read_file(config.authorization_config)
            self._load(data)
            self._followed = FollowedFile(config.authorization_config, self._load, loaded=data, clock=clock, log=log)

    def _load(self, data: bytes) -> None:
        """Ask the authorizers of the file from the next request on. Raises `ConfigurationError`."""
        self.authorizer.set_chain([self._mode(each) for each in parse_authorization(data, source=self._source)])

    def _mode(self, config: AuthorizerConfig) -> Mode:
        fixed: dict[str, Mode] = {
            "Node": self.authorizer.by_node,
            "RBAC": self.authorizer.by_rbac,
            "AlwaysAllow": _always,
            "AlwaysDeny": _never,
        }
        if config.webhook is None:
            return fixed[config.type]
        from wherry.apiserver.authentication.expressions import review_condition  # with the engine for expressions

        conditions = [
            review_condition(text, f"{self._source}: {config.name}: matchConditions")
            for text in config.webhook.conditions
        ]
        return WebhookAuthorizer(config.webhook, conditions, http=self._http, clock=self._clock).decide

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


def _always(user: User, wish: Attributes) -> Decision:
    return ALLOW


def _never(user: User, wish: Attributes) -> Decision:
    return Decision(reason="Everything is forbidden.")
