"""From the claims of a verified token to a user, by the rules of its issuer.

Source: k8s.io/apiserver/plugin/pkg/authenticator/token/oidc; "Authenticating" in the Kubernetes documentation.
"""

from __future__ import annotations

from collections.abc import Mapping as Map
from typing import Any

from wherry.api.types import Object
from wherry.apiserver.authentication.expressions import ClaimsExpression, UserExpression
from wherry.apiserver.authentication.issuer_config import ClaimRule, IssuerConfig, Mapping
from wherry.apiserver.authentication.jwt import TokenError
from wherry.policy.user import AUTHENTICATED, User

CREDENTIAL_ID = "authentication.kubernetes.io/credential-id"


class ClaimsReader:
    """The rules of one issuer, compiled. Raises `ConfigurationError` for an expression that is none."""

    def __init__(self, config: IssuerConfig, *, path: str) -> None:
        self._config = config
        self._compiled = {
            text: ClaimsExpression(text, at)
            for text, at in (
                (config.username.expression, f"{path}.claimMappings.username.expression"),
                (config.groups.expression, f"{path}.claimMappings.groups.expression"),
                (config.uid.expression, f"{path}.claimMappings.uid.expression"),
                *((text, f"{path}.claimMappings.extra.valueExpression") for _, text in config.extra),
            )
            if text
        }
        self._conditions = {
            rule.expression: ClaimsExpression(
                rule.expression, f"{path}.claimValidationRules.expression", condition=True
            )
            for rule in config.claim_rules
            if rule.expression
        }
        self._user_rules = [
            (UserExpression(rule.expression, f"{path}.userValidationRules.expression"), rule.message)
            for rule in config.user_rules
        ]

    def user_of(self, claims: Object) -> User:
        """Raises `TokenError`."""
        config = self._config
        for rule in config.claim_rules:
            self._check(rule, claims)
        name = self._name(claims)
        groups = self._strings(config.groups, claims)
        uid = self._text(config.uid, claims)
        user = User(name, groups, uid, self._extra(claims))
        for expression, message in self._user_rules:
            if expression.value(user) is not True:
                raise TokenError(f"validation expression failed: {message or expression.text}")
        if AUTHENTICATED in groups:
            return user
        return User(name, (*groups, AUTHENTICATED), uid, user.extra)

    def _check(self, rule: ClaimRule, claims: Object) -> None:
        if rule.expression:
            if self._conditions[rule.expression].value(claims) is not True:
                raise TokenError(f"validation expression failed: {rule.message or rule.expression}")
        elif claims.get(rule.claim) != rule.required_value:
            raise TokenError(f"the claim {rule.claim} does not have the value that is required")

    def _name(self, claims: Object) -> str:
        mapping = self._config.username
        if mapping.claim == "email" and claims.get("email_verified", True) is not True:
            # Where the claim is missing, upstream takes the address as verified.
            raise TokenError("the email address is not verified")
        name = self._text(mapping, claims)
        if not name:
            raise TokenError("the user has no name")
        return name

    def _text(self, mapping: Mapping, claims: Object) -> str:
        if not mapping:
            return ""
        value = self._compiled[mapping.expression].value(claims) if mapping.expression else claims.get(mapping.claim)
        if not isinstance(value, str):
            raise TokenError(f"{mapping.claim or mapping.expression}: not a string")
        return mapping.prefix + value

    def _strings(self, mapping: Mapping, claims: Object) -> tuple[str, ...]:
        if not mapping:
            return ()
        if mapping.expression:
            return _texts(self._compiled[mapping.expression].value(claims), mapping.expression)
        value = claims.get(mapping.claim)
        return tuple(mapping.prefix + each for each in _texts(value, mapping.claim))

    def _extra(self, claims: Object) -> Map[str, tuple[str, ...]]:
        found = {
            key: values
            for key, expression in self._config.extra
            if (values := _texts(self._compiled[expression].value(claims), expression))
        }
        if isinstance(token_id := claims.get("jti"), str) and token_id:
            found[CREDENTIAL_ID] = (f"JTI={token_id}",)
        return found


def _texts(value: Any, what: str) -> tuple[str, ...]:
    """One string or many; nothing and the empty string are none. Raises `TokenError`."""
    if value is None or value == "":
        return ()
    if isinstance(value, str):
        return (value,)
    if isinstance(value, list | tuple) and all(isinstance(each, str) for each in value):
        return tuple(each for each in value if each)
    raise TokenError(f"{what}: not a string or a list of strings")
