"""A container's root file system: an overlay of the image's layers below a private one.

For `wherry.local/host` the only layer is the machine's own root. What must not be seen is masked in the private layer:
directories by an opaque empty one, files by a whiteout, so nobody inside can look below.
"""

from __future__ import annotations

import errno
import os
import shutil
import stat
from collections.abc import Sequence
from pathlib import Path

from wherry.node.runtimes.oci.threads import in_thread
from wherry.node.runtimes.port import CreateFailed
from wherry.node.runtimes.shim import system

HOST_MASKED_DIRECTORIES = (
    "/tmp", "/var/tmp", "/run", "/root", "/home", "/etc/ssh", "/etc/ssl/private", "/etc/sudoers.d", "/etc/kubernetes", "/etc/rancher", "/etc/docker",
    "/etc/wireguard", "/etc/openvpn", "/etc/letsencrypt", "/etc/ipsec.d", "/etc/ppp", "/etc/cron.d",
    "/etc/NetworkManager/system-connections", "/etc/wpa_supplicant", "/etc/netplan", "/etc/cloud",
    "/var/lib/wherry", "/var/lib/kubelet", "/var/lib/docker", "/var/lib/containerd", "/var/lib/containers",
    "/var/lib/etcd", "/var/lib/rancher", "/var/lib/cloud", "/var/lib/sss", "/var/lib/postgresql", "/var/lib/mysql",
    "/var/lib/NetworkManager", "/var/lib/bluetooth", "/var/lib/iwd", "/var/lib/systemd", "/var/lib/private",
    "/var/log", "/var/spool", "/var/mail", "/var/backups", "/var/cache", "/var/crash",
)  # fmt: skip
HOST_MASKED_FILES = (
    "/etc/shadow", "/etc/shadow-", "/etc/gshadow", "/etc/gshadow-", "/etc/sudoers", "/etc/krb5.keytab",
    "/etc/security/opasswd", "/etc/machine-id", "/etc/crypttab", "/etc/ipsec.secrets", "/swapfile", "/swap.img",
)  # fmt: skip
_SYSTEM = frozenset(
    {"bin", "sbin", "lib", "lib32", "lib64", "libx32", "usr", "etc", "var", "opt", "nix", "gnu", "proc", "sys", "dev"}
)
"""What may be seen of the machine's root directory; anything else there may be somebody's data."""
_OPTIONS_LIMIT = 4000
"""A mount's options have to fit into a page."""
_WORLD_WRITABLE = frozenset({"/tmp", "/var/tmp"})
_ALSO_MOUNTED = ("/usr", "/usr/local", "/opt", "/nix")
"""Where machines keep programs on file systems of their own, which an overlay of the root does not contain. Such a file
system is shown whole, so none that holds data may be listed here."""


def mount_rootfs(directory: Path, layers: Sequence[Path]) -> Path:
    """Mount the layers (topmost first) with the private one at `<directory>/rootfs`, once. Raises `CreateFailed`."""
    rootfs = directory / "rootfs"
    for name, mode in (("upper", 0o755), ("work", 0o700), ("rootfs", 0o755)):
        (directory / name).mkdir(mode=mode, exist_ok=True)
    if os.path.ismount(rootfs):
        return rootfs
    lower = ":".join(_escape(str(layer)) for layer in layers)
    options = (
        f"lowerdir={lower},upperdir={_escape(str(directory / 'upper'))},workdir={_escape(str(directory / 'work'))}"
    )
    shutil.rmtree(directory / "work" / "work" / "incompat", ignore_errors=True)
    try:
        if len(options) < _OPTIONS_LIMIT:
            _mount_overlay(rootfs, options)
        else:
            in_thread(lambda: _mount_from(layers, directory))
    except OSError as error:
        raise CreateFailed(f"cannot mount the root file system: {_explain(error, directory)}") from error
    return rootfs


def _mount_from(layers: Sequence[Path], directory: Path) -> None:
    """For images of very many layers, all links in one directory: name them relative to it."""
    system.unshare(system.CLONE_FS)
    os.chdir(layers[0].parent)
    lower = ":".join(_escape(layer.name) for layer in layers)
    upper, work = (_escape(str(directory / name)) for name in ("upper", "work"))
    _mount_overlay(directory / "rootfs", f"lowerdir={lower},upperdir={upper},workdir={work}")


def _mount_overlay(rootfs: Path, options: str) -> None:
    """`volatile` saves the disk from syncing what is thrown away anyway; kernels before 5.10 do not know it."""
    try:
        system.mount("overlay", str(rootfs), "overlay", 0, options + ",volatile")
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise
        system.mount("overlay", str(rootfs), "overlay", 0, options)


def _escape(path: str) -> str:
    return path.replace("\\", "\\\\").replace(":", "\\:").replace(",", "\\,")


def _explain(error: OSError, directory: Path) -> str:
    if error.errno == errno.ENODEV:
        return "this kernel has no overlayfs"
    if error.errno == errno.EINVAL:
        return f"overlayfs does not work on {directory}; put the state directory on ext4, xfs, btrfs or tmpfs"
    return error.strerror or str(error)


def unmount_rootfs(directory: Path) -> None:
    """Repeatable; also takes mounts inside with it."""
    rootfs = directory / "rootfs"
    for _ in range(8):
        if not os.path.ismount(rootfs):
            return
        system.unmount(str(rootfs))


def mask_host(upper: Path, state_directory: Path) -> None:
    """Hide the machine's secrets, and Wherry's own state, in a private layer over the machine's root."""
    directories, files = _foreign()
    for path in dict.fromkeys((*HOST_MASKED_DIRECTORIES, *directories, str(state_directory))):
        if os.path.isdir(path) and not os.path.islink(path) and not _below_mask(path, directories):
            place = _parents(upper, path)
            place.mkdir(mode=0o755, exist_ok=True)
            place.chmod(0o1777 if path in _WORLD_WRITABLE else 0o755)
            os.setxattr(place, "trusted.overlay.opaque", b"y")
    for path in (*HOST_MASKED_FILES, *files):
        if os.path.lexists(path):
            place = _parents(upper, path)
            if not os.path.lexists(place):
                os.mknod(place, stat.S_IFCHR, os.makedev(0, 0))


def _foreign() -> tuple[list[str], list[str]]:
    """Directories and files in the machine's root that do not belong to the system."""
    entries = [entry for entry in os.scandir("/") if entry.name not in _SYSTEM and not entry.is_symlink()]
    return (
        [entry.path for entry in entries if entry.is_dir(follow_symlinks=False)],
        [entry.path for entry in entries if not entry.is_dir(follow_symlinks=False)],
    )


def _below_mask(path: str, directories: Sequence[str]) -> bool:
    return any(path.startswith(masked + "/") for masked in (*HOST_MASKED_DIRECTORIES, *directories))


def _parents(upper: Path, path: str) -> Path:
    """Where `path` is in the private layer; its parents are made there as they are on the machine."""
    place, original = upper, Path("/")
    for part in Path(path).parts[1:-1]:
        place, original = place / part, original / part
        if not place.exists():
            found = original.stat()
            place.mkdir()
            os.chown(place, found.st_uid, found.st_gid)
            place.chmod(stat.S_IMODE(found.st_mode))
    return place / Path(path).name


def host_submounts() -> list[str]:
    """Directories of programs that have to be bound beside the overlay of the root."""
    return [path for path in _ALSO_MOUNTED if os.path.ismount(path) and not os.path.islink(path)]


def layer_bytes(directory: Path) -> int:
    """What the container has written to its private layer."""
    total = 0
    for folder, _, files in os.walk(directory / "upper"):
        for name in files:
            try:
                total += os.lstat(os.path.join(folder, name)).st_blocks * 512
            except OSError:
                continue
    return total
