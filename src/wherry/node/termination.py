"""What a container said at its end: the termination message file, or the end of its log."""

from __future__ import annotations

from pathlib import Path

from wherry.api.types import Object
from wherry.node.runtimes.port import ContainerState

MAX_MESSAGE = 4096
MAX_LOG_BYTES = 2048
MAX_LOG_LINES = 80


def message(container: Object, state: ContainerState, path: Path) -> str:
    """Empty where there is none."""
    text = _head(path)
    if text or state.exit_code == 0 or container.get("terminationMessagePolicy") != "FallbackToLogsOnError":
        return text
    return log_tail(Path(state.log_path)) if state.log_path else ""


def _head(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(MAX_MESSAGE).decode("utf-8", "replace")
    except OSError:
        return ""


def log_tail(path: Path) -> str:
    """The last lines of a log in CRI format, without their time and stream."""
    try:
        with path.open("rb") as file:
            file.seek(0, 2)
            size = file.tell()
            file.seek(max(0, size - 16 * MAX_LOG_BYTES))
            lines = file.read().decode("utf-8", "replace").splitlines()
    except OSError:
        return ""
    text = "".join(_text(line) for line in lines[-MAX_LOG_LINES:])
    return text[-MAX_LOG_BYTES:]


def _text(line: str) -> str:
    """`<time> <stream> F|P <text>`: a partial line has no end."""
    parts = line.split(" ", 3)
    if len(parts) < 4:
        return ""
    return parts[3] if parts[2] == "P" else f"{parts[3]}\n"
