"""A network without privileges: pods are processes on the machine's own network.

`addresses` gives each pod a loopback address, or, where the system has only 127.0.0.1, ports of its own; `tcp` and `udp`
carry Services' connections in this process, `dataplane` decides which are to be carried, `proxy` is the component.
"""
