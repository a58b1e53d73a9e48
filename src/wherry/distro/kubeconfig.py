"""The administrator's kubeconfig: written beside the state, merged into the user's own."""

from __future__ import annotations

from pathlib import Path

from wherry.base.files import write_atomic
from wherry.client import kubeconfig
from wherry.distro.config import ClusterConfig, StateDirectory
from wherry.distro.pki import Authority, KeyPair, Profile

ADMIN = Profile(common_name="kubernetes-admin", organizations=("system:masters",), client=True)


def write(state: StateDirectory, config: ClusterConfig, authority: Authority) -> None:
    """Write the cluster's own kubeconfig, with the administrator's certificate inside."""
    pair = authority.issue("admin", ADMIN)
    wanted = _entry(config, authority.pair, pair)
    try:
        if _says(set(state.kubeconfig.read_text().split()), wanted):
            return
    except FileNotFoundError:
        pass
    write_atomic(state.kubeconfig, kubeconfig.dump(wanted), mode=0o600)


def _says(words: set[str], wanted: object) -> bool:
    """Whether every value that is wanted stands in the file: to load YAML and compare takes a tenth of the whole start."""
    if isinstance(wanted, dict):
        return all(_says(words, value) for value in wanted.values())
    if isinstance(wanted, list):
        return all(_says(words, value) for value in wanted)
    return str(wanted) in words


def _entry(config: ClusterConfig, authority: KeyPair, admin: KeyPair) -> dict[str, object]:
    return kubeconfig.entry(
        config.context,
        server=config.server,
        ca=authority.certificate.read_bytes(),
        cert=admin.certificate.read_bytes(),
        key=admin.key.read_bytes(),
    )


def merge_into_user_file(state: StateDirectory) -> Path:
    """Merge the cluster's context into the user's kubeconfig, as the current one; gives the file."""
    path = kubeconfig.path_to_write()
    kubeconfig.merge_into(path, kubeconfig.load([state.kubeconfig]))
    return path


def remove_from_user_file(config: ClusterConfig) -> None:
    """Take the cluster's context out of every file of the user's kubeconfig."""
    for path in kubeconfig.paths():
        if path.exists():
            kubeconfig.remove_from(path, config.context)
