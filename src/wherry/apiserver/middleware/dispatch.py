"""The innermost stage: resource requests go to the verbs, all others to the handlers of fixed paths."""

from __future__ import annotations

from collections.abc import Mapping

from wherry.apiserver.call import Answer, Call, Stage
from wherry.apiserver.verbs.table import handler_of
from wherry.wire.messages import Response

PAGE_NOT_FOUND = Response(404, b"404 page not found\n", "text/plain; charset=utf-8")


def dispatch(paths: Mapping[str, Stage]) -> Stage:
    """`paths` maps fixed paths; one that ends in `/` serves all that is below it."""
    below = tuple((path, stage) for path, stage in paths.items() if path.endswith("/") and path != "/")

    def stage(call: Call) -> Answer:
        info = call.info
        if info.resource_request:
            if info.served is None:
                registry = call.parts.registry
                if aggregated := registry.aggregated.get((info.group, info.version)):
                    return aggregated.backend.serve(call)
                if not registry.has_version(info.group, info.version):
                    return PAGE_NOT_FOUND
            return handler_of(call)(call)
        found = paths.get(info.path)
        if found is None:
            found = next((stage for prefix, stage in below if info.path.startswith(prefix)), None)
        return found(call) if found is not None else PAGE_NOT_FOUND

    return stage
