"""A service account `default` in every namespace."""

from __future__ import annotations

from wherry.api.errors import AlreadyExists, NotFound
from wherry.api.types import Object
from wherry.client.informer import Key
from wherry.controllers.context import Context
from wherry.controllers.controller import Loop
from wherry.controllers.pod_control import namespace_terminating

NAME = "default"


class ServiceAccountController:
    """A component; see the module."""

    name = "serviceaccount"

    def __init__(self, context: Context) -> None:
        self._client = context.client
        self._namespaces = context.informers.informer("namespaces")
        self._accounts = context.informers.informer("serviceaccounts")
        self.loop = Loop(
            self.name,
            self._reconcile,
            clock=context.clock,
            needs=(self._namespaces, self._accounts),
            log=context.log,
            workers=context.config.workers_by_controller.get(self.name, context.config.workers),
        )
        self._namespaces.add_handler(self.loop.enqueue, lambda old, new: self.loop.enqueue(new))
        self._accounts.add_handler(on_delete=self._account_gone)

    async def run(self) -> None:
        await self.loop.run()

    def _account_gone(self, account: Object) -> None:
        if account["metadata"]["name"] == NAME:
            self.loop.queue.add(("", account["metadata"]["namespace"]))

    async def _reconcile(self, key: Key) -> None:
        namespace = self._namespaces.get(*key)
        if namespace is None or not is_active(namespace) or self._accounts.get(key[1], NAME) is not None:
            return
        try:
            await self._client.create("serviceaccounts", {"metadata": {"name": NAME, "namespace": key[1]}})
        except (AlreadyExists, NotFound):
            return
        except Exception as error:
            if not namespace_terminating(error):
                raise


def is_active(namespace: Object) -> bool:
    """Whether things may be made in a namespace."""
    phase = (namespace.get("status") or {}).get("phase", "Active")
    return phase == "Active" and not namespace["metadata"].get("deletionTimestamp")
