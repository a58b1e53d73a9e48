"""The exit code in a command's status."""

from __future__ import annotations

import pytest

from wherry.cli.errors import Refused
from wherry.cli.pods.exec_session import exit_code


def test_exit_codes() -> None:
    assert exit_code({"status": "Success"}) == 0
    details = {"causes": [{"reason": "ExitCode", "message": "7"}]}
    assert exit_code({"status": "Failure", "reason": "NonZeroExitCode", "details": details}) == 7
    with pytest.raises(Refused, match="no such file"):
        exit_code({"status": "Failure", "reason": "InternalError", "message": "no such file", "code": 500})
