"""Who asks, where the process itself says so: callers inside the process set `request.state["user"]`.

Only code in this process can set it: nothing that comes over the wire ends up in `state`.
"""

from __future__ import annotations

from wherry.apiserver.call import Answer, Call, Stage
from wherry.policy.user import ANONYMOUS, UNAUTHENTICATED, User

ANONYMOUS_USER = User(ANONYMOUS, (UNAUTHENTICATED,))


def in_process_identity(following: Stage) -> Stage:
    """Take the user from `request.state`; without one, the caller is anonymous."""

    def stage(call: Call) -> Answer:
        call.user = call.request.state.get("user") or ANONYMOUS_USER
        return following(call)

    return stage
