"""Quantities, names, selectors, JSONPath, patches: pure functions over data."""
