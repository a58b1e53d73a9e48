"""Asking one webhook about one write, and what comes of it but the patch: warnings, annotations, a refusal, a failure.

Source: k8s.io/apiserver/pkg/admission/plugin/webhook/{mutating,validating}/dispatcher.go.
"""

from __future__ import annotations

import orjson

from wherry.api.errors import BadRequest, InternalError, StatusError
from wherry.apiserver.admission.attributes import Attributes
from wherry.apiserver.webhooks.calls import CallFailed, Calls
from wherry.apiserver.webhooks.configuration import Hook
from wherry.apiserver.webhooks.invocation import Match, namespace_selected, object_selected
from wherry.apiserver.webhooks.metrics import WebhookMetrics
from wherry.apiserver.webhooks.seen import in_version, request_for
from wherry.policy.admission.matching import Subject
from wherry.policy.admission.review import BadAnswer, Verdict, denial, review, verdict_of


class Failed(Exception):
    """The webhook gave no answer that counts; its failure policy decides what that means."""

    def __init__(self, hook: Hook, why: str, code: int = 503) -> None:
        super().__init__(f'failed calling webhook "{hook.name}": {why}')
        self.code = code

    def error(self) -> InternalError:
        return InternalError(f"Internal error occurred: {self}")


class Asking:
    """`mutating` webhooks may answer with a patch."""

    def __init__(self, calls: Calls, metrics: WebhookMetrics, *, mutating: bool) -> None:
        self._calls = calls
        self._metrics = metrics
        self._mutating = mutating

    def selected(self, hook: Hook, attributes: Attributes, subject: Subject) -> bool:
        """Whether the selectors fit. Raises `NotFound`."""
        return object_selected(hook.object_selector, attributes) and namespace_selected(
            hook.namespace_selector, attributes, subject
        )

    async def conditions_hold(self, hook: Hook, attributes: Attributes, subject: Subject, found: Match) -> bool:
        """Raises `Forbidden` where nobody can say and that counts."""
        if not hook.conditions:
            return True
        from wherry.apiserver.policies.seen import bindings_of
        from wherry.policy.admission.conditions import Failed as ConditionFailed
        from wherry.policy.admission.conditions import hold

        bindings = await bindings_of(attributes, subject, found)
        try:
            return hold(hook.conditions, bindings, ignore_failures=hook.ignore_failures)
        except ConditionFailed as error:
            raise attributes.forbid(str(error)) from error

    async def ask(self, hook: Hook, attributes: Attributes, subject: Subject, found: Match) -> Verdict | None:
        """The webhook's consent; None where it failed and that is to be ignored. Raises `StatusError`."""
        clock, name = attributes.parts.clock, hook.name
        began = clock.monotonic()
        kind, operation = "admit" if self._mutating else "validating", attributes.operation

        def counted(code: int, *, rejected: bool) -> None:
            self._metrics.asked(name, kind, operation, clock.monotonic() - began, rejected=rejected, code=code)

        try:
            verdict = await self._ask(hook, attributes, subject, found)
        except Failed as failure:
            counted(failure.code, rejected=not hook.ignore_failures)
            if hook.ignore_failures:
                self._metrics.failed_open(name, kind)
                attributes.parts.log.warning("failed calling webhook, failing open", webhook=name, why=str(failure))
                return None
            self._metrics.rejected(name, kind, operation, "calling_webhook_error", failure.code)
            raise failure.error() from failure
        except StatusError as error:
            counted(error.status_code, rejected=True)
            self._metrics.rejected(name, kind, operation, "no_error", error.status_code)
            raise
        counted(200, rejected=False)
        return verdict

    async def _ask(self, hook: Hook, attributes: Attributes, subject: Subject, found: Match) -> Verdict:
        if attributes.dry_run and not hook.dry_run_safe:
            raise BadRequest(f'admission webhook "{hook.name}" does not support dry run')
        if not hook.version:
            raise Failed(
                hook, "could not create admission objects: webhook does not accept known AdmissionReview versions", 400
            )
        obj, old = await in_version(attributes.obj, found.served), await in_version(attributes.old, found.served)
        request = request_for(attributes, subject, found, obj, old)
        body = orjson.dumps(review(hook.version, request))
        try:
            answer = await self._calls.post(hook.endpoint, body, timeout_seconds=hook.timeout_seconds)
        except CallFailed as error:
            raise Failed(hook, f"failed to call webhook: {error}") from error
        try:
            verdict = verdict_of(answer, version=hook.version, uid=request["uid"], mutating=self._mutating)
        except BadAnswer as error:
            raise Failed(hook, f"received invalid webhook response: {error}") from error
        for key, value in verdict.audit_annotations.items():
            attributes.call.annotate(f"{hook.name}/{key}", str(value))
        for warning in verdict.warnings:
            attributes.warn(warning)
        if not verdict.allowed:
            raise denial(hook.name, verdict.status)
        return verdict
