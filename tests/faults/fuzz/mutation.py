"""Random changes of good inputs: most stay good enough to get past the first check."""

from __future__ import annotations

import random
from collections.abc import Sequence

NASTY = (
    b"", b"\0", b"\xff", b"\xc3\x28", b"\xed\xa0\x80", b"\\ud800", b"\\u0000", b"'", b'"', b"\\", b"{", b"}", b"[", b"]", b"(", b")", b",", b":",
    b"~", b"~1", b"/", b"//", b"..", b"-", b"-1", b"0", b"1e400", b"1e-400", b"9223372036854775808", b"-9223372036854775809", b"NaN", b"Infinity",
    b"null", b"true", b"=", b"==", b"!=", b"!", b" in ", b" notin ", b"*", b"&", b"%", b"%00", b"%zz", b"$", b"$patch", b"\n", b"\r\n", b"\t",
    b"---\n", b"- ", b"!!python/object", b"&a ", b"*a", b"<<: ", b"\xef\xbb\xbf", b"\xf0\x9f\x92\xa9", "ſ١İ".encode(), b"k:{", b"f:", b"v:", b"i:", b".",
    b"x" * 300, b"[" * 300, b"(" * 300, b"{\"a\":" * 300,
)  # fmt: skip


def mutated(rng: random.Random, seeds: Sequence[bytes]) -> bytes:
    """One of the seeds, changed at one to six places."""
    data = bytearray(rng.choice(seeds))
    for _ in range(rng.choice((1, 1, 1, 2, 3, 6))):
        rng.choice(_CHANGES)(rng, data, seeds)
    return bytes(data[:200_000])


def _place(rng: random.Random, data: bytearray) -> int:
    return rng.randint(0, len(data))


def _flip(rng: random.Random, data: bytearray, seeds: Sequence[bytes]) -> None:
    if data:
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)


def _overwrite(rng: random.Random, data: bytearray, seeds: Sequence[bytes]) -> None:
    at = _place(rng, data)
    word = rng.choice(NASTY)
    data[at : at + len(word)] = word


def _insert(rng: random.Random, data: bytearray, seeds: Sequence[bytes]) -> None:
    at = _place(rng, data)
    data[at:at] = rng.choice(NASTY)


def _cut(rng: random.Random, data: bytearray, seeds: Sequence[bytes]) -> None:
    at = _place(rng, data)
    del data[at : at + rng.choice((1, 2, 8, 1000))]


def _repeat(rng: random.Random, data: bytearray, seeds: Sequence[bytes]) -> None:
    at = _place(rng, data)
    piece = bytes(data[at : at + rng.choice((1, 4, 40))])
    data[at:at] = piece * rng.choice((1, 2, 30))


def _splice(rng: random.Random, data: bytearray, seeds: Sequence[bytes]) -> None:
    other = rng.choice(seeds)
    begin = rng.randint(0, len(other))
    at = _place(rng, data)
    data[at : at + rng.choice((0, 10))] = other[begin : begin + rng.choice((3, 20, 200))]


def _random(rng: random.Random, data: bytearray, seeds: Sequence[bytes]) -> None:
    at = _place(rng, data)
    data[at:at] = rng.randbytes(rng.choice((1, 4, 16)))


_CHANGES = (_flip, _overwrite, _insert, _insert, _cut, _repeat, _splice, _random)
