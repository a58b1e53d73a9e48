"""The API server: a pipeline of small stages in front of one handler per verb, over a store of bytes.

Read `app` first (the pipeline), then `registry` (what is served where), `call` (one request on its way), `verbs/` (a file
per verb), `writes` (the only way into the store), `watching/` (how changes go out).

What always holds: an object is serialised once, when it is written, and the stored bytes are what goes out; what can be
answered from memory is answered without a task; every failure leaves as a `Status`.
"""
