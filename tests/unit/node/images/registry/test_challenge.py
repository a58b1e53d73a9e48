"""What a registry wants before it answers."""

from __future__ import annotations

from wherry.node.images.registry.challenge import Challenge


def test_bearer() -> None:
    challenge = Challenge.parse('Bearer realm="https://a.test/t?x=1",service="a.test",scope="repository:me/app:pull"')
    assert challenge.token_url("me/app") == ("https://a.test/t?x=1&scope=repository%3Ame%2Fapp%3Apull&service=a.test")


def test_a_scope_of_our_own() -> None:
    assert Challenge.parse("bearer realm=https://a.test/t").token_url("x") == (
        "https://a.test/t?scope=repository%3Ax%3Apull"
    )


def test_others() -> None:
    assert Challenge.parse('Basic realm="x"').token_url("x") is None
    assert Challenge.parse("").token_url("x") is None
