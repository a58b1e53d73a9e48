from __future__ import annotations

from wherry.node.server.measurement import ContainerUse, Measurement, node_cpu_seconds, node_memory
from wherry.node.server.resource_metrics import render


def test_what_proc_says() -> None:
    assert node_cpu_seconds("cpu  100 10 50 9999 999 1 2 3 0 0\ncpu0 1 1 1 1\n") == 1.66
    assert node_cpu_seconds("") == 0.0
    assert node_memory("MemTotal:  100 kB\nMemFree: 1 kB\nMemAvailable:   40 kB\n") == (102400, 40960)
    assert node_memory("") == (0, 0)


def test_the_page() -> None:
    def use(name: str) -> ContainerUse:
        return ContainerUse(
            namespace="ns", pod="p", pod_uid="u", name=name, started_at=1000.5, cpu_seconds=0.25, memory_bytes=10
        )

    page = render(
        Measurement(
            at=2000.0,
            node_cpu_seconds=12345.678,
            node_memory_bytes=7,
            node_memory_available_bytes=8,
            containers=(use("b"), use("a")),
        )
    )
    lines = page.splitlines()
    assert 'container_cpu_usage_seconds_total{container="a",namespace="ns",pod="p"} 0.25 2000000' in lines
    assert 'container_start_time_seconds{container="b",namespace="ns",pod="p"} 1000.5' in lines
    assert 'pod_memory_working_set_bytes{namespace="ns",pod="p"} 20 2000000' in lines
    assert "node_cpu_usage_seconds_total 12345.678 2000000" in lines
    assert "resource_scrape_error 0" in lines
