"""Images made on the spot, for tests: nothing is downloaded.

`busybox_archive` packs the machine's static busybox (Debian and Ubuntu: package busybox-static) as `docker save` would;
`Layer` and the writers make any image, good or bad.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import platform
import subprocess
import tarfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

BUSYBOX = "/bin/busybox"
Json = dict[str, Any]


class Layer:
    """A layer's tar, entry by entry."""

    def __init__(self) -> None:
        self._buffer = io.BytesIO()
        self._tar = tarfile.open(fileobj=self._buffer, mode="w", format=tarfile.PAX_FORMAT)  # noqa: SIM115

    def add(self, name: str, content: bytes | str = b"", *, kind: bytes = tarfile.REGTYPE, **fields: Any) -> Layer:
        """One entry; `fields` are those of `tarfile.TarInfo` (mode, uid, linkname, ...)."""
        data = content.encode() if isinstance(content, str) else content
        info = tarfile.TarInfo(name)
        info.type, info.size = kind, len(data)
        info.mode = 0o755 if kind == tarfile.DIRTYPE else 0o644
        for key, value in fields.items():
            setattr(info, key, value)
        self._tar.addfile(info, io.BytesIO(data))
        return self

    def directory(self, name: str, **fields: Any) -> Layer:
        return self.add(name, kind=tarfile.DIRTYPE, **fields)

    def symlink(self, name: str, target: str) -> Layer:
        return self.add(name, kind=tarfile.SYMTYPE, linkname=target)

    def link(self, name: str, target: str) -> Layer:
        return self.add(name, kind=tarfile.LNKTYPE, linkname=target)

    def data(self) -> bytes:
        self._tar.close()
        return self._buffer.getvalue()


def architecture() -> str:
    return {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())


def configuration(layers: Sequence[bytes], **settings: Any) -> Json:
    """An image configuration; `settings` are those of its `config` (Cmd, Env, User, ...)."""
    diff_ids = [digest(layer) for layer in layers]
    return {
        "architecture": architecture(),
        "os": "linux",
        "config": settings,
        "rootfs": {"type": "layers", "diff_ids": diff_ids},
    }


def digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def write_docker_archive(path: Path, names: Sequence[str], layers: Sequence[bytes], config: Json | None = None) -> Path:
    """As `docker save` writes it."""
    raw = json.dumps(config or configuration(layers)).encode()
    files = {f"{digest(raw)[7:]}.json": raw}
    files |= {f"{index}/layer.tar": layer for index, layer in enumerate(layers)}
    manifest = [{"Config": next(iter(files)), "RepoTags": list(names), "Layers": list(files)[1:]}]
    files["manifest.json"] = json.dumps(manifest).encode()
    with tarfile.open(path, "w") as archive:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return path


def write_layout(
    path: Path, name: str, layers: Sequence[bytes], config: Json | None = None, *, platforms: Sequence[str] = ()
) -> Path:
    """An OCI image layout in a directory, its layers gzipped; with `platforms` an index of one manifest each."""
    blobs = path / "blobs" / "sha256"
    blobs.mkdir(parents=True, exist_ok=True)

    def put(data: bytes) -> Json:
        (blobs / digest(data)[7:]).write_bytes(data)
        return {"digest": digest(data), "size": len(data)}

    def manifest(target: Json) -> Json:
        document = {
            "schemaVersion": 2,
            "config": put(json.dumps(target).encode()),
            "layers": [put(gzip.compress(layer, mtime=0)) for layer in layers],
        }
        return put(json.dumps(document).encode()) | {"mediaType": "application/vnd.oci.image.manifest.v1+json"}

    base = config or configuration(layers)
    if platforms:
        entries = [
            manifest(base | {"architecture": one}) | {"platform": {"os": "linux", "architecture": one}}
            for one in platforms
        ]
        index = json.dumps({"schemaVersion": 2, "manifests": entries}).encode()
        entry = put(index) | {"mediaType": "application/vnd.oci.image.index.v1+json"}
    else:
        entry = manifest(base)
    entry["annotations"] = {"io.containerd.image.name": name}
    (path / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [entry]}))
    (path / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
    return path


def busybox_archive(path: Path, name: str = "busybox:latest") -> Path:
    """A small image with a shell and the usual commands, users root and app (uid 1000), and PATH set."""
    commands = subprocess.run([BUSYBOX, "--list"], capture_output=True, text=True, check=True).stdout.split()
    base = Layer().directory("bin").add("bin/busybox", Path(BUSYBOX).read_bytes(), mode=0o755)
    for command in commands:
        if command != "busybox":
            base.symlink(f"bin/{command}", "busybox")
    base.directory("tmp", mode=0o1777).directory("etc").directory("home").directory("home/app", uid=1000, gid=1000)
    base.add("etc/passwd", "root:x:0:0:root:/root:/bin/sh\napp:x:1000:1000:app:/home/app:/bin/sh\n")
    base.add("etc/group", "root:x:0:\napp:x:1000:\nextra:x:2000:app\n")
    layers = [base.data()]
    return write_docker_archive(
        path, [name], layers, configuration(layers, Cmd=["sh"], Env=["PATH=/bin:/usr/bin", "FLAVOUR=plain"])
    )
