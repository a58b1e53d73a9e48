"""A certificate request says who made it: the server fills that in, whatever the client wrote.

Source: pkg/registry/certificates/certificates/strategy.go (PrepareForCreate).
"""

from __future__ import annotations

from wherry.apiserver.admission.attributes import Attributes


def on_create(attributes: Attributes) -> None:
    request, user = attributes.obj, attributes.user
    if request is None:
        return
    spec = request.setdefault("spec", {})
    for field in ("username", "uid", "groups", "extra"):
        spec.pop(field, None)
    spec["username"] = user.name
    if user.uid:
        spec["uid"] = user.uid
    if user.groups:
        spec["groups"] = list(user.groups)
    if user.extra:
        spec["extra"] = {key: list(values) for key, values in user.extra.items()}
