"""The API server as one handler: `ApiServer.handle` takes a request and gives a reply, or an awaitable of one.

Requests pass: error translation and metrics (here), authentication, authorization, dispatch, then the verb's handler.
Reads are answered without a task; only writes and streams wait for something.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from inspect import isawaitable

from wherry.api.errors import InternalError, StatusError
from wherry.apiserver.admission.builtin import RULES
from wherry.apiserver.admission.chain import Admission, Rule
from wherry.apiserver.answers import error_reply
from wherry.apiserver.bootstrap.ensure import ensure
from wherry.apiserver.bootstrap.namespaces import namespaces, priority_classes
from wherry.apiserver.call import Answer, Call, Stage
from wherry.apiserver.middleware.dispatch import dispatch
from wherry.apiserver.middleware.identity import in_process_identity
from wherry.apiserver.negotiation import negotiate
from wherry.apiserver.options import wants_watch
from wherry.apiserver.parts import Parts
from wherry.apiserver.registry import Registry
from wherry.apiserver.request_info import PathCache, verb_of
from wherry.apiserver.watching.hub import Hubs
from wherry.base.clock import Clock
from wherry.base.log import Logger
from wherry.store.port import Store, StoreError
from wherry.wire.messages import Reply, Request, Response

Middleware = Callable[[Stage], Stage]


class ApiServer:
    """Serves the resources of a registry out of a store."""

    def __init__(
        self,
        *,
        store: Store,
        clock: Clock,
        registry: Registry | None = None,
        admission: Sequence[Rule] = RULES,
        middleware: Sequence[Middleware] = (in_process_identity,),
        paths: Mapping[str, Stage] | None = None,
        connect: Mapping[tuple[str, str], Stage] | None = None,
        log: Logger | None = None,
    ) -> None:
        self.parts = Parts(
            store=store,
            registry=registry or Registry(),
            clock=clock,
            log=log or Logger("apiserver"),
            hubs=Hubs(store),
            admission=Admission(admission),
            connect=dict(connect or {}),
        )
        self._info_of = PathCache(self.parts.registry)
        stage = dispatch(paths or {})
        for wrap in reversed(middleware):
            stage = wrap(stage)
        self._stage = stage

    async def start(self) -> None:
        """Make what a cluster has from the first moment, where it is missing. To be awaited before serving."""
        await ensure(self.parts, [*namespaces(), *priority_classes()])

    def handle(self, request: Request) -> Reply | Awaitable[Reply]:
        """Answer a request. Never raises: failures become `Status` answers."""
        try:
            answer = self._stage(self._call(request))
        except StatusError as error:
            return error_reply(error)
        except Exception as error:  # noqa: BLE001  # the last line of defence: say it in the log, answer with a Status
            return self._failure(request, error)
        if type(answer) is Response or not isawaitable(answer):
            return answer
        return self._finish(request, answer)

    def _call(self, request: Request) -> Call:
        info = self._info_of(request.path)
        watch = bool(request.raw_query) and "watch=" in request.raw_query and wants_watch(request.query())
        verb = verb_of(request.method, info, watch=watch)
        return Call(request, self.parts, info, verb, negotiate(request.headers.get("accept", "")))

    async def _finish(self, request: Request, answer: Awaitable[Reply]) -> Reply:
        try:
            return await answer
        except StatusError as error:
            return error_reply(error)
        except Exception as error:  # noqa: BLE001  # as in `handle`
            return self._failure(request, error)

    def _failure(self, request: Request, error: Exception) -> Reply:
        if isinstance(error, StoreError):
            message = f"the store failed: {error}"
        else:
            message = f"Internal error occurred: {type(error).__name__}: {error}"
        self.parts.log.exception("request failed", method=request.method, path=request.path)
        return error_reply(InternalError(message))


__all__ = ["Answer", "ApiServer", "Middleware"]
