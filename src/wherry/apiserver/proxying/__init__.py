"""`pods/x/proxy`, `services/x/proxy`, `nodes/x/proxy`: plain HTTP through the API server.

Read `targets` for where a request goes, `forward` for how it gets there, `stages` for how it plugs in.
"""
