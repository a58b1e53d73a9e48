"""Identity reviews: who am I, and whom does this token stand for?

Source: pkg/registry/authentication; KEP-3325 (SelfSubjectReview).
"""

from __future__ import annotations

from wherry.api.errors import BadRequest
from wherry.api.types import Object
from wherry.apiserver.answers import data_reply
from wherry.apiserver.authentication.jwt import TokenError
from wherry.apiserver.call import Call
from wherry.apiserver.objects import stamp
from wherry.apiserver.reviews.access import read_review, validated
from wherry.wire.messages import Reply


async def self_review(call: Call) -> Reply:
    review = await validated(call, await read_review(call))
    review["metadata"]["creationTimestamp"] = stamp(call.parts.clock.now())
    review["status"] = {"userInfo": call.user.info()}
    return data_reply(call, review, 201)


async def token_review(call: Call) -> Reply:
    review = await read_review(call)
    spec = review.setdefault("spec", {})
    token = spec.get("token") or ""
    if not token:
        raise BadRequest("token is required for TokenReview in authentication")
    await validated(call, review)
    review["status"] = await _token_status(call, token, spec.get("audiences") or [])
    return data_reply(call, review, 201)


async def _token_status(call: Call, token: str, audiences: list[str]) -> Object:
    try:
        known = await call.parts.authenticator.review(token, audiences)
    except TokenError as error:
        return {"user": {}, "error": f"[invalid bearer token, {error}]"}
    status: Object = {"authenticated": True, "user": known.user.info()}
    if known.audiences:
        status["audiences"] = list(known.audiences)
    return status


SELF = {"create": self_review}
TOKEN = {"create": token_review}
