"""Admission webhooks: somebody else's HTTPS server is asked before a write happens.

`configuration` is one webhook, compiled; `follower` keeps them in step with the store; `invocation` decides whether one is
asked, and in which version; `mutating` and `validating` ask; `calls` is the HTTP of it, also for conversion webhooks. What
the messages look like is `wherry.policy.admission.review`.
"""
