"""The API server as one handler: `ApiServer.handle` takes a request and gives a reply, or an awaitable of one.

Requests pass: error translation and metrics (here), authentication, authorization, dispatch, then the verb's handler.
Reads are answered without a task; only writes and streams wait for something.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Mapping, Sequence
from inspect import isawaitable

from wherry.api.errors import BadRequest, InternalError, StatusError
from wherry.api.types import Object
from wherry.apiserver import series
from wherry.apiserver.admission.builtin import RULES
from wherry.apiserver.admission.by_namespace import ByNamespace
from wherry.apiserver.admission.chain import Admission, Rule, enabled_rules
from wherry.apiserver.admission.limit_ranger import LIMIT_RANGES
from wherry.apiserver.admission.pod_security_policies import PodSecurityPolicies
from wherry.apiserver.admission.priority import PriorityDefault
from wherry.apiserver.aggregation.autoregister import AutoRegistration, at_start
from wherry.apiserver.aggregation.backend import InProcessApi
from wherry.apiserver.aggregation.follower import Aggregator
from wherry.apiserver.answers import error_reply, with_headers
from wherry.apiserver.audit.auditing import Auditing
from wherry.apiserver.authentication.assembly import Authentication
from wherry.apiserver.authentication.jwt import SigningKey
from wherry.apiserver.authorization.assembly import Authorization
from wherry.apiserver.bootstrap import authentication_config, kubernetes_service
from wherry.apiserver.bootstrap.ensure import ensure
from wherry.apiserver.bootstrap.namespaces import namespaces, priority_classes
from wherry.apiserver.bootstrap.roles import reconcile
from wherry.apiserver.call import Call, Stage
from wherry.apiserver.config import ServerConfig
from wherry.apiserver.customresources.follower import CustomResources
from wherry.apiserver.event_expiry import keep_sweeping
from wherry.apiserver.fixed_paths import fixed_paths
from wherry.apiserver.flowcontrol.control import FlowControl
from wherry.apiserver.flowcontrol.dump import dumps
from wherry.apiserver.flowcontrol.keeping import suggested
from wherry.apiserver.flowcontrol.stage import fairness
from wherry.apiserver.identity_lease import IdentityLease
from wherry.apiserver.metrics import READ_ONLY, Metrics
from wherry.apiserver.middleware.authentication import authentication
from wherry.apiserver.middleware.authorization import authorization
from wherry.apiserver.middleware.dispatch import dispatch
from wherry.apiserver.middleware.impersonation import impersonation
from wherry.apiserver.negotiation import negotiate
from wherry.apiserver.objects import stamp
from wherry.apiserver.options import check_timeout, wants_watch
from wherry.apiserver.parts import Parts
from wherry.apiserver.policies.assembly import mutating_policies, validating_policies
from wherry.apiserver.policies.status import PolicyStatus
from wherry.apiserver.quotas.reservations import Reservations
from wherry.apiserver.registry import Registry
from wherry.apiserver.request_info import PathCache, verb_of
from wherry.apiserver.services.allocator import PREFIX as SERVICES
from wherry.apiserver.services.allocator import ServiceAllocator
from wherry.apiserver.services.ip_objects import ip_object
from wherry.apiserver.services.keeper import AddressKeeper
from wherry.apiserver.services.ranges import PREFIX as RANGES
from wherry.apiserver.services.ranges import default_range
from wherry.apiserver.tokens import ServiceAccountTokens
from wherry.apiserver.watching.hub import Hubs
from wherry.apiserver.webhooks.assembly import Webhooks
from wherry.apiserver.webhooks.calls import Calls
from wherry.apiserver.webhooks.services import Services
from wherry.base.clock import Clock
from wherry.base.log import Logger
from wherry.policy import limit_ranges
from wherry.store.port import Store, StoreError
from wherry.wire.client import HttpClient
from wherry.wire.messages import Reply, Request, Response

PUBLISH_SECONDS = 10.0


class ApiServer:
    """Serves the resources of a registry out of a store.

    `aggregated` are groups that handlers in this process serve; `http` reaches extension API servers.
    `connect` has handlers of `(qualified resource, subresource)` that take connections over, such as
    `("pods", "exec")`. `start` must be awaited before the first request; `run` may be left out in short tests.
    """

    def __init__(
        self,
        *,
        store: Store,
        clock: Clock,
        config: ServerConfig | None = None,
        registry: Registry | None = None,
        admission: Sequence[Rule] = RULES,
        connect: Mapping[tuple[str, str], Stage] | None = None,
        aggregated: Sequence[InProcessApi] = (),
        http: HttpClient | None = None,
        log: Logger | None = None,
    ) -> None:
        config = config or ServerConfig()
        tokens = _tokens(config, store, clock)
        log = log or Logger("apiserver")
        self._auditing = Auditing(config.audit, clock=clock, log=log) if config.audit is not None else None
        self._authorization = Authorization(config, clock=clock, log=log)
        self._authentication = Authentication(config, tokens=tokens, store=store, clock=clock, log=log)
        self._services = ServiceAllocator(cidr=config.service_cidr, node_ports=config.node_ports)
        hubs = Hubs(store)
        self.parts = Parts(
            store=store,
            registry=registry or Registry(),
            clock=clock,
            log=log,
            config=config,
            hubs=hubs,
            priority_default=PriorityDefault(store, hubs),
            pod_security=PodSecurityPolicies(store, hubs, config.pod_security),
            limit_ranges=ByNamespace(store, hubs, LIMIT_RANGES, limit_ranges.compiled),
            quotas=Reservations(store, hubs),
            admission=Admission(enabled_rules(admission, config.disabled_admission)),
            tokens=tokens,
            authenticator=self._authentication.authenticator,
            authorizer=self._authorization.authorizer,
            metrics=Metrics(started=clock.now()),
            allocators={"services": self._services},
            connect=dict(connect or {}),
        )
        self._calls = Calls(services=Services(store=store), clock=clock)
        webhooks = Webhooks(self.parts, self._calls)
        policies = (mutating_policies(self.parts), validating_policies(self.parts))
        for plugin in (policies[0], webhooks.mutating, policies[1], webhooks.validating):
            if plugin.name not in config.disabled_admission:
                self.parts.admission.add(plugin)
        self.parts.metrics.add(webhooks.metrics.lines)
        self._addresses = self._services.keeper = AddressKeeper(self.parts, self._services)
        self._policy_status = PolicyStatus(self.parts)
        self._custom = CustomResources(self.parts, self._calls)
        self._in_process = tuple(aggregated)
        self._aggregator = Aggregator(self.parts, proxy=config.front_proxy, http=http, in_process=aggregated)
        self._autoregistration = AutoRegistration(self.parts)
        self._flow = FlowControl(self.parts, seats=config.seats)
        self._lease = IdentityLease(self.parts)
        self._read_metrics_off()
        self.shutting_down = False
        """Whether `begin_shutdown` was called: `/readyz` fails from then on."""
        self.ready = False
        """Whether `start` is done: `/readyz` says so."""
        self._info_of = PathCache(self.parts.registry)
        self._stage = self._pipeline()

    def _pipeline(self) -> Stage:
        parts = self.parts
        stage = dispatch(
            fixed_paths(parts, ready=lambda: self.ready, stays=lambda: not self.shutting_down, more=dumps(self._flow))
        )
        stage = authorization(parts.authorizer)(stage)
        if parts.config.seats:
            stage = fairness(self._flow, parts.clock)(stage)
        stage = impersonation(parts.authorizer)(stage)
        if self._auditing is not None:
            stage = self._auditing.around(stage)
            return self._auditing.around_authentication(authentication(parts.authenticator)(stage))
        return authentication(parts.authenticator)(stage)

    def _read_metrics_off(self) -> None:
        parts, metrics = self.parts, self.parts.metrics
        metrics.add(series.build_lines)
        metrics.add(parts.admission.times.lines)
        metrics.add(lambda: series.storage_lines(parts))
        metrics.add(lambda: series.watch_lines(parts))
        metrics.add(lambda: series.flow_lines(self._flow))
        metrics.add(lambda: series.aggregation_lines(parts))

    def begin_shutdown(self) -> None:
        """Tell those who ask whether this server is ready that it goes; everything is still answered."""
        self.shutting_down = True

    async def start(self) -> None:
        """Make what a cluster has from the first moment, where it is missing."""
        parts, roles = self.parts, self._roles()
        if roles:
            await reconcile(parts, roles)
        await asyncio.gather(
            ensure(
                parts, [*namespaces(), *priority_classes(), *self._service_network(), *roles, *self._served_objects()]
            ),
            kubernetes_service.publish(parts),
            authentication_config.publish(parts),
        )
        parts.authorizer.start(parts.store, parts.hubs)
        self._services.start(parts.store, parts.hubs.of(SERVICES))
        self._services.ranges.start(parts.store, parts.hubs.of(RANGES))
        self._addresses.start()
        self._custom.start()
        self._policy_status.start()
        self._autoregistration.start()
        self._aggregator.start()
        self._flow.start()
        self.ready = True

    async def run(self) -> None:
        """Keep house until cancelled: old events go, the `kubernetes` service comes back if somebody removed it."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(keep_sweeping(self.parts))
                group.create_task(self._keep_published())
                group.create_task(self._lease.run())
                group.create_task(self._custom.run())
                group.create_task(self._authentication.run())
                group.create_task(self._authorization.run())
                if self._auditing is not None:
                    group.create_task(self._auditing.run())
        finally:
            await self.aclose()

    async def aclose(self) -> None:
        """End what works in the background, close connections that the server opened itself; `run` does it, too."""
        self._autoregistration.close()
        self._flow.close()
        self._addresses.close()
        await self._aggregator.close()
        await self._policy_status.aclose()
        await self._calls.aclose()
        await self._authentication.aclose()
        await self._authorization.aclose()
        if self._auditing is not None:
            await self._auditing.aclose()

    async def _keep_published(self) -> None:
        while True:
            await self.parts.clock.sleep(PUBLISH_SECONDS)
            await ensure(self.parts, self._service_network())
            await kubernetes_service.publish(self.parts)

    def _kubernetes_service(self) -> Object:
        addresses = self._services.addresses
        port = self.parts.config.advertise_port
        return kubernetes_service.service(addresses.first(), addresses.family, port)

    def _service_network(self) -> list[Object]:
        """The `kubernetes` service, its address, and the network that it is from."""
        addresses, now = self._services.addresses, stamp(self.parts.clock.now())
        first = ip_object(addresses.first(), "default", "kubernetes")
        return [default_range(self.parts.config.service_cidr, now), first, self._kubernetes_service()]

    def _served_objects(self) -> list[Object]:
        now = stamp(self.parts.clock.now())
        groups = [(group, each) for group, versions in self.parts.registry.groups().items() for each in versions]
        return [*at_start(groups, self._in_process, now), *suggested(now), self._lease.object()]

    def _roles(self) -> list[Object]:
        if not self.parts.authorizer.enabled:
            return []
        from wherry.policy.bootstrap_roles import objects

        return objects()

    def handle(self, request: Request) -> Reply | Awaitable[Reply]:
        """Answer a request. Never raises: failures become `Status` answers."""
        parts = self.parts
        began = parts.clock.monotonic()
        try:
            call = self._call(request)
        except StatusError as error:
            return error_reply(error)
        try:
            answer = self._stage(call)
        except Exception as error:  # noqa: BLE001  # the last line of defence: whatever happens, the client gets a Status
            answer = self._failure(call, error)
        if type(answer) is Response or not isawaitable(answer):
            parts.metrics.observe(call, getattr(answer, "status", 101), parts.clock.monotonic() - began)
            return with_headers(answer, (("Audit-Id", call.audit_id), *call.flow))
        return self._finish(call, answer, began)

    def _call(self, request: Request) -> Call:
        info = self._info_of(request.path)
        query = request.raw_query
        watch = bool(query) and "watch=" in query and wants_watch(request.query())
        verb = verb_of(request.method, info, watch=watch)
        if query and "timeout=" in query:
            check_timeout(request.query(), info, verb)
        return Call(request, self.parts, info, verb, negotiate(request.headers.get("accept", "")))

    async def _finish(self, call: Call, answer: Awaitable[Reply], began: float) -> Reply:
        parts = self.parts
        in_flight, kind = parts.metrics.in_flight, "readOnly" if call.verb in READ_ONLY else "mutating"
        in_flight[kind] += 1
        try:
            reply = await answer
        except Exception as error:  # noqa: BLE001  # as in `handle`
            reply = self._failure(call, error)
        finally:
            in_flight[kind] -= 1
        parts.metrics.observe(call, getattr(reply, "status", 101), parts.clock.monotonic() - began)
        return with_headers(reply, (("Audit-Id", call.audit_id), *call.flow))

    def _failure(self, call: Call, error: Exception) -> Reply:
        request = call.request
        if isinstance(error, StatusError):
            return error_reply(error, call.warnings)
        if isinstance(error, RecursionError):
            # Only what a client nests can be this deep.
            return error_reply(BadRequest("the object is nested too deeply: exceeded max depth"))
        if isinstance(error, StoreError):
            message = f"the store failed: {error}"
        else:
            message = f"Internal error occurred: {type(error).__name__}: {error}"
        self.parts.log.exception("request failed", method=request.method, path=request.path)
        return error_reply(InternalError(message))


def _tokens(config: ServerConfig, store: Store, clock: Clock) -> ServiceAccountTokens | None:
    if not config.service_account_key:
        return None
    return ServiceAccountTokens(
        key=SigningKey(config.service_account_key),
        issuer=config.issuer,
        audiences=config.audiences or (config.issuer,),
        store=store,
        clock=clock,
    )
