"""The webhooks of a server, put together: what `app` adds to admission."""

from __future__ import annotations

from wherry.apiserver.parts import Parts
from wherry.apiserver.registry import storage_prefix
from wherry.apiserver.webhooks.asking import Asking
from wherry.apiserver.webhooks.calls import Calls
from wherry.apiserver.webhooks.configuration import Hook, hooks_of
from wherry.apiserver.webhooks.follower import Compiled
from wherry.apiserver.webhooks.metrics import WebhookMetrics
from wherry.apiserver.webhooks.mutating import MutatingWebhooks
from wherry.apiserver.webhooks.validating import ValidatingWebhooks
from wherry.policy.admission.matching import CONFIGURATION_GROUP


class Webhooks:
    """Both kinds of webhooks over one pool of connections."""

    def __init__(self, parts: Parts, calls: Calls) -> None:
        self.metrics = WebhookMetrics()
        self.mutating = MutatingWebhooks(
            _followed(parts, "mutatingwebhookconfigurations"),
            Asking(calls, self.metrics, mutating=True),
            parts.registry,
        )
        self.validating = ValidatingWebhooks(
            _followed(parts, "validatingwebhookconfigurations"),
            Asking(calls, self.metrics, mutating=False),
            parts.registry,
        )


def _followed(parts: Parts, plural: str) -> Compiled[Hook]:
    prefix = storage_prefix(CONFIGURATION_GROUP, plural)
    return Compiled(parts.store, parts.hubs, prefix, compile=hooks_of, changed=parts.admission.choose_anew)
