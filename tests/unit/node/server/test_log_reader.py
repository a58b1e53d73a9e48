from __future__ import annotations

import asyncio
from pathlib import Path

from wherry.base.fake_clock import FakeClock
from wherry.node.server.log_options import LogOptions
from wherry.node.server.log_reader import LogReader


def line(text: str) -> str:
    return f"2026-01-02T03:04:05.000000001Z stdout F {text}\n"


class Following:
    """A reader at work in the background, on a clock that the test moves."""

    def __init__(self, path: Path, **options: object) -> None:
        self.clock = FakeClock()
        self.alive = True
        self.shown = b""
        reader = LogReader(
            path,
            LogOptions(follow=True, **options),  # type: ignore[arg-type]
            alive=lambda: self.alive,
            clock=self.clock,
        )
        self.task = asyncio.create_task(self._run(reader))

    async def _run(self, reader: LogReader) -> None:
        async for piece in reader.read():
            self.shown += piece

    async def soon(self) -> bytes:
        await self.clock.advance(0.5)
        return self.shown


async def test_follows_until_the_container_has_ended(tmp_path: Path) -> None:
    path = tmp_path / "0.log"
    following = Following(path)
    assert await following.soon() == b""
    with path.open("a") as file:
        file.write(line("one") + line("two")[:20])
        file.flush()
        assert await following.soon() == b"one\n"
        file.write(line("two")[20:])
        file.flush()
        assert await following.soon() == b"one\ntwo\n"
        file.write(line("last words"))
    following.alive = False
    assert await following.soon() == b"one\ntwo\nlast words\n"
    assert following.task.done()


async def test_follows_through_rotation_and_truncation(tmp_path: Path) -> None:
    path = tmp_path / "0.log"
    path.write_text(line("one"))
    following = Following(path)
    await following.soon()
    with path.open("a") as file:
        file.write(line("two"))
    path.rename(tmp_path / "0.log.1")
    path.write_text(line("three") + line("four"))
    assert await following.soon() == b"one\ntwo\nthree\nfour\n"
    path.write_text(line("five"))
    assert await following.soon() == b"one\ntwo\nthree\nfour\nfive\n"
    following.alive = False
    await following.soon()
    assert following.task.done()


async def test_the_tail_of_a_large_file_then_what_follows(tmp_path: Path) -> None:
    path = tmp_path / "0.log"
    path.write_text("".join(line(f"{n:0100d}") for n in range(3000)))
    following = Following(path, tail_lines=1500)
    shown = await following.soon()
    assert shown.count(b"\n") == 1500
    assert shown.startswith(b"%0100d\n" % 1500)
    with path.open("a") as file:
        file.write(line("more"))
    assert (await following.soon()).endswith(b"\nmore\n")
    following.alive = False
    await following.soon()


async def test_without_follow_it_ends_at_the_end(tmp_path: Path) -> None:
    path = tmp_path / "0.log"
    path.write_text(line("a") + line("b") + line("c"))
    for tail, expected in ((None, b"a\nb\nc\n"), (2, b"b\nc\n"), (0, b""), (9, b"a\nb\nc\n")):
        reader = LogReader(path, LogOptions(tail_lines=tail), alive=lambda: True, clock=FakeClock())
        assert b"".join([piece async for piece in reader.read()]) == expected
