"""The static token file: a line per token, `token,user,uid,"group1,group2"`, the groups being optional.

Source: "Static token file" in the Kubernetes documentation; k8s.io/apiserver/pkg/authentication/token/tokenfile.
"""

from __future__ import annotations

from wherry.apiserver.configuration.problems import ConfigurationError
from wherry.policy.user import User


def parse_token_file(data: bytes, *, source: str) -> dict[str, User]:
    """The users by their tokens; of a token that is there twice the last line counts. Raises `ConfigurationError`."""
    import csv
    import io

    try:
        lines = data.decode()
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{source}: not UTF-8") from error
    users: dict[str, User] = {}
    for number, record in enumerate(csv.reader(io.StringIO(lines), skipinitialspace=True), 1):
        fields = [field.strip() for field in record]
        if not any(fields) or fields[0].startswith("#"):
            continue
        if len(fields) < 3:
            what = f"must have at least 3 columns (token, user name, user uid), found {len(fields)}"
            raise ConfigurationError(f"{source}: line {number}: {what}")
        if not fields[0]:
            raise ConfigurationError(f"{source}: line {number}: the token is empty")
        groups = fields[3].split(",") if len(fields) > 3 else []
        users[fields[0]] = User(fields[1], tuple(each.strip() for each in groups if each.strip()), fields[2])
    return users
