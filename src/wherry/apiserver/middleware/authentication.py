"""Authentication as a stage: find out who asks, or refuse."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from inspect import isawaitable

from wherry.apiserver.authentication.authenticator import Authenticator
from wherry.apiserver.call import Answer, Call, Stage
from wherry.policy.user import User
from wherry.wire.messages import Reply


def authentication(authenticator: Authenticator) -> Callable[[Stage], Stage]:
    user_of = authenticator.user_of

    def wrap(following: Stage) -> Stage:
        def stage(call: Call) -> Answer:
            user = user_of(call.request)
            if type(user) is User:
                call.user = user
                return following(call)
            return later(call, user)  # type: ignore[arg-type]

        async def later(call: Call, user: Awaitable[User]) -> Reply:
            call.user = await user
            answer = following(call)
            return await answer if isawaitable(answer) else answer

        return stage

    return wrap
