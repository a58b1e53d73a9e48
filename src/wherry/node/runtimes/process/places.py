"""Where a plain process finds its volumes when the machine has no private mounts. Pure.

Each mount's source is reachable as `$WHERRY_ROOT<target>`; and where an argument or an environment value names a mount's
target, it is rewritten to that path, so `--config=/etc/config/app.yaml` works unchanged. Files that the program names by
itself, compiled in, cannot be helped.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

_BEFORE = r"(?<![^\s=:,;'\"(\[{<>|&])"
_AFTER = r"(?=$|[/\s:,;'\")\]}<>|&])"


def rewriter(targets: Sequence[str]) -> re.Pattern[str] | None:
    """A pattern for all targets, the longest first; None without targets."""
    longest_first = sorted({target.rstrip("/") for target in targets if target.rstrip("/")}, key=len, reverse=True)
    if not longest_first:
        return None
    return re.compile(_BEFORE + "(" + "|".join(map(re.escape, longest_first)) + ")" + _AFTER)


def rewrite(text: str, pattern: re.Pattern[str] | None, root: str) -> str:
    return text if pattern is None else pattern.sub(lambda match: root + match[1], text)
