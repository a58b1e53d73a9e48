"""Scheduling through the API: pods are created while the scheduler of a whole cluster places them.

objects.py     the nodes and pods of the workloads
workloads.py   the table of workloads, named as in upstream's scheduler_perf
driver.py      carries one out and measures it
rows.py        what `python -m bench` prints
"""
