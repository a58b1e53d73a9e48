"""Admission's two phases: what may change the object, then what may only refuse it."""

from __future__ import annotations

from wherry.apiserver.config import ServerConfig
from wherry.base.fake_clock import FakeClock
from wherry.policy.user import AUTHENTICATED, User
from wherry.testing.apiserver import in_process_server
from wherry.testing.http import Api


async def test_a_role_with_more_than_its_author_has_is_refused() -> None:
    """The second phase of admission runs: it is where escalation is found."""
    clock = FakeClock()
    async with in_process_server(clock=clock, config=ServerConfig(rbac=True)) as server:
        api = Api(server, clock)
        rules = [{"apiGroups": ["rbac.authorization.k8s.io"], "resources": ["roles"], "verbs": ["create", "update"]}]
        rbac = "/apis/rbac.authorization.k8s.io/v1"
        await api.create(f"{rbac}/clusterroles", {"metadata": {"name": "author"}, "rules": rules})
        role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "author"}
        subject = {"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "eve"}
        binding = {"metadata": {"name": "author"}, "roleRef": role, "subjects": [subject]}
        await api.create(f"{rbac}/clusterrolebindings", binding)
        api.user = User("eve", (AUTHENTICATED,))
        more = {"metadata": {"name": "m"}, "rules": [{"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]}]}
        assert (await api("POST", f"{rbac}/namespaces/default/roles", {**more, "rules": []})).status == 201
        assert (await api("PUT", f"{rbac}/namespaces/default/roles/m", more)).status == 403
