"""The shim: one small process per container that outlives the node agent.

It holds the container's standard streams, writes its log file and keeps its exit status. `nursery.py` is the process that
forks shims (so that all of them share its memory), `shepherd.py` is one shim's life, `records.py` and `logfile.py` are
its formats. These modules run under `python -I -S` and import only built-in and C modules: no asyncio, no dataclasses,
no json; each import would be paid in memory by every container. The agent's side is `wherry.node.runtimes.supervised`.
"""
