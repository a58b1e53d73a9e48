"""`/livez`, `/readyz`, `/healthz`: the sum of named checks, each of which can also be asked for by itself.

Source: k8s.io/apiserver/pkg/server/healthz; the documentation page "Kubernetes API health endpoints".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from wherry.apiserver.call import Answer, Call
from wherry.wire.messages import Response

Check = Callable[[], bool]
_TEXT = "text/plain; charset=utf-8"
_HEADERS = (("Cache-Control", "no-cache, private"), ("X-Content-Type-Options", "nosniff"))


class Health:
    """The handler of one endpoint. `name` is `livez`; the checks are run in their order."""

    def __init__(self, name: str, checks: Mapping[str, Check]) -> None:
        self._name = name
        self._checks = dict(checks)

    def handle(self, call: Call) -> Answer:
        wanted = call.info.path.strip("/").partition("/")[2]
        if wanted:
            return self._single(wanted)
        excluded = {name for value in call.query.get("exclude", ()) for name in value.split(",")}
        results = {name: name in excluded or check() for name, check in self._checks.items()}
        if all(results.values()):
            if "verbose" not in call.query:
                return Response(200, b"ok", _TEXT, _HEADERS)
            return Response(200, self._report(results, excluded, "passed"), _TEXT, _HEADERS)
        return Response(500, self._report(results, excluded, "failed"), _TEXT, _HEADERS)

    def _single(self, name: str) -> Response:
        check = self._checks.get(name)
        if check is None:
            return Response(404, b"404 page not found\n", _TEXT)
        if check():
            return Response(200, b"ok", _TEXT, _HEADERS)
        return Response(500, b"internal server error: reason withheld\n", _TEXT, _HEADERS)

    def _report(self, results: Mapping[str, bool], excluded: set[str], outcome: str) -> bytes:
        lines = []
        for name, good in results.items():
            if name in excluded:
                lines.append(f"[+]{name} excluded: ok")
            else:
                lines.append(f"[+]{name} ok" if good else f"[-]{name} failed: reason withheld")
        if unknown := sorted(excluded - results.keys() - {""}):
            shown = ",".join(f'"{name}"' for name in unknown)
            lines.append(f"warn: some health checks cannot be excluded: no matches for {shown}")
        return "\n".join([*lines, f"{self._name} check {outcome}", ""]).encode()
