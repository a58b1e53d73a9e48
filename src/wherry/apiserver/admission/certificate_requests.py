"""Certificate requests: they say who made them, nobody asks for system:masters, and signers let approve and sign.

Source: pkg/registry/certificates/certificates/strategy.go (PrepareForCreate), plugin/pkg/admission/certificates.
"""

from __future__ import annotations

from wherry.api.errors import Cause, invalid
from wherry.apiserver.admission.attributes import Attributes
from wherry.apiserver.authorization.attributes import Attributes as Wish
from wherry.policy.certificate_requests import API_CLIENT, RequestError, read_request
from wherry.policy.user import MASTERS

_GROUP = "certificates.k8s.io"


def on_create(attributes: Attributes) -> None:
    request, user = attributes.obj, attributes.user
    if request is None:
        return
    spec = request.setdefault("spec", {})
    for field in ("username", "uid", "groups", "extra"):
        spec.pop(field, None)
    spec["username"] = user.name
    if user.uid:
        spec["uid"] = user.uid
    if user.groups:
        spec["groups"] = list(user.groups)
    if user.extra:
        spec["extra"] = {key: list(values) for key, values in user.extra.items()}


def restrict_subject(attributes: Attributes) -> None:
    """A signer for clients must not make administrators (CertificateSubjectRestriction)."""
    request = attributes.obj
    if request is None:
        return
    try:
        asked = read_request(request)
    except RequestError as error:
        # Validation's place; but reading a request needs more than the pure rules there have.
        cause = Cause("FieldValueInvalid", f"Invalid value: {error}", "spec.request")
        raise invalid(_GROUP, "CertificateSigningRequest", attributes.name, [cause]) from error
    if request["spec"].get("signerName") == API_CLIENT and MASTERS in asked.organizations:
        raise attributes.forbid(f"use of {API_CLIENT} signer with {MASTERS} group is not allowed")


async def on_approval(attributes: Attributes) -> None:
    """Who decides about a request needs `approve` for its signer (CertificateApproval)."""
    await _check(attributes, "approve", "user not permitted to approve requests with signerName")


async def on_status(attributes: Attributes) -> None:
    """Who signs a request, or says why not, needs `sign` for its signer (CertificateSigning)."""
    new, old = (attributes.obj or {}).get("status") or {}, (attributes.old or {}).get("status") or {}
    if new.get("certificate") == old.get("certificate") and new.get("conditions") == old.get("conditions"):
        return
    await _check(attributes, "sign", "user not permitted to sign requests with signerName")


async def _check(attributes: Attributes, verb: str, refusal: str) -> None:
    signer: str = ((attributes.old or {}).get("spec") or {}).get("signerName") or ""
    domain = signer.partition("/")[0]
    for name in (signer, f"{domain}/*"):
        wish = Wish(verb, group=_GROUP, resource="signers", name=name, version="*")
        if (await attributes.parts.authorizer.permitted(attributes.user, wish)).allowed:
            return
    raise attributes.forbid(f'{refusal} "{signer}"')
