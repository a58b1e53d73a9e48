"""What shim and agent tell each other: status lines, and frames of attached streams. Pure; both sides import it.

A status is one line, in the file `status` of the container's directory and on the control socket alike:

    running <pid> <started ns>
    exited <code> <signal> <started ns> <finished ns> <oom 0|1> <reason or -> <message, newlines escaped>

On the control socket the agent writes `<token> kill <number>`, `<token> reopen` or `<token> resize <columns> <rows>` and
gets `done <token>`. An attach connection begins with `attach <0|1>` (with stdin or not); then both sides send frames: one
byte kind, four bytes length (big endian), payload.
"""

from __future__ import annotations

STATUS_FILE = "status"
LAUNCH_FILE = "launch"
LOCK_FILE = "lock"
SOCKET_FILE = "sock"

TO_SHIM_DATA, TO_SHIM_EOF, TO_SHIM_RESIZE = 0, 1, 2
STDOUT, STDERR, ENDED = 1, 2, 3
_HEADER = 5
FRAME_LIMIT = 1 << 20


class Running:
    """The container's process runs."""

    __slots__ = ("pid", "started_ns")

    def __init__(self, pid: int, started_ns: int) -> None:
        self.pid = pid
        self.started_ns = started_ns

    def line(self) -> str:
        return f"running {self.pid} {self.started_ns}"


class Exited:
    """The container's process has ended, or never started (`reason` StartError, `started_ns` 0)."""

    __slots__ = ("code", "finished_ns", "message", "oom_killed", "reason", "signal", "started_ns")

    def __init__(
        self,
        code: int,
        signal: int,
        started_ns: int,
        finished_ns: int,
        oom_killed: bool = False,
        reason: str = "",
        message: str = "",
    ) -> None:
        self.code = code
        self.signal = signal
        self.started_ns = started_ns
        self.finished_ns = finished_ns
        self.oom_killed = oom_killed
        self.reason = reason
        self.message = message

    def line(self) -> str:
        message = self.message.replace("\\", "\\\\").replace("\n", "\\n")
        numbers = f"{self.code} {self.signal} {self.started_ns} {self.finished_ns} {int(self.oom_killed)}"
        return f"exited {numbers} {self.reason or '-'} {message}"


def parse_status(line: str) -> Running | Exited | None:
    """What a status line says; None when it is cut off or foreign."""
    words = line.rstrip("\n").split(" ", 7)
    try:
        if words[0] == "running":
            return Running(int(words[1]), int(words[2]))
        if words[0] == "exited":
            code, signal, started, finished, oom = (int(word) for word in words[1:6])
            reason = "" if words[6] == "-" else words[6]
            return Exited(code, signal, started, finished, bool(oom), reason, _unescape(words[7]))
    except (IndexError, ValueError):
        pass
    return None


def _unescape(text: str) -> str:
    return "\\".join(part.replace("\\n", "\n") for part in text.split("\\\\"))


def frame(kind: int, payload: bytes = b"") -> bytes:
    return bytes((kind,)) + len(payload).to_bytes(4, "big") + payload


def take_frames(buffer: bytearray) -> list[tuple[int, bytes]]:
    """Cut the whole frames off the front of `buffer`. Raises `ValueError` for one that is too long."""
    frames = []
    start = 0
    while len(buffer) - start >= _HEADER:
        length = int.from_bytes(buffer[start + 1 : start + _HEADER], "big")
        if length > FRAME_LIMIT:
            raise ValueError(f"a frame of {length} bytes")
        end = start + _HEADER + length
        if end > len(buffer):
            break
        frames.append((buffer[start], bytes(buffer[start + _HEADER : end])))
        start = end
    del buffer[:start]
    return frames
