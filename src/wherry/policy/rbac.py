"""Role-based access control: who may do what, answered from dictionaries.

`Rules` is fed with Roles, ClusterRoles and their bindings as they change (`put`, `remove`). For each user it remembers
what applies to that user, and for each kind of request the answer; any change of RBAC objects forgets all of it. So a
decision is two lookups, and only the first of its kind walks rules.

What always holds: what is not allowed is denied; a binding to a role that does not exist allows nothing.
Source: "Using RBAC Authorization" in the Kubernetes documentation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from wherry.api.types import Object
from wherry.policy.rules import Rule, compile_rules
from wherry.policy.user import User

GROUP = "rbac.authorization.k8s.io"

_Key = tuple[str, str, str]
"""Kind, namespace (empty for cluster roles and their bindings), name."""

_ACCOUNT = "system:serviceaccount:"
_MOST_USERS = 10_000
_MOST_ANSWERS = 5_000
_EVERY_NAME: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class _Binding:
    """In `namespace`, or everywhere when it is empty, the subjects have the role."""

    namespace: str
    role: _Key
    subjects: frozenset[str]


class _Granted:
    """What one user has: rules by namespace (empty: everywhere), and the answers given so far."""

    __slots__ = ("answers", "rules")

    def __init__(self, rules: Mapping[str, list[Rule]]) -> None:
        self.rules = rules
        self.answers: dict[tuple[str, str, str, str, str], frozenset[str] | None] = {}

    def names(self, verb: str, group: str, resource: str, subresource: str, namespace: str) -> frozenset[str] | None:
        """The object names for which the request is allowed; None for all of them."""
        key = (verb, group, resource, subresource, namespace)
        try:
            return self.answers[key]
        except KeyError:
            if len(self.answers) >= _MOST_ANSWERS:
                self.answers.clear()
            answer = self.answers[key] = self._decide(*key)
            return answer

    def _decide(self, verb: str, group: str, resource: str, subresource: str, namespace: str) -> frozenset[str] | None:
        names: frozenset[str] = frozenset()
        for rule in self.applying(namespace):
            if rule.matches(verb, group, resource, subresource):
                if not rule.names:
                    return _EVERY_NAME
                names |= rule.names
        return names

    def applying(self, namespace: str) -> Iterator[Rule]:
        yield from self.rules.get("", ())
        if namespace:
            yield from self.rules.get(namespace, ())


class Rules:
    """All RBAC objects of a cluster, indexed by subject."""

    def __init__(self, objects: Iterable[Object] = ()) -> None:
        self._roles: dict[_Key, tuple[Rule, ...]] = {}
        self._bindings: dict[_Key, _Binding] = {}
        self._by_subject: dict[str, set[_Key]] = {}
        self._granted: dict[User, _Granted] = {}
        for obj in objects:
            self.put(obj)

    def put(self, obj: Object) -> None:
        """Take in a new or changed Role, ClusterRole, RoleBinding or ClusterRoleBinding."""
        key = _key(obj)
        if key[0] in ("Role", "ClusterRole"):
            self._roles[key] = compile_rules(obj.get("rules"))
        else:
            self._unbind(key)
            binding = self._bindings[key] = _binding(obj, key)
            for subject in binding.subjects:
                self._by_subject.setdefault(subject, set()).add(key)
        self._granted.clear()

    def remove(self, obj: Object) -> None:
        """Forget one that was deleted; nothing happens if it is not known."""
        key = _key(obj)
        self._roles.pop(key, None)
        self._unbind(key)
        self._granted.clear()

    def allowed(
        self,
        user: User,
        verb: str,
        group: str,
        resource: str,
        *,
        subresource: str = "",
        namespace: str = "",
        name: str = "",
    ) -> bool:
        """Whether the user may do this with a resource. An empty namespace is the cluster scope."""
        names = self._of(user).names(verb, group, resource, subresource, namespace)
        return names is None or name in names

    def allowed_path(self, user: User, verb: str, path: str) -> bool:
        """Whether the user may do this with a path that is no resource; `verb` is the HTTP method in lower case."""
        return any(rule.allows_url(verb, path) for rule in self._of(user).rules.get("", ()))

    def rules_for(self, user: User, namespace: str = "") -> list[Rule]:
        """Every rule that applies to the user there, for reviews and escalation checks."""
        return list(self._of(user).applying(namespace))

    def role_rules(self, kind: str, namespace: str, name: str) -> tuple[Rule, ...] | None:
        """The rules of a Role or ClusterRole; None when there is none of that name."""
        return self._roles.get((kind, namespace if kind == "Role" else "", name))

    def trouble(self, user: User, namespace: str = "") -> str:
        """Why rules of the user may be missing: `RBAC: role.rbac.authorization.k8s.io "x" not found`; mostly empty."""
        absent = dict.fromkeys(
            f'{binding.role[0].lower()}.{GROUP} "{binding.role[2]}" not found'
            for binding in self._bindings_of(user)
            if binding.namespace in ("", namespace) and binding.role not in self._roles
        )
        if not absent:
            return ""
        return f"RBAC: {next(iter(absent))}" if len(absent) == 1 else f"RBAC: [{', '.join(absent)}]"

    def why(self, user: User, namespace: str, matches: Callable[[Rule], bool]) -> str:
        """By which binding something is allowed: the first of those whose role has a rule that `matches`."""
        for subject, binding, key in self._subjects_of(user):
            if binding.namespace in ("", namespace) and any(map(matches, self._roles.get(binding.role, ()))):
                where = f"{key[2]}/{key[1]}" if key[1] else key[2]
                kind, _, name = subject.partition(":")
                return f'RBAC: allowed by {key[0]} "{where}" of {binding.role[0]} "{binding.role[2]}" to {_said(kind, name)}'
        return ""

    def _of(self, user: User) -> _Granted:
        found = self._granted.get(user)
        if found is None:
            if len(self._granted) >= _MOST_USERS:
                self._granted.clear()
            rules: dict[str, list[Rule]] = {}
            for binding in self._bindings_of(user):
                rules.setdefault(binding.namespace, []).extend(self._roles.get(binding.role, ()))
            found = self._granted[user] = _Granted(rules)
        return found

    def _bindings_of(self, user: User) -> Iterator[_Binding]:
        for _, binding, _ in self._subjects_of(user):
            yield binding

    def _subjects_of(self, user: User) -> Iterator[tuple[str, _Binding, _Key]]:
        """Each binding once, with the subject that it names the user by."""
        seen: set[_Key] = set()
        for subject in (f"User:{user.name}", *(f"Group:{group}" for group in user.groups)):
            keys = self._by_subject.get(subject, set()) - seen
            seen |= keys
            for key in sorted(keys):
                yield subject, self._bindings[key], key

    def _unbind(self, key: _Key) -> None:
        binding = self._bindings.pop(key, None)
        for subject in binding.subjects if binding else ():
            self._by_subject[subject].discard(key)


def _said(kind: str, name: str) -> str:
    """A subject as people say it; a service account by its namespace, too."""
    account = name.removeprefix(_ACCOUNT)
    if kind == "User" and account != name and ":" in account:
        namespace, _, own = account.partition(":")
        return f'ServiceAccount "{own}/{namespace}"'
    return f'{kind} "{name}"'


def _key(obj: Object) -> _Key:
    return obj["kind"], obj["metadata"].get("namespace", ""), obj["metadata"]["name"]


def _binding(obj: Object, key: _Key) -> _Binding:
    namespace, reference = key[1], obj["roleRef"]
    role = (reference["kind"], namespace if reference["kind"] == "Role" else "", reference["name"])
    subjects = frozenset(_subject(subject, namespace) for subject in obj.get("subjects") or ())
    return _Binding(namespace, role, subjects)


def _subject(subject: Mapping[str, Any], namespace: str) -> str:
    """A subject as `User:name` or `Group:name`; a service account is the user of its name."""
    if subject["kind"] == "ServiceAccount":
        return f"User:system:serviceaccount:{subject.get('namespace') or namespace}:{subject['name']}"
    return f"{subject['kind']}:{subject['name']}"
