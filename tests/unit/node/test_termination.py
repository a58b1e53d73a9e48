"""Last words."""

from dataclasses import replace

from wherry.node.termination import log_tail, message
from wherry.testing.pods import container, state

LINE = "2026-01-01T00:00:00.0Z stdout"


def test_file_first_then_the_log(tmp_path):
    log = tmp_path / "0.log"
    log.write_text(f"{LINE} F one\n{LINE} P tw\n{LINE} F o\n")
    ended = replace(state("a", "exited", 1), log_path=str(log))
    falls_back = container("a", terminationMessagePolicy="FallbackToLogsOnError")
    path = tmp_path / "t"
    assert message(falls_back, ended, path) == "one\ntwo\n"
    assert message(container("a"), ended, path) == ""
    assert message(falls_back, replace(ended, exit_code=0), path) == ""
    path.write_text("x" * 5000)
    assert message(falls_back, ended, path) == "x" * 4096


def test_tail_is_bounded(tmp_path):
    log = tmp_path / "0.log"
    log.write_text("".join(f"{LINE} F {number}\n" for number in range(200)))
    assert log_tail(log).splitlines()[0] == "120"
