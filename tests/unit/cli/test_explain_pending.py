"""`wherry explain-pending` against a real API server."""

from __future__ import annotations

from wherry.testing.scheduling import node, pod

from .conftest import Wherry


async def _node(wherry: Wherry, name: str, **options: object) -> None:
    made = node(name, **options)  # type: ignore[arg-type]
    await wherry.client.create("nodes", made)
    await wherry.client.patch("nodes", name, {"spec": {"taints": made["spec"].get("taints")}})


async def test_rules_counts_names_and_changes(wherry: Wherry) -> None:
    taint = {"key": "team", "value": "x", "effect": "NoSchedule"}
    await _node(wherry, "n1", cpu="1")
    for name in ("n2", "n3"):
        await _node(wherry, name, cpu="8", taints=[taint])
    await wherry.client.create("pods", pod("web", cpu="2"))
    said = await wherry("explain-pending", "web")
    assert said.splitlines() == [
        "Pod web fits on none of 3 nodes:",
        "",
        "NODES  REASON                            RULE              WHICH",
        "2      node(s) had untolerated taint(s)  TaintToleration   n2, n3",
        "1      Insufficient cpu                  NodeResourcesFit  n1",
        "",
        "It would be placed by any of these, the smallest first:",
        "- let the pod tolerate the taint team=x:NoSchedule (then it fits on n2)",
        "- lower the pod's cpu request from 2 to 1 (then it fits on n1)",
        "- add a node with 2 cpu free",
    ]


async def test_pods_that_do_not_wait_for_a_node(wherry: Wherry) -> None:
    await _node(wherry, "n1")
    await wherry.client.create("pods", pod("placed", node_name="n1"))
    assert await wherry("explain-pending", "placed") == "Pod placed is not waiting for a node: it is on n1.\n"
    await wherry.client.create("pods", pod("gated", schedulingGates=[{"name": "example.com/later"}]))
    assert "scheduling gates example.com/later" in await wherry("explain-pending", "gated")
    await wherry.client.create("pods", pod("new"))
    assert (await wherry("explain-pending", "new")).startswith("Pod new would fit on n1.\n")
    assert await wherry.fails("explain-pending", "nobody") == (
        'Error from server (NotFound): pods "nobody" not found\n'
    )
