"""AppArmor profiles may be the runtime's or a local one; none may be switched off, by field or by annotation."""

from __future__ import annotations

from wherry.policy.podsecurity.subject import Subject, Violation, plural, quoted, setters

_ANNOTATION = "container.apparmor.security.beta.kubernetes.io/"
_TYPES = ("RuntimeDefault", "Localhost")


def since_0(pod: Subject) -> Violation | None:
    values: set[str] = set()
    own = (pod.security.get("appArmorProfile") or {}).get("type")
    if own is not None and own not in _TYPES:
        values.add(own)
    own_bad, containers = bool(values), []
    for name, _, security in pod.containers:
        given = (security.get("appArmorProfile") or {}).get("type")
        if given is not None and given not in _TYPES:
            containers.append(name)
            values.add(given)
    annotations = sorted(f'{key}="{value}"' for key, value in pod.annotations.items() if _bad_annotation(key, value))
    who = [each for each in (setters(own_bad, containers),) if each]
    if annotations:
        who.append(plural(len(annotations), "annotation"))
    if not who:
        return None
    shown = [*sorted(values), *annotations]
    detail = f"{' and '.join(who)} must not set AppArmor profile type to {quoted(shown)}"
    return Violation(plural(len(shown), "forbidden AppArmor profile"), detail)


def _bad_annotation(key: str, value: str) -> bool:
    return key.startswith(_ANNOTATION) and value not in ("", "runtime/default") and not value.startswith("localhost/")
