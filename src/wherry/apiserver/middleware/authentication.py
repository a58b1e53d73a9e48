"""Authentication as a stage: find out who asks, or refuse."""

from __future__ import annotations

from collections.abc import Callable

from wherry.apiserver.authentication.authenticator import Authenticator
from wherry.apiserver.call import Answer, Call, Stage


def authentication(authenticator: Authenticator) -> Callable[[Stage], Stage]:
    user_of = authenticator.user_of

    def wrap(following: Stage) -> Stage:
        def stage(call: Call) -> Answer:
            call.user = user_of(call.request)
            return following(call)

        return stage

    return wrap
