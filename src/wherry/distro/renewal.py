"""Certificates that are renewed while the cluster runs: new connections use the new one, nothing is started again.

What the cluster's authority made for the control plane, its process makes anew (`Renewal`); a node asks for its own by a
certificate request, as a kubelet does (see `rotation`). An `SSLContext` that loads another pair shows it in every
handshake from then on, as a server and as a client. Connections that are open keep what they began with.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from ssl import SSLContext

from wherry.base.backoff import Backoff
from wherry.base.clock import Clock
from wherry.base.log import Logger
from wherry.base.tasks import keep_running
from wherry.base.validity import Life, wait_until
from wherry.distro.pki import Authority, KeyPair, Profile

log = Logger("certificates")

_AGAIN = Backoff(initial=10.0, cap=1800.0)

Use = Callable[[KeyPair], None]


def into(context: SSLContext) -> Use:
    """Uses a pair for what connects, or is accepted, by that context from now on."""
    return lambda pair: context.load_cert_chain(pair.certificate, pair.key)


class Renewal:
    """A component: renews one pair that `authority.issue` has made, and gives each new one to `use`."""

    def __init__(
        self,
        authority: Authority,
        file_name: str,
        profile: Profile,
        use: Use,
        *,
        clock: Clock,
        chance: Random | None = None,
    ) -> None:
        self._authority = authority
        self._file_name = file_name
        self._profile = profile
        self._use = use
        self._clock = clock
        self._chance = chance or Random()

    async def run(self) -> None:
        name = f"renewal of {self._file_name}"
        await keep_running(name, self._renew_forever, clock=self._clock, log=log, backoff=_AGAIN)

    async def _renew_forever(self) -> None:
        while True:
            life = self._life()
            await wait_until(life.due_at(self._chance), self._clock)
            if self._life() == life:  # else another process that has the same pair was first
                self._authority.renew(self._file_name, self._profile)
                log.info("certificate renewed", name=self._file_name)
            self._use(self._authority.issue(self._file_name, self._profile))

    def _life(self) -> Life:
        return Life(*self._authority.life(self._file_name))
