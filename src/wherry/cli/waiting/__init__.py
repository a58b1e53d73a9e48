"""Waiting for objects: until they are gone, until they are as wanted."""
