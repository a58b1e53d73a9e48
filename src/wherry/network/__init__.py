"""Pod addresses, Services and cluster DNS.

Rules are compiled by pure functions (`services/rules`, `dns/answers`); dataplanes carry them out: `nodes` with network
namespaces and nftables, `userspace` on loopback addresses without privileges.
"""
