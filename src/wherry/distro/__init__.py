"""Configuration, certificates, and the assembly of one machine: the only place that wires the rooms together."""
