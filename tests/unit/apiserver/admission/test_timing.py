"""Admission tells in `/metrics` how long each plugin and each phase took, and what they refused."""

from __future__ import annotations

import pytest

from wherry.api.errors import Forbidden
from wherry.base.fake_clock import FakeClock
from wherry.testing.apiserver import client_of, in_process_server


async def test_plugins_and_phases_are_counted_with_what_they_refused() -> None:
    clock = FakeClock()
    async with in_process_server(clock=clock) as server:
        client = client_of(server, clock=clock)
        spec = {"containers": [{"name": "main", "image": "app"}]}
        await client.create("pods", {"metadata": {"name": "p"}, "spec": spec}, namespace="default")
        unknown = {"metadata": {"name": "q"}, "spec": {**spec, "priorityClassName": "vip"}}
        with pytest.raises(Forbidden):
            await client.create("pods", unknown, namespace="default")
        answer = await client.raw("GET", "/metrics")
        text = bytes(answer.body).decode() if isinstance(answer.body, bytes) else b"".join(answer.body).decode()
    prefix = "apiserver_admission_controller_admission_duration_seconds_count"
    create = 'operation="CREATE",type="admit"'
    assert f'{prefix}{{name="Priority",{create},rejected="false"}} 1' in text
    assert f'{prefix}{{name="Priority",{create},rejected="true"}} 1' in text
    assert f'{prefix}{{name="PodSecurity",operation="CREATE",type="validate",rejected="false"}} 1' in text
    assert f'apiserver_admission_step_admission_duration_seconds_count{{{create},rejected="true"}} 1' in text
