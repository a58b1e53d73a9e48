"""AdmissionReview: the question to a webhook, and what its answer must look like.

Source: k8s.io/apiserver/pkg/admission/plugin/webhook/request (admissionreview.go), pkg/util/webhook (ToStatusErr).
"""

from __future__ import annotations

import binascii
from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from wherry.api.errors import Cause, StatusError
from wherry.api.types import Object
from wherry.policy.admission.matching import Subject
from wherry.policy.user import User

GROUP, KIND = "admission.k8s.io", "AdmissionReview"
VERSIONS = ("v1", "v1beta1")
"""Those that this server speaks."""


class BadAnswer(ValueError):
    """The webhook's answer is not one; the message is upstream's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """A well-formed answer. `patch` is the parsed JSON patch."""

    allowed: bool
    status: Object = field(default_factory=dict)
    patch: Any = None
    audit_annotations: Mapping[str, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()


def kind_of(api_version: str, kind: str) -> Object:
    group, _, version = api_version.rpartition("/")
    return {"group": group, "version": version, "kind": kind}


def resource_of(subject: Subject) -> Object:
    return {"group": subject.group, "version": subject.version, "resource": subject.resource}


def request_of(
    *,
    uid: str,
    subject: Subject,
    requested: Subject,
    kind: Object,
    requested_kind: Object,
    user: User,
    obj: Object | None,
    old: Object | None,
    dry_run: bool,
    options: Object | None,
) -> Object:
    """The `request`: `subject` is what the webhook asked to see, `requested` what the client asked for."""
    request: Object = {
        "uid": uid,
        "kind": kind,
        "resource": resource_of(subject),
        "subResource": subject.subresource,
        "requestKind": requested_kind,
        "requestResource": resource_of(requested),
        "requestSubResource": requested.subresource,
        "name": requested.name,
        "namespace": requested.namespace,
        "operation": requested.operation,
        "userInfo": user.info(),
        "object": obj,
        "oldObject": old,
        "dryRun": dry_run,
        "options": options,
    }
    for name in ("subResource", "requestSubResource", "name", "namespace"):
        if not request[name]:
            del request[name]
    return request


def review(version: str, request: Object) -> Object:
    return {"kind": KIND, "apiVersion": f"{GROUP}/{version}", "request": request}


def verdict_of(body: bytes, *, version: str, uid: str, mutating: bool) -> Verdict:
    """Raises `BadAnswer`."""
    try:
        answer = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise BadAnswer(f"couldn't get version/kind; json parse error: {error}") from error
    response = answer.get("response") if isinstance(answer, dict) else None
    if not isinstance(response, dict):
        raise BadAnswer("webhook response was absent")
    if version == "v1":
        _check_identity(answer, response, uid)
    if mutating:
        patch = _patch(response, version)
    else:
        patch = None
        for name in ("patch", "patchType"):
            if version == "v1" and (response.get(name) or (name == "patchType" and name in response)):
                raise BadAnswer(f"validating webhook may not return response.{name}")
    return Verdict(
        allowed=response.get("allowed") is True,
        status=response.get("status") or {},
        patch=patch,
        audit_annotations=response.get("auditAnnotations") or {},
        warnings=tuple(map(str, response.get("warnings") or ())),
    )


def _check_identity(answer: Object, response: Object, uid: str) -> None:
    given = response.get("uid") or ""
    if given != uid:
        raise BadAnswer(f'expected response.uid="{uid}", got "{given}"')
    group_version, kind = answer.get("apiVersion") or "", answer.get("kind") or ""
    if (group_version, kind) != (f"{GROUP}/v1", KIND):
        shown = group_version if "/" in group_version else f"/{group_version}"
        raise BadAnswer(f"expected webhook response of {GROUP}/v1, Kind={KIND}, got {shown}, Kind={kind}")


def _patch(response: Object, version: str) -> Any:
    """The parsed patch; None where there is none."""
    text, kind = response.get("patch") or "", response.get("patchType")
    if version == "v1":
        if text and kind is None:
            raise BadAnswer("webhook returned response.patch but not response.patchType")
        if not text and kind is not None:
            raise BadAnswer("webhook returned response.patchType but not response.patch")
        if kind == "":
            raise BadAnswer('webhook returned invalid response.patchType of ""')
    if not text:
        return None
    if (kind or "JSONPatch") != "JSONPatch":
        raise BadAnswer(f'unsupported patch type "{kind}"')
    try:
        return orjson.loads(b64decode(text, validate=True))
    except (binascii.Error, orjson.JSONDecodeError, TypeError, ValueError) as error:
        raise BadAnswer(f"the patch is not base64 of JSON: {error}") from error


def denial(name: str, status: Mapping[str, Any]) -> StatusError:
    """The webhook's own status, as what it is: a refusal."""
    by = f'admission webhook "{name}" denied the request'
    why = status.get("message") or status.get("reason")
    code = status.get("code") or 0
    details: Mapping[str, Any] = status.get("details") or {}
    causes = [Cause(c.get("reason", ""), c.get("message", ""), c.get("field", "")) for c in details.get("causes") or ()]
    return StatusError(
        f"{by}: {why}" if why else f"{by} without explanation",
        group=details.get("group", ""),
        kind=details.get("kind", ""),
        name=details.get("name", ""),
        uid=details.get("uid", ""),
        causes=causes,
        retry_after_seconds=details.get("retryAfterSeconds", 0),
        code=max(code, 400),
        reason=status.get("reason") or "",
    )
