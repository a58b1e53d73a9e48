"""Results in a row."""

from wherry.node.probes.thresholds import Run, Timing, after


def verdicts(timing, *results):
    run, found = Run(), []
    for result in results:
        run = after(run, result, timing)
        found.append(run.verdict)
    return found


def test_thresholds():
    timing = Timing(success_threshold=2, failure_threshold=3)
    assert verdicts(timing, True, True, False, False, False) == [None, True, True, True, False]
    assert verdicts(timing, True, False, True, True) == [None, None, None, True]


def test_defaults():
    assert Timing.of({}) == Timing(period=10, timeout=1, success_threshold=1, failure_threshold=3)
    assert Timing.of({"periodSeconds": 2}).period == 2
