"""Reading objects in Kubernetes' protobuf form, which kubectl and Go programs send; answers are JSON.

`envelope.decode` is the entry. `messages.txt` has the field numbers, `wire` the encoding, `messages` turns a message into
what JSON would have said.
"""
