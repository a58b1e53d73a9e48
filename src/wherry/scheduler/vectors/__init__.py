"""Filtering and scoring all nodes at once, in NumPy arrays; loaded only when a cluster has many nodes.

    table.py        the nodes as columns, kept up to date change by change
    selection.py    labels, taints and cordons, each distinct value tested once
    resources.py    room, and the scores that look at it
    local.py        what depends on nothing but a node and a shape of pod: kept between pods of one shape
    sums.py         numbers of pods per topology domain, kept between pods
    spread.py       topology spread
    affinity.py     inter-pod affinity
    search.py       all of it together: which nodes fit, which are best

What always holds: each vector function agrees with the plain form of its plugin in `wherry.scheduler.plugins`, which
defines it; a law tests it on random clusters. Few changed nodes are brought up to date by the plain form itself.
"""
