"""`serviceaccounts/token`: a token for a service account (TokenRequest).

Source: pkg/registry/core/serviceaccount/storage/token.go, pkg/apis/authentication/validation.
"""

from __future__ import annotations

from wherry.api.errors import BadRequest, Cause, Conflict, ServiceUnavailable, invalid, not_found
from wherry.api.types import Object
from wherry.apiserver.admit import admit_both
from wherry.apiserver.answers import data_reply, wanted
from wherry.apiserver.authentication.jwt import unverified_claims
from wherry.apiserver.body_object import read, settle_namespace
from wherry.apiserver.call import Answer, Call
from wherry.apiserver.objects import decoded, stamp
from wherry.apiserver.options import write_options
from wherry.apiserver.registry import storage_prefix
from wherry.apiserver.tokens import Binding, ServiceAccountTokens
from wherry.wire.messages import Reply

_DEFAULT_SECONDS, _MIN_SECONDS, _MAX_SECONDS = 3600, 600, 1 << 32
_WARN_SECONDS = 3607
"""What pods ask for in their projected tokens: those get a year, and a note when they should have been renewed."""
_EXTENDED_SECONDS = 365 * 24 * 3600
_BINDABLE = {("v1", "Pod"): "pods", ("v1", "Secret"): "secrets", ("v1", "Node"): "nodes"}


def handle(call: Call) -> Answer:
    wanted(call)
    options = write_options(call, "CreateOptions")
    version, kind = "authentication.k8s.io/v1", "TokenRequest"
    request = read(call, api_version=version, kind=kind, field_validation=options.field_validation)
    settle_namespace(call, request)
    tokens = call.parts.tokens
    if tokens is None:
        raise ServiceUnavailable("this server has no key to sign service account tokens with")
    entry = call.parts.store.get(call.info.key)
    if entry is None:
        raise not_found("", "serviceaccounts", call.info.name)
    account = decoded(entry)
    spec: Object = request.setdefault("spec", {})
    seconds = _seconds(spec, call.info.name)

    async def issue() -> Reply:
        await admit_both(call, call.served, "CREATE", request, None, subresource="token", dry_run=options.dry_run)
        bindings = _bindings(call, account, spec.get("boundObjectRef") or {})
        return data_reply(call, _issued(call, tokens, account, request, seconds, bindings), 201)

    return issue()


def _issued(
    call: Call, tokens: ServiceAccountTokens, account: Object, request: Object, seconds: int, bindings: list[Binding]
) -> Object:
    spec: Object = request["spec"]
    audiences = spec.get("audiences") or list(tokens.audiences)
    extended = seconds == _WARN_SECONDS and set(audiences) <= set(tokens.audiences)
    token = tokens.issue(
        account,
        audiences=audiences,
        seconds=_EXTENDED_SECONDS if extended else seconds,
        bindings=bindings,
        warn_after_seconds=seconds if extended else 0,
    )
    if call.audit is not None:
        credential = f"JTI={unverified_claims(token)['jti']}"
        call.annotate("authentication.kubernetes.io/issued-credential-id", credential)
    metadata = {
        "name": account["metadata"]["name"],
        "namespace": account["metadata"]["namespace"],
        "creationTimestamp": stamp(call.parts.clock.now()),
    }
    expires = stamp(call.parts.clock.now() + seconds)
    return {
        "kind": "TokenRequest",
        "apiVersion": "authentication.k8s.io/v1",
        "metadata": metadata,
        "spec": {**spec, "audiences": audiences, "expirationSeconds": seconds},
        "status": {"token": token, "expirationTimestamp": expires},
    }


def _seconds(spec: Object, name: str) -> int:
    seconds: int = spec.get("expirationSeconds") or _DEFAULT_SECONDS
    if _MIN_SECONDS <= seconds <= _MAX_SECONDS:
        return seconds
    limit = "less than 10 minutes" if seconds < _MIN_SECONDS else "larger than 2^32 seconds"
    message = f"Invalid value: {seconds}: may not specify a duration {limit}"
    causes = [Cause("FieldValueInvalid", message, "spec.expirationSeconds")]
    raise invalid("authentication.k8s.io", "TokenRequest", name, causes)


def _bindings(call: Call, account: Object, reference: Object) -> list[Binding]:
    """The objects that the token lives with. Raises `BadRequest`, `NotFound`, `Conflict`."""
    if not reference:
        return []
    plural = _BINDABLE.get((reference.get("apiVersion") or "", reference.get("kind") or ""))
    if plural is None:
        given = f"{reference.get('apiVersion', '')}, Kind={reference.get('kind', '')}"
        raise BadRequest(f"cannot bind token to object of type {given}")
    bound = _bound_object(call, plural, reference, account["metadata"]["namespace"])
    uid = bound["metadata"]["uid"]
    bindings = [Binding(reference["kind"].lower(), bound["metadata"]["name"], uid)]
    if plural == "pods":
        _check_account(account, bound)
        if node := bound["spec"].get("nodeName"):
            entry = call.parts.store.get(storage_prefix("", "nodes") + node)
            if entry is not None:
                bindings.append(Binding("node", node, decoded(entry)["metadata"]["uid"]))
    return bindings


def _bound_object(call: Call, plural: str, reference: Object, namespace: str) -> Object:
    name = reference.get("name") or ""
    where = name if plural == "nodes" else f"{namespace}/{name}"
    entry = call.parts.store.get(storage_prefix("", plural) + where)
    if entry is None:
        raise not_found("", plural, name)
    bound = decoded(entry)
    asked, uid = reference.get("uid"), bound["metadata"]["uid"]
    if asked and asked != uid:
        why = (
            f"the UID in the bound object reference ({asked}) does not match the UID in record."
            " The object might have been deleted and then recreated"
        )
        raise Conflict(f'Operation cannot be fulfilled on {plural} "{name}": {why}', kind=plural, name=name)
    return bound


def _check_account(account: Object, pod: Object) -> None:
    name = account["metadata"]["name"]
    if pod["spec"].get("serviceAccountName") != name:
        raise BadRequest(
            f'cannot bind token for serviceaccount "{name}" to pod running with different serviceaccount name.'
        )


HANDLERS = {"create": handle}
