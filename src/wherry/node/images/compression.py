"""Compressed streams of image layers: gzip always, zstd where Python or the machine can."""

from __future__ import annotations

import gzip
import importlib
import shutil
import subprocess
import tempfile
import zlib
from typing import IO, cast

from wherry.node.runtimes.port import ImageInvalid

_GZIP, _ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"


def _magic(stream: IO[bytes]) -> bytes:
    start = stream.read(4)
    stream.seek(-len(start), 1)
    return start


def is_compressed(stream: IO[bytes]) -> bool:
    """Looks at the first bytes of a seekable stream and goes back."""
    return _magic(stream).startswith((_GZIP, _ZSTD))


def decompressed(stream: IO[bytes]) -> IO[bytes]:
    """The plain bytes of a seekable stream, whichever compression its first bytes show. Raises `ImageInvalid`."""
    magic = _magic(stream)
    if magic.startswith(_GZIP):
        return cast(IO[bytes], gzip.GzipFile(fileobj=stream, mode="rb"))
    if magic.startswith(_ZSTD):
        return _zstd(stream)
    return stream


def _zstd(stream: IO[bytes]) -> IO[bytes]:
    """By the standard library (since 3.14), the package zstandard, or the program zstd."""
    for name in ("compression.zstd", "zstandard"):
        try:
            return cast(IO[bytes], importlib.import_module(name).open(stream, "rb"))
        except ModuleNotFoundError:
            continue
    if shutil.which("zstd") is None:
        raise ImageInvalid(
            "the layer is compressed with zstd: install the program zstd or the Python package zstandard"
        )
    plain = tempfile.TemporaryFile()  # noqa: SIM115 -- the caller reads it to its end, then it goes
    with tempfile.TemporaryFile() as packed:
        shutil.copyfileobj(stream, packed, 1 << 20)
        packed.seek(0)
        if subprocess.run(["zstd", "-dcq"], stdin=packed, stdout=plain, check=False).returncode != 0:
            raise ImageInvalid("the layer's zstd data is damaged")
    plain.seek(0)
    return plain


DAMAGED = (gzip.BadGzipFile, zlib.error, EOFError)
"""What reading from a damaged stream raises."""
