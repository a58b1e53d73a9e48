"""Inputs that nobody meant: `python -m tests.faults.fuzz` looks for one that breaks something, for as long as it may."""
