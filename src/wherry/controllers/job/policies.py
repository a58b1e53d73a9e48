"""Pod failure policies (KEP-3329) and success policies (KEP-3998). Pure."""

from __future__ import annotations

from typing import NamedTuple

from wherry.api.types import Object
from wherry.controllers.job import indexes


class Match(NamedTuple):
    """The rule that a failed pod meets. `action`: FailJob, FailIndex, Ignore or Count."""

    action: str
    message: str = ""


COUNT = Match("Count")


def judge(job: Object, pod: Object) -> Match:
    """What the job's pod failure policy says of a failed pod; the first rule that matches decides."""
    for number, rule in enumerate((job["spec"].get("podFailurePolicy") or {}).get("rules") or ()):
        why = _exit_codes(rule.get("onExitCodes"), pod) or _conditions(rule.get("onPodConditions"), pod)
        if why:
            return Match(rule["action"], f"{why} matching {rule['action']} rule at index {number}")
    return COUNT


def _name(pod: Object) -> str:
    return f"{pod['metadata']['namespace']}/{pod['metadata']['name']}"


def _exit_codes(wanted: Object | None, pod: Object) -> str:
    if not wanted:
        return ""
    status = pod.get("status") or {}
    for container in (*(status.get("containerStatuses") or ()), *(status.get("initContainerStatuses") or ())):
        terminated = (container.get("state") or {}).get("terminated")
        if terminated is None or wanted.get("containerName") not in (None, "", container["name"]):
            continue
        code = terminated.get("exitCode", 0)
        if code != 0 and (code in wanted["values"]) == (wanted["operator"] == "In"):
            return f"Container {container['name']} for pod {_name(pod)} failed with exit code {code}"
    return ""


def _conditions(wanted: list[Object] | None, pod: Object) -> str:
    for pattern in wanted or ():
        for condition in (pod.get("status") or {}).get("conditions") or ():
            if (condition["type"], condition["status"]) == (pattern["type"], pattern.get("status", "True")):
                return f"Pod {_name(pod)} has condition {condition['type']}"
    return ""


def succeeded_early(job: Object, succeeded: set[int], completions: int) -> str:
    """The message of the success policy's rule that is met; empty for none."""
    for number, rule in enumerate((job["spec"].get("successPolicy") or {}).get("rules") or ()):
        wanted = rule.get("succeededIndexes")
        among = succeeded if wanted is None else succeeded & indexes.parse(wanted, completions)
        needed = rule.get("succeededCount")
        if needed is None:
            needed = len(indexes.parse(wanted or "", completions))
        if among and len(among) >= needed:
            return f"Matched rules at index {number}"
    return ""
