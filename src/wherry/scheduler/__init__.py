"""The scheduler: every pod without a node gets the node that suits it best, or an event that says why none does.

    scheduler.py     the component: takes pods from the queue, decides, binds
    queue.py         which pod is next, and when one that failed is tried again
    cache.py         the nodes and what runs on them, kept up to date change by change
    handlers.py      from informers to cache and queue
    framework/       the points at which plugins decide; pure
    plugins/         one decision per file; pure
    storage/         volumes, devices and claims, with what was decided and not written yet
    vectors/         the same decisions for all nodes at once, in NumPy arrays
    configuration/   profiles and plugins by KubeSchedulerConfiguration
    extenders.py     others who have a say, over HTTP
    explain/         why a pod has no node, and what would help

What always holds: a scheduling cycle without extenders has no await in it, so cache and queue do not move while plugins look at them, and
no snapshot is ever copied. Source: KEP-624 (scheduling framework), k8s.io/kube-scheduler.
"""
