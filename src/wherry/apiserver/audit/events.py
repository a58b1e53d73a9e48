"""One request as audit events, a JSON object per stage. Source: audit.k8s.io/v1, k8s.io/apiserver/pkg/audit/request.go."""

from __future__ import annotations

from collections.abc import Callable

import orjson

from wherry.api.errors import StatusError
from wherry.api.types import Object
from wherry.apiserver.audit.policy import LEVELS, METADATA, REQUEST, RESPONSE, Rule
from wherry.apiserver.bodies import media_type, parse, parse_yaml
from wherry.apiserver.call import Call
from wherry.base.times import rfc3339_micro
from wherry.policy.user import User
from wherry.wire.messages import Reply, Request, Response

_WITH_BODY = frozenset({"create", "update", "patch", "delete", "deletecollection"})
Emit = Callable[[Object], None]


class Record:
    """What is known of one request so far; `stage` gives it to the backends."""

    def __init__(self, call: Call, rule: Rule, emit: Emit) -> None:
        self._call = call
        self._rule = rule
        self._emit = emit
        self._user = getattr(call, "user", None)
        self._received = rfc3339_micro(call.parts.clock.now())
        self._event = self._base()

    def _base(self) -> Object:
        call, request = self._call, self._call.request
        event: Object = {
            "kind": "Event",
            "apiVersion": "audit.k8s.io/v1",
            "level": LEVELS[self._rule.level],
            "auditID": call.audit_id,
            "stage": "",
            "requestURI": request.target,
            "verb": call.verb,
            "user": self._user.info() if self._user is not None else {},
            "sourceIPs": source_addresses(request),
        }
        if agent := request.headers.get("user-agent"):
            event["userAgent"] = agent
        if call.info.resource_request:
            event["objectRef"] = self._reference()
        return event

    def _reference(self) -> Object:
        info = self._call.info
        found = {
            "resource": info.plural,
            "namespace": info.namespace,
            "name": info.name,
            "apiGroup": info.group,
            "apiVersion": info.version,
            "subresource": info.subresource,
        }
        return {key: value for key, value in found.items() if value}

    def annotate(self, key: str, value: str) -> None:
        self._event.setdefault("annotations", {})[key] = value

    def constrained(self, constraint: str) -> None:
        """The caller acts as somebody else, for some actions only."""
        self._event["authenticationMetadata"] = {"impersonationConstraint": constraint}

    def stage(self, name: str) -> None:
        """Write the event down, unless the policy leaves this stage out."""
        if name in self._rule.omit_stages:
            return
        event = dict(self._event)
        event["stage"] = name
        event["requestReceivedTimestamp"] = self._received
        event["stageTimestamp"] = rfc3339_micro(self._call.parts.clock.now())
        if noted := self._call.audit_annotations:
            event["annotations"] = {**noted, **event.get("annotations", {})}
        self._emit(event)

    def received_body(self) -> None:
        """Take what the client sent: the object, and the names in it that the path does not have."""
        call = self._call
        if not call.info.resource_request or call.verb not in _WITH_BODY or not call.request.body:
            return
        body = _sent(call)
        if body is None:
            return
        if call.verb == "create":
            self._complete(body)
        if self._rule.level >= REQUEST:
            self._event["requestObject"] = self._shown(body)

    def _complete(self, body: object) -> None:
        reference, metadata = self._event["objectRef"], body.get("metadata") if isinstance(body, dict) else None
        for field in ("name", "namespace", "uid", "resourceVersion"):
            value = metadata.get(field) if isinstance(metadata, dict) else None
            if isinstance(value, str) and value:
                reference.setdefault(field, value)

    def answered(self, reply: Reply) -> None:
        """Take what the server answers."""
        call = self._call
        user: User | None = getattr(call, "user", None)
        if user is not None and user is not self._user:
            self._event["impersonatedUser" if self._user is not None else "user"] = user.info()
        status = getattr(reply, "status", 101)
        self._event["responseStatus"] = _response_status(reply, status)
        if self._rule.level >= RESPONSE and isinstance(reply, Response) and call.info.resource_request:
            body = _parsed(_body(reply))
            if body is not None:
                self._event["responseObject"] = self._shown(body)

    def fail(self, message: str) -> None:
        """Say why in place of what the client is told."""
        self._event["responseStatus"]["message"] = message

    def _shown(self, body: object) -> object:
        return _without_managed_fields(body) if self._rule.omit_managed_fields else body


def _response_status(reply: Reply, code: int) -> Object:
    status: Object = {"metadata": {}, "code": code}
    body = _parsed(_body(reply)) if code >= 400 and isinstance(reply, Response) else None
    if isinstance(body, dict) and body.get("kind") == "Status":
        status.update({field: body[field] for field in ("status", "message", "reason", "details") if field in body})
    return status


def _sent(call: Call) -> object | None:
    """What the client sent, in whichever form; None for what cannot be read, which the handler will refuse."""
    request = call.request
    try:
        if call.verb != "patch":
            return parse(request, "")
        return parse_yaml(request.body, "") if media_type(request).endswith("yaml") else _parsed(request.body)
    except StatusError:
        return None


def _body(reply: Response) -> bytes:
    return reply.body if isinstance(reply.body, bytes) else b"".join(reply.body)


def _parsed(body: bytes) -> object | None:
    """JSON as data; None for everything else."""
    try:
        found: object = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    return found


def _without_managed_fields(body: object) -> object:
    if not isinstance(body, dict):
        return body
    found = body
    metadata = body.get("metadata")
    if isinstance(metadata, dict) and "managedFields" in metadata:
        found = {**body, "metadata": {key: value for key, value in metadata.items() if key != "managedFields"}}
    if isinstance(body.get("items"), list):
        found = {**found, "items": [_without_managed_fields(each) for each in body["items"]]}
    return found


def source_addresses(request: Request) -> list[str]:
    """Whom the request came from: what proxies on the way said, and the peer."""
    named = [each.strip() for each in request.headers.get("x-forwarded-for", "").split(",") if each.strip()]
    if real := request.headers.get("x-real-ip", "").strip():
        named.append(real)
    if request.peer.address:
        named.append(request.peer.address)
    return list(dict.fromkeys(named))


def is_recorded(rule: Rule) -> bool:
    return rule.level >= METADATA
