"""Control groups of any layout."""

from __future__ import annotations

from pathlib import Path

from wherry.node.runtimes.oci.cgroups import Layout, oom_counters, parse_layout, usage
from wherry.node.runtimes.port import Usage

HYBRID = """\
31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,relatime - cgroup cgroup rw,cpu,cpuacct
35 31 0:32 / /sys/fs/cgroup/memory rw,relatime shared:5 - cgroup cgroup rw,memory
39 31 0:36 / /sys/fs/cgroup/systemd rw,relatime - cgroup cgroup rw,name=systemd
41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw
42 31 0:32 / /elsewhere/memory rw,relatime - cgroup cgroup rw,memory
"""
V2 = "31 23 0:28 / /sys/fs/cgroup rw,relatime - cgroup2 cgroup2 rw,nsdelegate\n"


def test_hybrid() -> None:
    layout = parse_layout(HYBRID)
    assert not layout.is_v2
    assert layout.counter("memory", "w/x", "f") == Path("/sys/fs/cgroup/memory/w/x/f")
    assert [str(root).removeprefix("/sys/fs/cgroup/") for root in layout.roots] == [
        "cpu,cpuacct", "memory", "systemd", "unified",
    ]  # fmt: skip
    assert oom_counters(layout, "w") == [("/sys/fs/cgroup/memory/w/memory.oom_control", "oom_kill")]


def test_v2() -> None:
    layout = parse_layout(V2)
    assert layout.is_v2
    assert layout.roots == (Path("/sys/fs/cgroup"),)
    assert oom_counters(layout, "w") == [("/sys/fs/cgroup/w/memory.events", "oom_kill")]


def write(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)


def test_usage_on_v2(tmp_path: Path) -> None:
    write(
        tmp_path / "w",
        {
            "cpu.stat": "usage_usec 2500000\nuser_usec 1\n",
            "memory.current": "5000\n",
            "memory.stat": "anon 1\ninactive_file 1000\n",
            "pids.current": "3\n",
        },
    )
    assert usage(Layout({}, tmp_path), "w") == Usage(cpu_seconds=2.5, memory_bytes=4000, processes=3)


def test_usage_on_v1(tmp_path: Path) -> None:
    layout = Layout({name: tmp_path / name for name in ("cpuacct", "memory", "pids")}, None)
    write(
        tmp_path,
        {
            "cpuacct/w/cpuacct.usage": "1500000000\n",
            "memory/w/memory.usage_in_bytes": "500\n",
            "memory/w/memory.stat": "inactive_file 1\ntotal_inactive_file 600\n",
            "pids/w/pids.current": "2\n",
        },
    )
    assert usage(layout, "w") == Usage(cpu_seconds=1.5, memory_bytes=0, processes=2)
    assert usage(layout, "gone") is None
