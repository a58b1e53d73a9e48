#!/usr/bin/env python3
"""Packs programs of this machine into an image: `build.py NAME FILE.tar PROGRAM...`

The file is what `docker save` writes: one layer, a configuration, and a manifest that names both. The first program is
what the image runs.
"""

from __future__ import annotations

import hashlib
import io
import json
import platform
import re
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterable, Iterator
from pathlib import Path

ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
_LIBRARY = re.compile(r"(/\S+) \(0x")


def main() -> None:
    name, file, *programs = sys.argv[1:]
    paths = [found for program in programs if (found := shutil.which(program))]
    if len(paths) != len(programs):
        sys.exit(f"not all of these are on this machine: {' '.join(programs)}")
    layer = layer_of({path for program in paths for path in (program, *libraries(program))})
    configuration = {
        "architecture": ARCHITECTURES.get(platform.machine(), platform.machine()),
        "os": "linux",
        "config": {"Cmd": [paths[0]], "Env": [f"PATH={':'.join(sorted({str(Path(path).parent) for path in paths}))}"]},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(layer).hexdigest()}"]},
    }
    manifest = [{"Config": "config.json", "RepoTags": [name], "Layers": ["layer.tar"]}]
    with tarfile.open(file, "w") as archive:
        add(archive, "layer.tar", layer)
        add(archive, "config.json", json.dumps(configuration).encode())
        add(archive, "manifest.json", json.dumps(manifest).encode())
    print(f"{file}: {name}, {Path(file).stat().st_size / 1e6:.1f} MB")


def libraries(program: str) -> Iterator[str]:
    """What the program needs beside itself; nothing if it is statically linked."""
    told = subprocess.run(["ldd", program], capture_output=True, text=True, check=False).stdout
    return iter(_LIBRARY.findall(told))


def layer_of(paths: Iterable[str]) -> bytes:
    """A tar with these files at the places where they are here, and an empty /tmp."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as layer:
        for path in sorted(paths):
            add(layer, path.lstrip("/"), Path(path).read_bytes(), mode=0o755)
        folder = tarfile.TarInfo("tmp")
        folder.type, folder.mode = tarfile.DIRTYPE, 0o1777
        layer.addfile(folder)
    return buffer.getvalue()


def add(archive: tarfile.TarFile, name: str, content: bytes, *, mode: int = 0o644) -> None:
    info = tarfile.TarInfo(name)
    info.size, info.mode = len(content), mode
    archive.addfile(info, io.BytesIO(content))


if __name__ == "__main__":
    main()
