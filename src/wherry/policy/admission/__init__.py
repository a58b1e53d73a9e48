"""Which requests concern a webhook or a policy, and what is said between the server and a webhook: all of it pure.

`matching` reads the rules; `review` words the question to a webhook and checks its answer.
"""
