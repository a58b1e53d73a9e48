"""Subresources with a meaning of their own: a file for each. Status is served by the verbs themselves."""
