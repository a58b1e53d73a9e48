"""Auditing as a stage between authentication and impersonation, and the backends that it writes to."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from dataclasses import replace
from inspect import isawaitable

from wherry.api.errors import StatusError
from wherry.api.types import Object
from wherry.apiserver.answers import error_reply
from wherry.apiserver.audit.events import Record, is_recorded
from wherry.apiserver.audit.log_file import LogFile
from wherry.apiserver.audit.options import AuditOptions
from wherry.apiserver.audit.policy import Rule, parse_policy
from wherry.apiserver.audit.webhook import WebhookBackend
from wherry.apiserver.call import Answer, Call, Stage
from wherry.apiserver.configuration.reading import read_file
from wherry.apiserver.outgoing import endpoint_of_kubeconfig
from wherry.base.clock import Clock
from wherry.base.log import Logger
from wherry.policy.user import ANONYMOUS, User
from wherry.wire.client import HttpClient
from wherry.wire.messages import BodyWriter, ByteStream, Reply, StreamResponse, Upgrade

_UNKNOWN = User(ANONYMOUS)


class Auditing:
    """A component; without it nothing of this costs anything. Raises `ConfigurationError`."""

    def __init__(self, options: AuditOptions, *, clock: Clock, log: Logger) -> None:
        self._policy = parse_policy(read_file(options.policy), source=str(options.policy))
        self._http = HttpClient(clock=clock)
        self._file = LogFile(options.log, rotation=options.rotation, clock=clock, log=log) if options.log else None
        self.webhook: WebhookBackend | None = None
        if options.webhook is not None:
            endpoint = endpoint_of_kubeconfig(options.webhook)
            self.webhook = WebhookBackend(endpoint, http=self._http, clock=clock, log=log)

    def emit(self, event: Object) -> None:
        if self._file is not None:
            self._file.emit(event)
        if self.webhook is not None:
            self.webhook.emit(event)

    def around(self, following: Stage) -> Stage:
        """The stage that records what `following` does."""

        def stage(call: Call) -> Answer:
            rule = self._policy.rule_for(call.user, call.verb, call.info)
            if not is_recorded(rule):
                return following(call)
            return self._recorded(call, rule, following)

        return stage

    async def _recorded(self, call: Call, rule: Rule, following: Stage) -> Reply:
        record = call.audit = Record(call, rule, self.emit)
        record.stage("RequestReceived")
        record.received_body()
        try:
            answer = following(call)
            reply = await answer if isawaitable(answer) else answer
        except StatusError as error:
            reply = error_reply(error, call.warnings)
        except Exception:
            record.stage("Panic")
            raise
        record.answered(reply)
        if isinstance(reply, StreamResponse | Upgrade):
            record.stage("ResponseStarted")
            return _until_its_end(reply, record)
        record.stage("ResponseComplete")
        return reply

    def around_authentication(self, authenticate: Stage) -> Stage:
        """Record those, too, who were not let in; `authenticate` is the stage that may refuse."""

        def stage(call: Call) -> Answer:
            try:
                answer = authenticate(call)
            except StatusError as error:
                self._refused(call, error)
                raise
            return waiting(call, answer) if isawaitable(answer) else answer

        async def waiting(call: Call, answer: Awaitable[Reply]) -> Reply:
            try:
                return await answer
            except StatusError as error:
                self._refused(call, error)
                raise

        return stage

    def _refused(self, call: Call, error: StatusError) -> None:
        if getattr(call, "user", None) is not None or error.code != 401:
            return
        rule = self._policy.rule_for(_UNKNOWN, call.verb, call.info)
        if not is_recorded(rule):
            return
        record = Record(call, rule, self.emit)
        reply = error_reply(error)
        record.answered(reply)
        method = "bearer" if "authorization" in call.request.headers else "no auth header found"
        record.fail(f"Authentication failed, attempted: {method}")
        record.stage("ResponseStarted")

    async def run(self) -> None:
        if self.webhook is not None:
            await self.webhook.run()
        else:
            await asyncio.Event().wait()

    async def aclose(self) -> None:
        if self._file is not None:
            self._file.close()
        await self._http.aclose()


def _until_its_end(reply: StreamResponse | Upgrade, record: Record) -> Reply:
    """The same, noting its end."""
    if isinstance(reply, StreamResponse):
        produce = reply.produce

        async def produced(writer: BodyWriter) -> None:
            await _noted(produce(writer), record)

        return replace(reply, produce=produced)
    takeover = reply.takeover

    async def taken(stream: ByteStream) -> None:
        await _noted(takeover(stream), record)

    return replace(reply, takeover=taken)


async def _noted(work: Awaitable[None], record: Record) -> None:
    try:
        await work
    finally:
        record.stage("ResponseComplete")
