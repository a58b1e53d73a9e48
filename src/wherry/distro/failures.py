"""What went wrong, for people: one line that says what, and what can be done about it."""

from __future__ import annotations

import errno

from wherry.distro.config import ClusterConfig, StateDirectory
from wherry.store.port import StoreFull
from wherry.wire.errors import AddressInUse

_NO_ROOM = (errno.ENOSPC, errno.EDQUOT)
_NO_RIGHTS = (errno.EACCES, errno.EPERM, errno.EROFS)


def explain(error: BaseException, state: StateDirectory, config: ClusterConfig) -> str:
    """Why a cluster did not start: the first cause's first line, with a way out where we know one."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    text = (_said(error).strip() or type(error).__name__).splitlines()[0]
    way_out = _way_out(error, state, config)
    return f"{text}: {way_out}" if way_out else text


def _said(error: BaseException) -> str:
    """Without the number that Python puts in front of what the system said."""
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    return str(error)


def _way_out(error: BaseException, state: StateDirectory, config: ClusterConfig) -> str:
    number = error.errno if isinstance(error, OSError) else None
    if isinstance(error, AddressInUse):
        return f"stop what listens there, or choose another port with `wherry up {config.name} --port P`"
    if isinstance(error, StoreFull) or number in _NO_ROOM:
        return f"make room on the disk of {state.path}, or use another one with --state-dir"
    if number in _NO_RIGHTS:
        return f"run as the user who owns {state.path}, or use another directory with --state-dir"
    return ""
