"""What is sent as the last word of exec and attach: a `metav1.Status` (k8s.io/apimachinery remotecommand)."""

from __future__ import annotations

from wherry.api.errors import InternalError
from wherry.api.types import Object


def success() -> Object:
    return {"metadata": {}, "status": "Success"}


def exited(code: int) -> Object:
    """Success for 0, else the exit code as a cause, where clients look for it."""
    if code == 0:
        return success()
    return {
        "metadata": {},
        "status": "Failure",
        "message": f"command terminated with non-zero exit code: exit code {code}",
        "reason": "NonZeroExitCode",
        "details": {"causes": [{"reason": "ExitCode", "message": str(code)}]},
    }


def failed(what: str, error: Exception) -> Object:
    """It could not be done at all."""
    return InternalError(f"Internal error occurred: error {what}: {error}").to_status()
